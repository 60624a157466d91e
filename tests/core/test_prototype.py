"""The prototype of few boxes, against naive loops and scikit-learn's discriminant analysis."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from tvcli.core.location.prototype import (
    SHRINKAGE,
    fit_prototype,
    heaviest_rectangle,
    inside_boxes,
    unit_positions,
)

BOXES = [[(0.2, 0.1, 0.7, 0.6)], [(0.5, 0.5, 1.0, 1.0), (0.0, 0.0, 0.3, 0.3)]]


@pytest.fixture
def maps() -> list[np.ndarray]:
    """Give two maps whose positions differ inside and outside of the boxes."""
    rng = np.random.default_rng(0)
    noise = [rng.normal(size=(6, 9, 8)).astype(np.float32) for _ in BOXES]
    kind = rng.normal(size=(6, 1, 1))
    return [m + 2 * kind * inside_boxes(b, 9, 8) for m, b in zip(noise, BOXES, strict=True)]


@pytest.mark.parametrize("seed", range(8))
def test_the_heaviest_rectangle_is_that_of_all(seed: int) -> None:
    values = np.random.default_rng(seed).normal(-0.2, 1, (5, 6)).round(2)
    x0, y0, x1, y1 = heaviest_rectangle(values)
    most = max(
        values[top:bottom, left:right].sum()
        for top in range(5)
        for bottom in range(top + 1, 6)
        for left in range(6)
        for right in range(left + 1, 7)
    )
    assert values[y0:y1, x0:x1].sum() == pytest.approx(most, abs=1e-9)


def test_the_prototype_is_the_discriminant_of_its_positions(maps: list[np.ndarray]) -> None:
    found = fit_prototype(maps, BOXES)
    assert found is not None
    rows = np.concatenate([unit_positions(m).reshape(6, -1).T for m in maps]).astype(float)
    shown = np.concatenate([inside_boxes(b, 9, 8).ravel() for b in BOXES])
    other = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE).fit(rows, shown)
    np.testing.assert_allclose(found.direction, other.coef_[0], rtol=1e-4, atol=1e-4)
    prior = np.log(shown.mean() / (1 - shown.mean()))
    assert found.offset == pytest.approx(other.intercept_[0] - prior, abs=1e-4)


def test_a_box_seen_is_proposed_again(maps: list[np.ndarray]) -> None:
    found = fit_prototype(maps[:1], BOXES[:1])
    assert found is not None
    box, score = found.propose(maps[0])
    np.testing.assert_allclose(box, BOXES[0][0], atol=0.13)
    assert 0.5 < score <= 1


@pytest.mark.parametrize("boxes", [[], [(0.0, 0.0, 1.0, 1.0)]], ids=["none", "all"])
def test_one_side_alone_makes_no_prototype(maps: list[np.ndarray], boxes: list[object]) -> None:
    assert fit_prototype(maps[:1], [boxes]) is None
    assert fit_prototype([], []) is None
