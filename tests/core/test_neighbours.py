"""Query expansion and k-reciprocal re-ranking against loops as the papers write them."""

from collections.abc import Callable

import numpy as np
import pytest

from tvcli.core.errors import UsageError
from tvcli.core.searching.evaluation import Known, measure
from tvcli.core.searching.expansion import Expansion, expanded
from tvcli.core.searching.k_reciprocal import KReciprocal, k_reciprocal_order
from tvcli.core.searching.neighbours import ByNeighbours, asked_neighbours
from tvcli.core.searching.queries import Query


def unit_rows(count: int, seed: int = 0, size: int = 6) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(count, size)) + 0.6
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def by_hand(query: np.ndarray, vectors: np.ndarray, how: KReciprocal) -> list[float]:
    """Return the distance of each hit, one set and one photo after the other."""
    every = np.concatenate([query[None], vectors]).astype(np.float64)
    count = len(every)
    plain = np.array([[((a - b) ** 2).sum() for b in every] for a in every])
    plain = np.array([row / row.max() for row in plain])

    def nearest(photo: int, k: int) -> list[int]:  # itself first
        others = sorted((plain[photo, n], n) for n in range(count) if n != photo)
        return [photo, *(n for _, n in others[:k])]

    def reciprocal(photo: int, k: int) -> set[int]:
        return {n for n in nearest(photo, k) if photo in nearest(n, k)}

    codes = []
    for photo in range(count):
        near = reciprocal(photo, how.k1)
        grown = set(near)
        for candidate in near:
            own = reciprocal(candidate, max(how.k1 // 2, 1))
            if len(near & own) >= 2 / 3 * len(own):
                grown |= own
        code = [np.exp(-plain[photo, n]) if n in grown else 0.0 for n in range(count)]
        codes.append(np.array(code) / sum(code))
    smooth = [np.mean([codes[n] for n in nearest(p, how.k2 - 1)], axis=0) for p in range(count)]
    found = []
    for hit in range(1, count):
        jaccard = 1 - sum(map(min, smooth[0], smooth[hit])) / sum(map(max, smooth[0], smooth[hit]))
        found.append((1 - how.share) * jaccard + how.share * plain[0, hit])
    return found


@pytest.mark.parametrize(
    "how", [KReciprocal(30), KReciprocal(30, 7, 3, 0.5), KReciprocal(30, 1, 1, 0)]
)
def test_k_reciprocal_is_what_loops_over_sets_make_of_it(how: KReciprocal) -> None:
    for seed in range(4):
        rows = unit_rows(31, seed)
        distances = np.array(by_hand(rows[0], rows[1:], how))
        order = k_reciprocal_order(rows[0], rows[1:], how)
        assert sorted(order) == list(range(30))
        assert (np.diff(distances[order]) >= -1e-9).all()


def test_k_reciprocal_with_all_of_the_plain_distance_changes_nothing() -> None:
    rows = unit_rows(41)
    similarities = rows[1:] @ rows[0]
    expected = np.argsort(-similarities, kind="stable")
    assert k_reciprocal_order(rows[0], rows[1:], KReciprocal(40, share=1)).tolist() == list(
        expected
    )
    one = k_reciprocal_order(rows[0], rows[1:2], KReciprocal(1))
    equal = k_reciprocal_order(rows[0], rows[[0, 0, 0]], KReciprocal(3))
    assert (one.tolist(), equal.tolist()) == ([0], [0, 1, 2])


def test_expansion_weighs_neighbours_by_their_similarity() -> None:
    rows = unit_rows(9)
    queries, near = rows[:2], rows[2:8].reshape(2, 3, 6)
    similarities = np.einsum("qd,qnd->qn", queries, near)
    similarities[1, 2] = -np.inf  # no neighbour
    for alpha in (0.0, 1.0, 3.0):
        found = expanded(queries, similarities, near, alpha)
        for query in range(2):
            total = queries[query].astype(np.float64)
            for place in range(3):
                value = similarities[query, place]
                if value > -np.inf:
                    total = total + max(float(value), 0) ** alpha * near[query, place]
            assert np.allclose(found[query], total, atol=1e-6)


class Gallery:
    def __init__(self, values: np.ndarray) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def vectors(self, rows: slice | np.ndarray) -> np.ndarray:
        return self._values[rows]


@pytest.mark.parametrize("own", [None, 4])
def test_an_evaluation_asks_the_neighbours_as_a_search_does(own: int | None) -> None:
    """The ranks are those of a loop; the query's own row is neither neighbour nor hit."""
    rows, query = unit_rows(25), unit_rows(1, 5)[0]
    query = query if own is None else rows[own]
    labels = [str(number % 3) for number in range(25)]
    known = Known(labels, [f"/{number}" for number in range(25)], [""] * 25)
    asked = [Query("q", query, photo="" if own is None else f"/{own}")]
    how = asked_neighbours(4, 2.0, 10, 5, 2, 0.3)

    def closest(vector: np.ndarray) -> list[int]:
        return [row for row in np.argsort(-(rows @ vector), kind="stable") if row != own]

    near = closest(query)[:4]
    drawn = query + sum(max(rows[row] @ query, 0) ** 2 * rows[row] for row in near)
    order = closest(drawn / np.linalg.norm(drawn))
    by_neighbours = k_reciprocal_order(drawn / np.linalg.norm(drawn), rows[order[:10]],
                                       how.reciprocal or KReciprocal(1))  # fmt: skip
    order = [order[place] for place in by_neighbours] + order[10:]
    found = measure(Gallery(rows), known, asked, lambda query: "1", [5], how)
    relevant = [rank for rank, row in enumerate(order, 1) if labels[row] == "1"]
    assert found.values[0, 2] == pytest.approx(sum(rank <= 5 for rank in relevant) / 5)
    average = np.mean([place / rank for place, rank in enumerate(relevant, 1)])
    assert found.values[0, 3] == pytest.approx(average)


@pytest.mark.parametrize(
    "made",
    [
        lambda: Expansion(0),
        lambda: Expansion(1, -1),
        lambda: Expansion(1, float("nan")),
        lambda: KReciprocal(0),
        lambda: KReciprocal(5, k1=0),
        lambda: KReciprocal(5, share=1.5),
        lambda: asked_neighbours(alpha=2),
        lambda: asked_neighbours(5, k2=3),
    ],
)
def test_numbers_that_are_none_are_refused(made: Callable[[], ByNeighbours]) -> None:
    with pytest.raises(UsageError):
        made()
