"""What learns to tell the object from what is taken for it, on maps with known answers."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tvcli.core.heads import HeadFile
from tvcli.core.location.look_cells import GRID, Looks, kernel_of
from tvcli.core.location.verifier import Verifier, verified_probability, verifier_of
from tvcli.core.location.verifier_training import _calibration, _fitted, _photo_scores

CHANNELS, SIDE = 3, 7


def looks(apart: float, photos: int = 12, each: int = 6) -> Looks:
    """Return looks at as many photos with the object as without it, `apart` in one channel."""
    rng = np.random.default_rng(0)
    number = np.repeat(np.arange(2 * photos), each)
    shown = number < photos
    cells = rng.normal(0, 1, (len(number), CHANNELS, GRID, GRID)).astype(np.float32)
    cells[shown, 1] += apart
    return Looks(torch.from_numpy(cells), shown, number, (SIDE, SIDE))


def test_a_kernel_on_a_map_is_the_weights_on_the_means_of_its_cells() -> None:
    torch.manual_seed(0)
    weights, maps = torch.randn(CHANNELS, GRID, GRID), torch.randn(5, CHANNELS, SIDE, SIDE)
    kernel = torch.from_numpy(kernel_of(weights, (SIDE, SIDE)))
    expected = (F.adaptive_avg_pool2d(maps, GRID) * weights).sum((1, 2, 3))
    torch.testing.assert_close((maps * kernel).sum((1, 2, 3)), expected, rtol=1e-4, atol=1e-5)


def test_what_differs_is_told_apart_on_photos_that_were_not_seen() -> None:
    shown, others = _photo_scores(looks(1.5))
    assert len(shown) == len(others) == 12
    assert shown.min() > others.max()
    shown, others = _photo_scores(looks(0.0))
    assert shown.mean() < others.mean()  # nothing to learn: the others' hardest looks lie above
    assert abs(shown.mean()) < 0.5


def test_a_look_and_its_mirror_image_weigh_alike() -> None:
    known = looks(0.7)
    weights, _ = _fitted(known, np.ones(len(known.shown), bool))
    torch.testing.assert_close(weights, weights.flip(2), rtol=1e-2, atol=1e-3)


def test_the_calibration_gives_the_probabilities_that_scores_were_drawn_with() -> None:
    rng = np.random.default_rng(1)
    scores = rng.uniform(-4, 4, 8000)
    truth = rng.uniform(size=8000) < 1 / (1 + np.exp(-(1.5 * scores + 0.0)))
    slope, offset = _calibration(scores[truth], scores[~truth])
    assert slope == pytest.approx(1.5, abs=0.1)
    assert offset == pytest.approx(0, abs=0.1)


def test_the_probability_is_that_of_the_mean_log_odds() -> None:
    assert verified_probability(np.array([1.0, -1.0])) == pytest.approx(0.5)
    assert verified_probability(np.array([2.0, 4.0])) == pytest.approx(1 / (1 + np.exp(-3)))
    assert verified_probability(np.array([1e9])) == pytest.approx(1)


def head(**changes: object) -> HeadFile:
    kernel = np.zeros((CHANNELS, SIDE, SIDE), np.float32)
    state = Verifier(kernel, 0.5, 0.9).state | {"reduction.axes": np.zeros((2, CHANNELS))}
    settings = {"window": [SIDE, SIDE], "verifier": {"threshold": 0.9}}
    return HeadFile("classifier", {**state, **changes.pop("state", {})}, settings | changes)  # type: ignore[dict-item]


def test_a_verifier_is_read_from_its_head_and_an_older_head_has_none() -> None:
    found = verifier_of(head())
    assert found is not None
    assert (found.bias, found.threshold) == (0.5, 0.9)
    older = head()
    del older.settings["verifier"]
    assert verifier_of(older) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"state": {"verifier.kernel": np.zeros((CHANNELS, SIDE, SIDE + 1))}},
        {"state": {"verifier.kernel": np.full((CHANNELS, SIDE, SIDE), np.nan)}},
        {"state": {"verifier.bias": np.zeros(2)}},
        {"verifier": {"threshold": 1.5}},
        {"verifier": {"threshold": "high"}},
    ],
    ids=["shape", "nan", "bias", "threshold", "text"],
)
def test_a_damaged_verifier_is_refused(changes: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        verifier_of(head(**changes))
