"""A structure for a shortlist, put in order by the vectors themselves; masks keep the recall."""

from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from tvcli.core.engines.exact import Exact
from tvcli.core.engines.interface import Found, Gallery, Mask, Rows, Vectors

SCANNED = 10_000  # rows allowed; as few are all compared sooner than a structure finds them
MOST_FETCHED = 2_000  # rows asked of a structure for a query; a scan is as quick from there on
SPARE = 1.5  # how many times the rows expected to be needed are asked for
BEYOND = 8  # rows asked for beyond those wanted, to see whether more are as similar as the last
ALIKE = 1e-6  # similarities that differ by no more may be equal
SCORED = 4096  # vectors held as float32 at a time: they stay in the cache


class Structure(Protocol):
    """An open search structure over the rows of a gallery; `budget` is in units of its own."""

    name: str
    budgets: tuple[int, int]  # the least and the greatest worth trying for 10 rows

    def near(self, queries: Vectors, count: int, budget: int) -> Rows:
        """Return about `count` or more rows (Q, n) near each query; -1 where it finds no more."""
        ...


class Kind(NamedTuple):
    """How a structure is built and opened, how its files are named, and whether it can be used.

    `check` loads its library, and raises BadInput where it is not installed. `build` writes a
    structure over a gallery into a file, for vectors of a dimension and by a seed, and returns what
    it was made with; that is kept in the index. `is_sound` tells whether a file that was not
    written here can be followed, for vectors of a dimension, so many rows and what was kept. `load`
    opens it, or returns None if it is another. `aliases` are other names to ask for it by.
    """

    check: Callable[[], Any]
    stem: str
    suffix: str
    build: Callable[[Gallery, Path, int, int], dict[str, Any]]
    is_sound: Callable[[Path, int, int, dict[str, Any]], bool]
    load: Callable[[Path, int, int], Structure | None]
    aliases: tuple[str, ...] = ()


class Approximate:
    """Searches by a structure and scores what it finds; where it finds too little, scans exactly.

    It finds too little, too, where what it finds beyond the last row wanted is as similar as that,
    or where many are equal: a structure takes any of them, and their numbers are to decide which.

    Rows that are not allowed are made up for by asking for more. Where at most `SCANNED` rows are
    allowed, or more than `MOST_FETCHED` would be asked for, those allowed are all compared.
    """

    takes_budget = True

    def __init__(self, gallery: Gallery, structure: Structure, budget: int) -> None:
        self._gallery, self._structure, self._budget = gallery, structure, budget
        self.name = structure.name

    def search(
        self, queries: Vectors, k: int, allowed: Mask | None = None, budget: int | None = None
    ) -> Found:
        """Return similarities and rows (Q, min(k, allowed)) of the k closest to each query."""
        budget = budget or self._budget
        rows = len(self._gallery)
        allowed = None if allowed is None or allowed[:rows].all() else allowed[:rows]
        count = rows if allowed is None else int(np.count_nonzero(allowed))
        wanted = k if allowed is None else ceil(SPARE * k * rows / max(count, 1))
        wanted += BEYOND
        most = max(MOST_FETCHED, 4 * k)
        if allowed is not None and (count <= SCANNED or wanted > most):
            return Exact(self._gallery).search(queries, k, allowed)
        k = min(k, count)
        near = self._allowed(self._structure.near(queries, wanted, budget), allowed)
        found, enough = self._scored(queries, near, k, count)
        short = np.flatnonzero(~enough)
        if len(short):
            wider = self._structure.near(queries[short], min(4 * wanted, most), budget)
            self._mend(found, short, self._allowed(wider, allowed), queries, k, allowed)
        return found

    def _mend(
        self, found: Found, short: Rows, near: Rows, queries: Vectors, k: int, allowed: Mask | None
    ) -> None:
        """Put in what more rows near the queries that found too little give, or all rows."""
        count = len(self._gallery) if allowed is None else int(np.count_nonzero(allowed))
        (found[0][short], found[1][short]), enough = self._scored(queries[short], near, k, count)
        still = short[~enough]
        if len(still):
            exact = Exact(self._gallery).search(queries[still], k, allowed)
            found[0][still], found[1][still] = exact

    @staticmethod
    def _allowed(near: Rows, allowed: Mask | None) -> Rows:
        """Return rows (Q, n) with -1 for those not allowed, which come last."""
        if allowed is None:
            return near
        kept = np.where((near >= 0) & allowed[near], near, -1)
        order = np.argsort(kept < 0, axis=1, kind="stable")
        width = int((kept >= 0).sum(axis=1).max(initial=0))
        return np.take_along_axis(kept, order, axis=1)[:, :width]

    def _scored(self, queries: Vectors, near: Rows, k: int, count: int) -> tuple[Found, Mask]:
        """Return the k best (Q, k) of rows (Q, n) out of `count`, and for which it is enough (Q,).

        What is missing has the similarity -inf.
        """
        similarities = np.full((len(queries), max(near.shape[1], k)), -np.inf, np.float32)
        rows = np.full(similarities.shape, -1, np.intp)
        rows[:, : near.shape[1]] = near
        step = max(1, SCORED // similarities.shape[1])
        for start in range(0, len(queries), step):
            part = slice(start, start + step)
            self._score(queries[part], rows[part], similarities[part])
        order = np.lexsort((rows, -similarities))[:, :k]
        best = np.take_along_axis(similarities, order, axis=1)
        there = (rows >= 0).sum(axis=1)
        enough = (there >= count) | ((there >= k) & _is_settled(similarities, best[:, -1:]))
        return (best, np.take_along_axis(rows, order, axis=1)), enough

    def _score(self, queries: Vectors, rows: Rows, similarities: Vectors) -> None:
        """Write the similarities (Q, n) of rows that are there."""
        there = rows >= 0
        if there.all():
            vectors = self._gallery.vectors(rows.ravel()).reshape(*rows.shape, -1)
            np.einsum("qnd,qd->qn", vectors, queries, out=similarities)
            return
        query, _ = np.nonzero(there)
        vectors = self._gallery.vectors(rows[there])  # (n, D)
        similarities[there] = np.einsum("nd,nd->n", queries[query], vectors)


def _is_settled(similarities: Vectors, last: Vectors) -> Mask:
    """Tell by what was found (Q, n) that all as similar as the last one wanted (Q, 1) are there.

    Some found are less similar, and nowhere are more than a few equal: of many equal rows a graph
    has some that no other leads to.
    """
    less = (similarities < last - ALIKE) & np.isfinite(similarities)
    ordered = np.sort(similarities, axis=1)  # rising
    alike = ordered[:, BEYOND:] <= ordered[:, :-BEYOND] + ALIKE
    many = alike & np.isfinite(ordered[:, BEYOND:])
    return np.asarray(less.any(axis=1) & ~many.any(axis=1))
