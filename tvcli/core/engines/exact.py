"""Every vector compared with every query: nothing to build, and nothing lost."""

from collections.abc import Iterator

import numpy as np

from tvcli.core.engines.interface import (
    Found,
    Gallery,
    Mask,
    Rows,
    Vectors,
    closest,
    merge,
    nothing,
)

VECTORS_AT_ONCE = 65_536  # vectors held as float32 at a time
FEW = 4  # queries; so few are compared sooner one after the other than as a product of matrices
ROUNDING = 1e-5  # how far a product of matrices may be off, in another way at its edges
MOST = 0.35  # share of a block's rows allowed: above, all of them are compared


class Exact:
    """Blocks of matrix products over all vectors from row `first` on, in bounded memory."""

    name = "exact"
    takes_budget = False

    def __init__(self, gallery: Gallery, first: int = 0) -> None:
        self._gallery, self._first = gallery, first

    def search(
        self, queries: Vectors, k: int, allowed: Mask | None = None, budget: int | None = None
    ) -> Found:
        """Return similarities and rows of the k closest to each query, whatever the budget."""
        best = nothing(len(queries))
        for rows, vectors in self._blocks(allowed):
            best = merge(best, _compared(queries, vectors, rows, k), k)
        return best

    def _blocks(self, allowed: Mask | None) -> Iterator[tuple[Rows, Vectors]]:
        """Yield rows (B,) and their vectors; those that are not allowed among them are -1."""
        for start in range(self._first, len(self._gallery), VECTORS_AT_ONCE):
            rows = np.arange(start, min(start + VECTORS_AT_ONCE, len(self._gallery)))
            kept = np.ones(len(rows), bool) if allowed is None else allowed[rows]
            if kept.mean() > MOST:  # reading in a row is so much quicker than picking
                block = self._gallery.vectors(slice(start, start + VECTORS_AT_ONCE))
                yield np.where(kept, rows, -1), block
            elif kept.any():
                yield rows[kept], self._gallery.vectors(rows[kept])


def _compared(queries: Vectors, vectors: Vectors, rows: Rows, k: int) -> Found:
    """Return the k vectors (n, D) closest to each query (Q, D), without those of row -1.

    A product of matrices reads the vectors at half the speed that memory gives them. It may give
    equal vectors similarities that differ a little, so that the closest are scored one by one.
    """
    kept = rows >= 0
    there = np.flatnonzero(kept)

    def chosen(similarities: Vectors) -> Vectors:
        return similarities if kept.all() else similarities[..., kept]

    def precise(query: int, columns: Rows) -> Vectors:
        return similarities_of(queries[query], vectors[there[columns]])

    if 0 < len(queries) <= FEW:
        one_by_one = np.stack([similarities_of(query, vectors) for query in queries])
        return closest(chosen(one_by_one), rows[there], k)
    return closest(chosen(queries @ vectors.T), rows[there], k, precise, ROUNDING)


def similarities_of(query: Vectors, vectors: Vectors) -> Vectors:
    """Return the similarities (n,) of a query (D,) and vectors (n, D), equal for equal vectors."""
    similarities: Vectors = np.einsum("nd,d->n", vectors, query)
    return similarities
