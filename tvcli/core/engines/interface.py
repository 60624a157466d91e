"""What a search structure is: it finds the rows closest to a query.

Every engine takes queries (Q, D) float32 and gives the similarities (Q, k) float32 and the rows
(Q, k) of the k closest, closest first; similarity is the cosine. Ties go to the lower row, at the
cut as well: the first rows do not depend on how many are asked for. With `allowed` (N,) only those
rows are found; there may then be fewer than k of them.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

GROUP = 64  # columns of similarities of which only the best is looked at, at first

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]
Found = tuple[Vectors, Rows]
Mask = npt.NDArray[np.bool_]


class Gallery(Protocol):
    """Where an engine reads vectors: unit length, in blocks or by row."""

    def __len__(self) -> int: ...

    def vectors(self, rows: slice | Rows) -> Vectors:
        """Return some rows as (n, D) float32."""
        ...


class Engine(Protocol):
    """A way to find the closest rows.

    `takes_budget` tells whether it can be asked to look harder or less hard than it does by itself:
    one that compares everything cannot, and is right with any budget.
    """

    name: str
    takes_budget: bool

    def search(
        self, queries: Vectors, k: int, allowed: Mask | None = None, budget: int | None = None
    ) -> Found:
        """Return similarities and rows of the k closest to each query."""
        ...


def nothing(queries: int) -> Found:
    """Return what is found before anything was looked at: (Q, 0) of both."""
    return np.empty((queries, 0), np.float32), np.empty((queries, 0), np.intp)


def closest(
    similarities: Vectors,
    rows: Rows,
    k: int,
    precise: Callable[[int, Rows], Vectors] | None = None,
    margin: float | Vectors = 0.0,
) -> Found:
    """Return the k best (Q, k) of (Q, n) similarities of rows (n,), which rise; ties by row.

    Where the similarities are within a `margin` (of each query) of what they should be, `precise`
    gives those of a query (its number) with some columns as they should be.

    Raises:
        FloatingPointError: a similarity is not a number, as of damaged vectors.
    """
    k = min(k, similarities.shape[1])
    if k == 0:
        return nothing(len(similarities))
    bounds = np.take_along_axis(similarities, _best(similarities, k), axis=1).min(axis=1) - margin
    if np.isnan(bounds).any():  # NaN comes before all others
        raise FloatingPointError("a similarity is not a number")
    found = np.empty((len(bounds), k), np.float32), np.empty((len(bounds), k), np.intp)
    for query, (own, bound) in enumerate(zip(similarities, bounds, strict=True)):
        columns = np.flatnonzero(own >= bound)
        values = own[columns] if precise is None else precise(query, columns)
        order = np.lexsort((columns, -values))[:k]
        found[0][query], found[1][query] = values[order], rows[columns[order]]
    return found


def _best(similarities: Vectors, k: int) -> Rows:
    """Return the columns (Q, k) of the k best, in any order.

    They lie in the k groups of neighbouring columns with the best one each, so few are looked at.
    """
    queries, width = similarities.shape
    groups = width // GROUP
    if groups <= 2 * k:
        return np.argpartition(similarities, width - k, axis=1)[:, -k:]
    best = similarities[:, : groups * GROUP].reshape(queries, groups, GROUP).max(axis=2)
    firsts = _best(best, k)[:, :, None] * GROUP
    inside = (firsts + np.arange(GROUP)).reshape(queries, -1)
    rest = np.broadcast_to(np.arange(groups * GROUP, width), (queries, width % GROUP))
    columns = np.concatenate([inside, rest], axis=1)
    near = _best(np.take_along_axis(similarities, columns, axis=1), k)
    return np.take_along_axis(columns, near, axis=1)


def merge(a: Found, b: Found, k: int) -> Found:
    """Return the k best of two sets of found rows, closest first."""
    similarities = np.concatenate([a[0], b[0]], axis=1)
    rows = np.concatenate([a[1], b[1]], axis=1)
    order = np.lexsort((rows, -similarities))[:, :k]
    return np.take_along_axis(similarities, order, axis=1), np.take_along_axis(rows, order, axis=1)
