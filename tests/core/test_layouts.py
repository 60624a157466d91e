"""Where the photos of an index lie on a plane."""

from collections.abc import Iterator

import numpy as np
import pytest

from tvcli.core.errors import UsageError
from tvcli.core.layouts import principal
from tvcli.core.layouts.neighbourly import has_umap, umap_points
from tvcli.core.layouts.principal import principal_components


def cloud(count: int, dimension: int) -> np.ndarray:
    """Return rows of unit length that differ most in two directions."""
    random = np.random.default_rng(0)
    flat = random.normal(size=(count, 2)) * [3, 2] @ random.normal(size=(2, dimension))
    rows = 5 + flat + random.normal(size=(count, dimension)) * 0.3
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def components(rows: np.ndarray, size: int = 7) -> tuple[np.ndarray, tuple[float, float]]:
    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, len(rows), size):
            yield rows[start : start + size]

    return principal_components(blocks, len(rows))


def test_principal_components_are_those_of_the_singular_values() -> None:
    rows = cloud(60, 12)
    points, shares = components(rows)
    centred = rows.astype(np.float64) - rows.mean(0, dtype=np.float64)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    for axis in range(2):
        expected = left[:, axis] * values[axis]
        sign = np.sign(expected @ points[:, axis])
        np.testing.assert_allclose(points[:, axis], sign * expected, atol=2e-5)
        assert shares[axis] == pytest.approx(values[axis] ** 2 / np.square(values).sum(), abs=1e-4)


def test_the_order_of_blocks_and_a_second_time_change_nothing() -> None:
    rows = cloud(40, 6)
    first = components(rows, 7)
    assert np.array_equal(first[0], components(rows, 7)[0])
    np.testing.assert_allclose(first[0], components(rows, 40)[0], atol=1e-5)


def test_long_vectors_are_fitted_to_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = cloud(300, 40)
    exact, known = components(rows)
    monkeypatch.setattr(principal, "SIDE", 32)
    points, shares = components(rows)
    for axis in range(2):
        assert abs(np.corrcoef(points[:, axis], exact[:, axis])[0, 1]) > 0.98
    # Shares are of all rows, so axes of a sample cannot show more than the best ones.
    assert 0.9 * sum(known) < sum(shares) <= sum(known) + 1e-6


@pytest.mark.parametrize("rows", [cloud(1, 4), np.repeat(cloud(1, 4), 5, 0), cloud(2, 1)])
def test_rows_that_do_not_differ(rows: np.ndarray) -> None:
    points, shares = components(rows)
    assert points.shape == (len(rows), 2)
    assert np.isfinite(points).all() and np.abs(points).max() < 1e-5
    assert shares == (0, 0)


def test_too_few_rows_for_umap() -> None:
    if not has_umap():
        pytest.skip("umap-learn is not installed")
    with pytest.raises(UsageError, match="5 photos"):
        umap_points(cloud(3, 4), np.zeros((3, 2), np.float32))


def test_umap_that_is_missing_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tvcli.core.layouts.neighbourly.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"tvcli\[umap\]"):
        umap_points(cloud(6, 4), np.zeros((6, 2), np.float32))
