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
        for rows, similarities in self._blocks(queries, allowed):
            best = merge(best, closest(similarities, rows, k), k)
        return best

    def _blocks(self, queries: Vectors, allowed: Mask | None) -> Iterator[tuple[Rows, Vectors]]:
        """Yield rows and their similarities (Q, B); if few are allowed, no others are read."""
        for start in range(self._first, len(self._gallery), VECTORS_AT_ONCE):
            rows = np.arange(start, min(start + VECTORS_AT_ONCE, len(self._gallery)))
            kept = np.ones(len(rows), bool) if allowed is None else allowed[rows]
            if kept.mean() > MOST:  # reading in a row is so much quicker than picking
                block = self._gallery.vectors(slice(start, start + VECTORS_AT_ONCE))
                similarities = _compared(queries, block)
                yield rows[kept], similarities if kept.all() else similarities[:, kept]
            elif kept.any():
                yield rows[kept], _compared(queries, self._gallery.vectors(rows[kept]))


def _compared(queries: Vectors, vectors: Vectors) -> Vectors:
    """Return the similarities (Q, n) of queries (Q, D) and vectors (n, D).

    A product of matrices reads the vectors at half the speed that memory gives them.
    """
    if not 0 < len(queries) <= FEW:
        return queries @ vectors.T
    return np.stack([np.einsum("nd,d->n", vectors, query) for query in queries])
