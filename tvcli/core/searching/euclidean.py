"""Searching by Euclidean distance: the vectors of an index at the lengths they had."""

import numpy as np

from tvcli.core.engines import Found, Rows, Vectors, merge
from tvcli.core.engines.interface import closest, nothing
from tvcli.core.errors import Mismatch
from tvcli.core.files.artifacts import slices
from tvcli.core.indexes.index import Index

ROUNDING = 1e-5  # of the squared lengths, that a product of matrices may be off
VECTORS_AT_ONCE = 65_536  # vectors held as float32 at a time


def search_euclidean(index: Index, queries: Vectors, k: int) -> Found:
    """Return similarities 1 / (1 + d) and rows (Q, k) of the closest to queries (Q, D) float32.

    d is the Euclidean distance of the vectors as they were before they were brought to unit
    length; an index keeps those lengths. Everything is compared, whatever the index's structure:
    structures know the directions only.

    Raises:
        Mismatch: vectors of another dimension, or an index from before lengths were kept.
    """
    if queries.shape[1] != index.manifest.dimension:
        raise Mismatch(
            f"{index.path}: holds vectors of {index.manifest.dimension} values, "
            f"the query has {queries.shape[1]}"
        )
    lengths = index.read("length")  # (N,) float32
    if np.isnan(lengths).any():
        raise Mismatch(f"{index.path}: keeps no lengths to measure distances by; index again")
    best = nothing(len(queries))
    for block in slices(len(index), VECTORS_AT_ONCE):
        rows, vectors = np.arange(block.start, block.stop), index.vectors(block)
        best = merge(best, _compared(queries, vectors * lengths[block, None], rows, k), k)
    similarities: Vectors = (1 / (1 + np.sqrt(-best[0]))).astype(np.float32)
    return similarities, best[1]


def _compared(queries: Vectors, vectors: Vectors, rows: Rows, k: int) -> Found:
    """Return squared distances, negative, and rows of the k vectors closest to each query.

    A product of matrices finds them, and is off by a share of the lengths; then they are measured.
    """
    own, others = (queries**2).sum(axis=1), (vectors**2).sum(axis=1)
    squares = own[:, None] + others - 2 * queries @ vectors.T  # (Q, B)

    def precise(query: int, columns: Rows) -> Vectors:
        squares: Vectors = ((vectors[columns] - queries[query]) ** 2).sum(axis=1)
        return -squares

    return closest(-squares, rows, k, precise, ROUNDING * (own + others.max(initial=0)))
