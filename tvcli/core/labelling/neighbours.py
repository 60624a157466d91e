"""The labelled rows that are most similar to queries: all compared, or found by the engine."""

from collections.abc import Sequence

import numpy as np

from tvcli.core.images.arrays import unit
from tvcli.core.indexes.index import Index
from tvcli.core.labelling.votes import NONE, Codes, Neighbours, Vectors

VECTORS_AT_ONCE = 65_536  # rows held as float32 at a time
SIMILARITIES = 2**25  # held at a time: so many queries are compared together
WIDER = 4  # times as many rows are looked for, where too few of them may vote


def left_out(
    index: Index, codes: Codes, vectors: Vectors, own: Codes, hidden: Sequence[Codes], k: int
) -> tuple[Neighbours, Neighbours]:
    """Return the neighbours of labelled queries twice: of all labels, and of all but their own.

    In the second the queries show what the index has no label for. `codes` (N,) are those of the
    index's labels; queries have vectors (Q, D), codes `own` (Q,) and rows `hidden` from each, which
    are of the same photo. All labelled rows are compared.
    """
    voters = np.flatnonzero(codes != NONE)
    size = max(1, SIMILARITIES // max(1, len(voters)))
    parts: list[tuple[Neighbours, Neighbours]] = []
    for start in range(0, len(vectors), size):
        here = slice(start, start + size)
        similarities = _similarities(index, voters, unit(vectors[here]))  # (q, V)
        for row, out in zip(similarities, hidden[here], strict=True):
            row[np.searchsorted(voters, np.intersect1d(out, voters))] = -np.inf
        with_own = _nearest(similarities, voters, codes, k)
        similarities[codes[voters] == own[here, None]] = -np.inf
        parts.append((with_own, _nearest(similarities, voters, codes, k)))
    return _joined([part[0] for part in parts]), _joined([part[1] for part in parts])


def found(
    index: Index, codes: Codes, vectors: Vectors, hidden: Sequence[Codes], k: int
) -> Neighbours:
    """Return the k nearest labelled neighbours of queries (Q, D), as the index's engine finds them.

    None of the rows `hidden` from a query is among its own.
    """
    wanted = min(len(index), k + max(map(len, hidden), default=0))
    while True:
        similarities, rows = index.search(vectors, wanted)
        may = (rows >= 0) & (codes[rows] != NONE)
        for place, out in enumerate(hidden):
            may[place] &= ~np.isin(rows[place], out)
        if wanted >= len(index) or (may.sum(axis=1) >= k).all():
            break
        wanted = min(len(index), WIDER * wanted)
    order = np.argsort(~may, axis=1, kind="stable")[:, :k]  # voters first, in their order
    chosen = np.take_along_axis(may, order, axis=1)
    rows = np.where(chosen, np.take_along_axis(rows, order, axis=1), -1)
    values = np.take_along_axis(similarities, order, axis=1)
    return Neighbours(
        np.where(chosen, values, -1).astype(np.float32), np.where(chosen, codes[rows], NONE), rows
    )


def _similarities(index: Index, voters: Codes, queries: Vectors) -> Vectors:
    similarities = np.empty((len(queries), len(voters)), np.float32)
    for start in range(0, len(voters), VECTORS_AT_ONCE):
        block = voters[start : start + VECTORS_AT_ONCE]
        similarities[:, start : start + len(block)] = queries @ index.vectors(block).T
    return similarities


def _nearest(similarities: Vectors, voters: Codes, codes: Codes, k: int) -> Neighbours:
    """Return the k most similar voters by similarities (q, V); those at -inf are none."""
    k = min(k, similarities.shape[1])
    near = np.argpartition(-similarities, k - 1, axis=1)[:, :k]
    values = np.take_along_axis(similarities, near, axis=1)
    order = np.lexsort((near, -values))  # of equals the lower row
    near, values = (
        np.take_along_axis(near, order, axis=1),
        np.take_along_axis(values, order, axis=1),
    )
    there = values > -np.inf
    rows = np.where(there, voters[near], -1)
    return Neighbours(np.where(there, values, -1), np.where(there, codes[rows], NONE), rows)


def _joined(parts: list[Neighbours]) -> Neighbours:
    return Neighbours(
        np.concatenate([part.similarities for part in parts]),
        np.concatenate([part.codes for part in parts]),
        np.concatenate([part.rows for part in parts]),
    )
