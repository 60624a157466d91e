"""Searches that ask the neighbours too: query expansion, and re-ranking by them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.engines import Found, Mask, Rows, Vectors
from tvcli.core.errors import UsageError
from tvcli.core.files.paths import absolute_path
from tvcli.core.images.arrays import unit
from tvcli.core.indexes.index import Index
from tvcli.core.searching.distinct import by_content
from tvcli.core.searching.expansion import ALPHA, Expansion, expanded
from tvcli.core.searching.k_reciprocal import KReciprocal, k_reciprocal_order
from tvcli.core.searching.queries import Query

MORE = 4  # times as many rows are looked for: some are of the query's own photo, or of one content

Closest = Callable[[Vectors, int], Found]


@dataclass(frozen=True, slots=True)
class ByNeighbours:
    """How the neighbours of a query, and those of its hits, are asked; None: they are not."""

    expansion: Expansion | None = None
    reciprocal: KReciprocal | None = None


NO_NEIGHBOURS = ByNeighbours()


def asked_neighbours(
    query_expansion: int | None = None,
    alpha: float | None = None,
    k_reciprocal: int | None = None,
    k1: int | None = None,
    k2: int | None = None,
    share: float | None = None,
) -> ByNeighbours:
    """Return how neighbours are asked, by default where a number is None.

    Raises:
        UsageError: a number that is none, or one of what is not asked for.
    """
    if query_expansion is None and alpha is not None:
        raise UsageError("--alpha: goes with --query-expansion")
    if k_reciprocal is None and not (k1 is k2 is share is None):
        raise UsageError("--k1, --k2 and --lambda: go with --k-reciprocal")
    changes = {"k1": k1, "k2": k2, "share": share}
    given: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
    return ByNeighbours(
        None
        if query_expansion is None
        else Expansion(query_expansion, ALPHA if alpha is None else alpha),
        None if k_reciprocal is None else KReciprocal(k_reciprocal, **given),
    )


def expanded_queries(
    index: Index, queries: Sequence[Query], how: Expansion, closest: Closest, *, distinct: bool
) -> list[Query]:
    """Return queries drawn to their closest rows, but for those of their own photos.

    `closest` gives similarities and rows (Q, n) of vectors (Q, D). Of `distinct` contents each
    counts once, else each row.
    """
    vectors = unit(np.stack([query.vector for query in queries]))
    similarities = np.full((len(queries), how.neighbours), -np.inf, np.float32)
    rows = np.zeros(similarities.shape, np.intp)
    wanted, enough = how.neighbours, False
    while not enough:
        wanted = min(MORE * wanted, len(index))
        values, found = closest(vectors, wanted)
        kept = [_others(index, q, own, distinct)[: how.neighbours]
                for q, own in zip(queries, found, strict=True)]  # fmt: skip
        enough = wanted == len(index) or all(len(some) == how.neighbours for some in kept)
    for place, some in enumerate(kept):
        similarities[place, : len(some)] = values[place, some]
        rows[place, : len(some)] = found[place, some]
    near = index.vectors(rows.ravel()).reshape(*rows.shape, -1)  # (Q, n, D)
    drawn = expanded(vectors, similarities, near, how.alpha)
    return [replace(query, vector=vector) for query, vector in zip(queries, drawn, strict=True)]


def _others(index: Index, query: Query, rows: Rows, distinct: bool) -> Rows:
    """Return the places of the rows (n,) that are not of a query's own photo."""
    others = np.flatnonzero((rows >= 0) & ~own_rows(index, query, rows))
    if distinct:
        others = others[by_content(index, rows[others], len(others))[0]]
    return others


def order_by_neighbours(index: Index, query: Query, rows: Rows, how: KReciprocal) -> Rows:
    """Return the order (n,) of a query's rows (n,), closest first, by k-reciprocal neighbours.

    Rows of the query's own photo keep their places, as do those behind the shortlist.
    """
    order = np.arange(len(rows))
    others = np.flatnonzero(~own_rows(index, query, rows[: how.shortlist]))
    if len(others):
        vector = unit(query.vector[None])[0]
        order[others] = others[k_reciprocal_order(vector, index.vectors(rows[others]), how)]
    return order


def own_rows(index: Index, query: Query, rows: Rows) -> Mask:
    """Return which of some rows (n,) are of a query's own photo, by its path or its content."""
    mask: npt.NDArray[np.bool_] = np.zeros(len(rows), bool)
    there = np.flatnonzero(rows >= 0)
    names = index.read("image", rows[there])
    digests = index.read("digest", rows[there])
    for place, name, digest in zip(there, names, digests, strict=True):
        same = bool(query.digest) and digest == query.digest
        mask[place] = same or (
            bool(query.photo) and absolute_path(index.root / name) == query.photo
        )
    return mask
