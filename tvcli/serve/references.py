"""Which photos to ask about: those that the current order is least sure of, or any at random."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from tvcli.core.engines import Rows
from tvcli.core.indexes.index import Index

Order = Literal["uncertain", "random"]

LOOKED_AT = 2000  # rows whose neighbours are compared; the rest follow in random order
NEAR = 50  # neighbours compared
ROWS_A_SEARCH = 128  # rows searched at a time


def references(index: Index, order: Order, seed: int, asked: set[int]) -> list[int]:
    """Return all rows in the order to ask about them; those asked before come last.

    `uncertain`: by rising margin between what should be near and what should not. With labels that
    is the best neighbour of the same label less the best of another, below zero where their order
    is wrong; without, the nearest neighbour less the fifth: where many are equally near, the order
    says little.
    """
    rows = np.random.default_rng(seed).permutation(len(index))
    if order == "uncertain":
        looked, rest = rows[:LOOKED_AT], rows[LOOKED_AT:]
        rows = np.concatenate([looked[np.argsort(margins(index, looked), kind="stable")], rest])
    return sorted(map(int, rows), key=lambda row: row in asked)


def margins(index: Index, rows: Rows) -> npt.NDArray[np.float64]:
    """Return the margin of each row, as `references` explains it."""
    labels, images = index.labels, index.images
    told = len(set(labels) - {""}) > 1
    found: list[float] = []
    for start in range(0, len(rows), ROWS_A_SEARCH):
        block = rows[start : start + ROWS_A_SEARCH]
        similarities, near = index.search(index.vectors(block), NEAR)
        for row, values, others in zip(block, similarities, near, strict=True):
            pairs = [
                (float(value), labels[other])
                for value, other in zip(values, others, strict=True)
                if other >= 0 and images[other] != images[row]
            ]
            own = labels[row] if told else ""
            found.append(_by_label(pairs, own) if own else _by_gap([v for v, _ in pairs]))
    return np.array(found)


def _by_label(pairs: list[tuple[float, str]], own: str) -> float:
    """Return best same less best other; what is not among the neighbours is less than the last."""
    last = min((value for value, _ in pairs), default=0.0)
    same = max((value for value, label in pairs if label == own), default=last)
    other = max((value for value, label in pairs if label and label != own), default=last)
    return same - other


def _by_gap(values: list[float]) -> float:
    return values[0] - values[min(4, len(values) - 1)] if len(values) > 1 else 2.0
