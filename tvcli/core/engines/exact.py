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

BLOCK = 65_536  # vectors held as float32 at a time


class Exact:
    """Blocks of matrix products over all vectors from row `first` on, in bounded memory."""

    name = "exact"

    def __init__(self, gallery: Gallery, first: int = 0) -> None:
        self._gallery, self._first = gallery, first

    def search(self, queries: Vectors, k: int, allowed: Mask | None = None) -> Found:
        """Return similarities and rows of the k closest to each query."""
        best = nothing(len(queries))
        for rows, block in self._blocks(allowed):
            best = merge(best, closest(queries @ block.T, rows, k), k)  # (Q, B)
        return best

    def _blocks(self, allowed: Mask | None) -> Iterator[tuple[Rows, Vectors]]:
        """Yield rows and their vectors (B, D); of those few that are allowed no others are read."""
        for start in range(self._first, len(self._gallery), BLOCK):
            rows = np.arange(start, min(start + BLOCK, len(self._gallery)))
            if allowed is None or allowed[rows].all():
                yield rows, self._gallery.vectors(slice(start, start + BLOCK))
            elif allowed[rows].any():
                rows = rows[allowed[rows]]
                yield rows, self._gallery.vectors(rows)
