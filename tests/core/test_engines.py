from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvcli.core import engines
from tvcli.core.engines import Annoy, Exact, Rows, Vectors


class Matrix:
    """A gallery in memory."""

    def __init__(self, values: Vectors) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def vectors(self, rows: slice | Rows) -> Vectors:
        return self._values[rows]


def clustered(count: int, dimension: int, seed: int = 0) -> Vectors:
    """Return unit vectors in clusters, as embeddings of photos are."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(50, dimension))
    values = centres[random.integers(0, 50, count)] + 0.7 * random.normal(size=(count, dimension))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


@settings(max_examples=50, deadline=None)
@given(
    count=st.integers(1, 40),
    queries=st.integers(1, 4),
    k=st.integers(1, 12),
    seed=st.integers(0, 9),
)
def test_exact_is_a_plain_sort(count: int, queries: int, k: int, seed: int) -> None:
    gallery, asked = clustered(count, 4, seed), clustered(queries, 4, seed + 1)
    found, rows = Exact(Matrix(gallery)).search(asked, min(k, count))
    for query, values, numbers in zip(asked, found, rows, strict=True):
        truth = sorted(((-float(np.dot(query, v)), row) for row, v in enumerate(gallery)))[:k]
        assert np.allclose(values, [-s for s, _ in truth], atol=1e-6)
        assert np.allclose((gallery @ query)[numbers], values, atol=1e-6)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    gallery, asked = clustered(500, 8), clustered(7, 8, 1)
    whole = Exact(Matrix(gallery)).search(asked, 20)
    monkeypatch.setattr("tvcli.core.engines.exact.BLOCK", 37)
    blocks = Exact(Matrix(gallery)).search(asked, 20)
    assert (whole[1] == blocks[1]).all()
    assert np.allclose(whole[0], blocks[0], atol=1e-6)


def test_ties_go_to_the_lower_row() -> None:
    gallery = np.ones((9, 1), np.float32)
    assert Exact(Matrix(gallery)).search(np.ones((1, 1), np.float32), 9)[1].tolist() == [
        list(range(9))
    ]


def test_annoy_finds_what_exact_finds(tmp_path: Path) -> None:
    values = clustered(5100, 32)
    gallery, asked = Matrix(values[:5000]), values[5000:]
    path = tmp_path / "forest"
    engines.build_forest(gallery, path, 32, seed=0)
    forest = engines.open_forest(path, 32, 5000, path.stat().st_size)
    effort, measured = engines.choose_effort(gallery, forest, seed=0)
    assert measured >= 0.95
    truth, found = (
        Exact(gallery).search(asked, 10),
        Annoy(gallery, forest, effort).search(asked, 10),
    )
    recall = np.mean([len(set(t) & set(f)) / 10 for t, f in zip(truth[1], found[1], strict=True)])
    assert recall >= 0.95
    assert (np.diff(found[0], axis=1) <= 0).all()
    assert np.allclose(found[0][0], values[found[1][0]] @ asked[0], atol=1e-6)


def test_the_same_seed_grows_the_same_forest(tmp_path: Path) -> None:
    gallery = Matrix(clustered(300, 8))
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        engines.build_forest(gallery, tmp_path / name, 8, seed)
    first, second, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == second
    assert first != other


def test_a_forest_that_does_not_fit_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "forest"
    engines.build_forest(Matrix(clustered(300, 8)), path, 8, 0)
    size = path.stat().st_size
    assert engines.open_forest(path, 8, 300, size) is not None
    assert engines.open_forest(path, 8, 301, size) is None
    assert engines.open_forest(path, 8, 300, size + 1) is None
    assert engines.open_forest(tmp_path / "none", 8, 300, size) is None
    path.write_bytes(b"")
    assert engines.open_forest(path, 8, 300, 0) is None


def test_a_forest_from_elsewhere_is_checked_node_by_node(tmp_path: Path) -> None:
    gallery = Matrix(clustered(500, 8))
    path = tmp_path / "forest.annoy"
    engines.build_forest(gallery, path, 8, seed=0)
    good, size = path.read_bytes(), path.stat().st_size
    assert engines.open_forest(path, 8, 500, size) is not None
    node = 4 * (8 + 3)
    for number in (500, size // node - 1):  # the first that is no item; the last root
        for field, value in ((0, -5), (1, 10**9), (1, -1)):
            content = bytearray(good)
            start = number * node + 4 * field
            content[start : start + 4] = np.int32(value).tobytes()
            path.write_bytes(content)
            assert engines.open_forest(path, 8, 500, size) is None, (number, field, value)
