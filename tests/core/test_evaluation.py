import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest

from tvcli.core.errors import BadInput
from tvcli.core.searching.evaluation import Known, measure
from tvcli.core.searching.queries import Query


@dataclass
class Vectors:
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    def vectors(self, rows: slice) -> np.ndarray:
        return self.values[rows]


def unit(rng: np.random.Generator, rows: int, size: int = 8) -> np.ndarray:
    values = rng.normal(size=(rows, size)).astype(np.float32)
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def known(labels: list[str]) -> Known:
    return Known(labels, [f"/g/{row}.jpg" for row in range(len(labels))], [""] * len(labels))


def test_the_query_itself_is_left_out_by_path_and_by_content() -> None:
    gallery = Vectors(np.eye(3, dtype=np.float32))
    about = Known(["a", "a", "b"], ["/g/0.jpg", "/g/1.jpg", "/g/2.jpg"], ["d0", "d1", "d2"])
    by_path = Query("0", gallery.values[0], photo="/g/0.jpg")
    by_content = Query("copy", gallery.values[0], photo="/elsewhere.jpg", digest="d0")
    for query in (by_path, by_content):
        found = measure(gallery, about, [query], lambda query: "a", [1])
        assert found.values[0].tolist() == [1, 1, 1, 1, 1]  # row 1 ties with 2 and is lower


def test_queries_without_anything_to_find_are_counted() -> None:
    gallery = Vectors(np.eye(2, dtype=np.float32))
    queries = [Query("x", gallery.values[0], photo="/q/x.jpg", label=name) for name in "abz"]
    found = measure(gallery, known(["a", "b"]), queries, lambda query: query.label, [1])
    assert (len(found.values), found.without_relevant) == (2, 1)
    with pytest.raises(BadInput, match="none of 1 queries"):
        measure(gallery, known(["a", "b"]), queries[2:], lambda query: query.label, [1])


def test_the_difference_is_paired_query_by_query() -> None:
    rng = np.random.default_rng(0)
    labels = [str(number) for number in rng.integers(5, size=60)]
    gallery, queries = Vectors(unit(rng, 60)), unit(rng, 40)
    asked = [Query(str(n), v, photo=f"/q/{n}", label=str(n % 5)) for n, v in enumerate(queries)]
    one = measure(gallery, known(labels), asked, lambda query: query.label, [1, 5])
    other = measure(gallery, known(labels), asked[::-1], lambda query: query.label, [1, 5])
    for record in one.compared(other):
        assert record["difference"] == record["low"] == record["high"] == 0
    records = {record["metric"]: record for record in one.records()}
    assert records["hit@5"]["low"] <= records["hit@5"]["value"] <= records["hit@5"]["high"]
    assert set(records["cut-off"]) == {"metric", "value", "precision", "recall"}


def test_memory_is_bounded_by_blocks_of_similarities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tvcli.core.searching.evaluation.SIMILARITIES", 2**18)
    rng = np.random.default_rng(0)
    gallery = Vectors(unit(rng, 20_000))
    labels = known([str(row % 1000) for row in range(20_000)])
    vectors = unit(rng, 200)
    asked = (Query(str(n), v, label=str(n)) for n, v in enumerate(vectors))
    tracemalloc.start()
    measure(gallery, labels, asked, lambda query: query.label, [1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 2**20 < 200 * 20_000 * 4 * 1.1  # the whole matrix would be 16 MB alone
