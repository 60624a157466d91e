from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvcli.core import engines
from tvcli.core.engines import Approximate, Exact, Rows, Structure, Vectors


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


@settings(max_examples=50)
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
    monkeypatch.setattr("tvcli.core.engines.exact.VECTORS_AT_ONCE", 37)
    blocks = Exact(Matrix(gallery)).search(asked, 20)
    assert (whole[1] == blocks[1]).all()
    assert np.allclose(whole[0], blocks[0], atol=1e-6)


def test_one_query_finds_what_many_find_in_a_gallery_of_any_width() -> None:
    for count in (10, 63, 64, 1300, 1344, 9001):
        gallery, asked = clustered(count, 8), clustered(12, 8, 1)
        similarities, rows = Exact(Matrix(gallery)).search(asked, 10)
        assert (rows == np.argsort(-(asked @ gallery.T), axis=1)[:, :10]).all()
        for place in range(len(asked)):
            alone = Exact(Matrix(gallery)).search(asked[place : place + 1], 10)
            assert (alone[1] == rows[[place]]).all()
            assert np.allclose(alone[0], similarities[[place]], atol=1e-6)


@pytest.mark.annoy
def test_ties_go_to_the_lower_row() -> None:
    gallery = np.ones((9, 1), np.float32)
    assert Exact(Matrix(gallery)).search(np.ones((1, 1), np.float32), 9)[1].tolist() == [
        list(range(9))
    ]


STRUCTURES = ["annoy", "faiss-hnsw", "faiss-ivfpq"]


def naive(values: Vectors, query: Vectors, k: int, allowed: Any = None) -> list[int]:
    """Return the k closest rows, equal ones by their number, by a sort of single products."""
    rows = range(len(values)) if allowed is None else np.flatnonzero(allowed)
    return sorted(rows, key=lambda row: (-float(np.einsum("d,d->", values[row], query)), row))[:k]


@settings(max_examples=40)
@given(
    different=st.integers(1, 12),
    count=st.integers(1, 90),
    queries=st.sampled_from([1, 3, 7, 20]),
    share=st.sampled_from([1.0, 0.7, 0.2]),
    dimension=st.sampled_from([4, 33, 100]),
    seed=st.integers(0, 99),
)
def test_the_first_rows_of_any_k_are_the_same_among_equal_photos(
    different: int, count: int, queries: int, share: float, dimension: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    values = clustered(different, dimension, seed)[random.integers(0, different, count)]
    asked = np.concatenate([values[:1], clustered(queries - 1, dimension, seed + 1)])
    allowed = random.random(count) < share
    allowed[0] = True
    every = int(allowed.sum())
    whole = Exact(Matrix(values)).search(asked, every, allowed)[1]
    for place, query in enumerate(asked):
        assert list(whole[place]) == naive(values, query, every, allowed)
    for k in (1, 2, 5, every // 2, every):
        found = Exact(Matrix(values)).search(asked, max(k, 1), allowed)[1]
        assert (found == whole[:, : max(k, 1)]).all()


@pytest.mark.parametrize("engine", STRUCTURES)
@pytest.mark.parametrize("seed", range(3))
def test_a_structure_cuts_equal_photos_by_row(engine: str, seed: int, tmp_path: Path) -> None:
    random = np.random.default_rng(seed)
    values = clustered(60, 16, seed)[random.integers(0, 60, 900)]
    values[random.permutation(900)[:61]] = values[0]  # 61 of one photo, as blank ones are
    opened, _ = structure(engine, values, tmp_path / "file")
    gallery = Approximate(Matrix(values), opened, opened.budgets[1])
    asked = values[[0, 1, 2, 3, 4, 5]]
    whole = gallery.search(asked, 200)[1]
    for k in (1, 2, 5, 10, 61, 62, 100):
        found = gallery.search(asked, k)[1]
        assert (found == whole[:, :k]).all()
        for place, query in enumerate(asked):
            assert list(found[place]) == naive(values, query, k)


@pytest.mark.parametrize("engine", STRUCTURES)
def test_more_equal_photos_than_a_structure_is_asked_for(engine: str, tmp_path: Path) -> None:
    values = clustered(3000, 16)
    values[1::2] = values[1]
    opened, _ = structure(engine, values, tmp_path / "file")
    gallery = Approximate(Matrix(values), opened, opened.budgets[0])
    for k in (5, 60, 700):
        assert gallery.search(values[[1]], k)[1][0].tolist() == list(range(1, 2 * k, 2))


def structure(
    engine: str, values: Vectors, path: Path, seed: int = 0
) -> tuple[Structure, dict[str, Any]]:
    """Return a structure built at `path`, opened, and what is known of its file."""
    if engine.startswith("faiss"):
        faiss = pytest.importorskip("faiss", reason="extra faiss")
        faiss.omp_set_num_threads(1)  # threads that wait for busy cores take far longer than one
    dimension = values.shape[1]
    made = engines.build_structure(engine, Matrix(values), path, dimension, seed)
    opened = engines.open_structure(engine, path, dimension, len(values), made)
    assert opened is not None
    return opened, made


def recall_of(found: Rows, truth: Rows) -> float:
    return float(
        np.mean([len(set(f) & set(t)) / len(t) for f, t in zip(found, truth, strict=True)])
    )


@pytest.mark.parametrize("engine", STRUCTURES)
def test_a_structure_finds_what_exact_finds(engine: str, tmp_path: Path) -> None:
    values = clustered(5100, 32)
    gallery, asked = Matrix(values[:5000]), values[5000:]
    opened, _ = structure(engine, values[:5000], tmp_path / "file")
    budget, measured = engines.choose_budget(gallery, opened, seed=0)
    assert measured >= 0.95
    truth = Exact(gallery).search(asked, 10)
    found = Approximate(gallery, opened, budget).search(asked, 10)
    assert recall_of(found[1], truth[1]) >= 0.95
    assert (np.diff(found[0], axis=1) <= 0).all()
    assert np.allclose(found[0][0], values[found[1][0]] @ asked[0], atol=1e-6)


@pytest.mark.parametrize("engine", STRUCTURES)
@pytest.mark.parametrize("share", [0.9, 0.5, 0.1, 0.001])
def test_masks_keep_the_recall(
    engine: str, share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tvcli.core.engines.approximate.SCANNED", 100)
    values = clustered(4050, 16)
    gallery, asked = Matrix(values[:4000]), values[4000:]
    allowed = np.random.default_rng(1).random(4000) < share
    opened, _ = structure(engine, values[:4000], tmp_path / "file")
    found = Approximate(gallery, opened, opened.budgets[0] * 8).search(asked, 10, allowed)
    truth = Exact(gallery).search(asked, 10, allowed)
    assert found[1].shape == truth[1].shape
    assert allowed[found[1]].all()
    assert recall_of(found[1], truth[1]) >= 0.95


@pytest.mark.parametrize("engine", STRUCTURES)
def test_what_is_far_from_the_query_is_found_too(engine: str, tmp_path: Path) -> None:
    """Everything near the query is forbidden: the structure finds nothing, the scan does."""
    values = clustered(20_000, 8)
    near = np.argsort(-(values @ values[0]))
    allowed = np.ones(20_000, bool)
    allowed[near[:9000]] = False
    opened, _ = structure(engine, values, tmp_path / "file")
    found = Approximate(Matrix(values), opened, opened.budgets[0]).search(values[:1], 5, allowed)
    assert recall_of(found[1], near[None, 9000:9005]) == 1.0


@settings(max_examples=60)
@given(
    count=st.integers(1, 40),
    queries=st.integers(1, 3),
    k=st.integers(1, 12),
    share=st.floats(0, 1),
    seed=st.integers(0, 9),
    budget=st.integers(1, 4),
)
def test_masked_is_a_plain_sort_of_those_allowed(
    count: int, queries: int, k: int, share: float, seed: int, budget: int
) -> None:
    """Exact, and a structure that finds too little or nothing: the hits are those of a loop."""
    values, asked = clustered(count, 4, seed), clustered(queries, 4, seed + 1)
    allowed = np.random.default_rng(seed).random(count) < share
    poor = Approximate(Matrix(values), Poor(count), budget)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tvcli.core.engines.approximate.SCANNED", 3)
        engines_tried = [Exact(Matrix(values)), poor]
        for engine in engines_tried:
            similarities, rows = engine.search(asked, k, allowed)
            assert rows.shape == similarities.shape == (queries, min(k, int(allowed.sum())))
            for query, values_found, numbers in zip(asked, similarities, rows, strict=True):
                assert allowed[numbers].all()
                assert len(set(numbers)) == len(numbers)
                assert np.allclose(values_found, values[numbers] @ query, atol=1e-6)
                truth = sorted(float(values[row] @ query) for row in np.flatnonzero(allowed))
                if engine is not poor or len(numbers) == allowed.sum():
                    assert np.allclose(values_found, truth[::-1][:k], atol=1e-6)


class Poor:
    """A structure that finds only every other row, whatever the query."""

    name, budgets = "poor", (1, 1)

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def near(self, queries: Vectors, count: int, budget: int) -> Rows:
        found = np.full((len(queries), count), -1)
        some = np.arange(0, self._rows, 2)[:count]
        found[:, : len(some)] = some
        return found


def test_a_budget_is_of_one_search() -> None:
    """What was asked of one search is forgotten at the next."""

    class Noting(Poor):
        asked: ClassVar[list[int]] = []

        def near(self, queries: Vectors, count: int, budget: int) -> Rows:
            self.asked.append(budget)
            return super().near(queries, count, budget)

    values = clustered(40, 4)
    engine = Approximate(Matrix(values), Noting(40), 7)
    assert engine.takes_budget and not Exact(Matrix(values)).takes_budget
    for budget in (None, 3, None):
        engine.search(values[:1], 5, budget=budget)
    assert Noting.asked == [7, 3, 7]
    plain, asked = (Exact(Matrix(values)).search(values, 3, budget=b) for b in (None, 1))
    assert np.array_equal(plain[1], asked[1])


@pytest.mark.parametrize("engine", STRUCTURES)
@pytest.mark.parametrize("count", [1, 2, 300])
def test_few_rows_are_enough(engine: str, count: int, tmp_path: Path) -> None:
    values = clustered(count, 6)
    opened, _ = structure(engine, values, tmp_path / "file")
    similarities, rows = Approximate(Matrix(values), opened, opened.budgets[1]).search(values, 1)
    assert rows[:, 0].tolist() == list(range(count))
    assert np.allclose(similarities, 1, atol=1e-5)


@pytest.mark.parametrize("engine", STRUCTURES)
def test_the_same_seed_builds_the_same_file(engine: str, tmp_path: Path) -> None:
    values = clustered(300, 8)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        structure(engine, values, tmp_path / name, seed)
    first, second, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert first == second
    assert first != other


@pytest.mark.parametrize("engine", STRUCTURES)
def test_a_file_that_does_not_fit_is_not_opened(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    _, made = structure(engine, clustered(300, 8), path)

    def opens(rows: int = 300, where: Path = path, **changed: Any) -> bool:
        return engines.open_structure(engine, where, 8, rows, made | changed) is not None

    assert opens()
    assert not opens(rows=301)
    assert not opens(bytes=made["bytes"] + 1)
    assert not opens(where=tmp_path / "none")
    other = tmp_path / "other"
    content = bytearray(path.read_bytes())
    other.write_bytes(content)
    assert opens(where=other)
    content[-300:] = bytes(300)
    other.write_bytes(content)
    assert not opens(where=other)
    path.write_bytes(b"")
    assert not opens(bytes=0)


@pytest.mark.annoy
def test_a_forest_from_elsewhere_is_checked_node_by_node(tmp_path: Path) -> None:
    path = tmp_path / "forest.annoy"
    _, made = structure("annoy", clustered(500, 8), path)
    good, size = path.read_bytes(), path.stat().st_size
    node = 4 * (8 + 3)
    for number in (500, size // node - 1):  # the first that is no item; the last root
        for field, value in ((0, -5), (1, 10**9), (1, -1)):
            content = bytearray(good)
            start = number * node + 4 * field
            content[start : start + 4] = np.int32(value).tobytes()
            path.write_bytes(content)
            changed = engines.open_structure("annoy", path, 8, 500, made | {"stamp": None})
            assert changed is None, (number, field, value)
