"""Sharing: which photos have the most visual words in common, however turned or cut.

A word that few photos have counts more than one that many have.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from tvcli.core.deduping.words import Rows, Words
from tvcli.core.matching.inverted_file import InvertedFile, Near, inverted_lists, word_weights
from tvcli.core.parallel import cores, in_order
from tvcli.core.reports import Report

PHOTOS_IN_MEMORY = 8192  # photos whose lists are in memory at a time


def near_by_words(words: Words, k: int, report: Report, own: int = 0) -> Rows:
    """Return for each photo the k that share the most, (N, k): rows, -1 where there are fewer.

    With `own` the first so many are asked about, and sought among the others alone: (own, k).
    Photos share words as they are, or one of them mirrored. Time and memory grow with the number
    of photos, not its square: words that more than `LONGEST` photos have are left out.
    """
    asking = own or len(words)
    best = np.full((asking, k), -1, np.intp), np.zeros((asking, k), np.float32)
    if len(words) < 2:
        return best[0]
    weights = word_weights(words[:, 0])
    report.start("shared details", "photos", asking)
    for start in range(own, len(words), PHOTOS_IN_MEMORY):
        block = words[start : start + PHOTOS_IN_MEMORY, 0]
        lists = InvertedFile(inverted_lists([block], weights))
        for row, (near, scores) in enumerate(_near(words[:asking], lists, start, k)):
            _merge(best, row, near + start, scores)
            if start + PHOTOS_IN_MEMORY >= len(words):
                report.advance()
    return best[0]


def _near(words: Words, lists: InvertedFile, start: int, k: int) -> Iterator[Near]:
    """Yield for every photo its nearest in a block of photos that begins at `start`."""

    def near(row: int) -> Near:
        return lists.near(words[row], row - start, k)

    with ThreadPoolExecutor(cores()) as pool:
        yield from in_order(pool, near, range(len(words)))


def _merge(best: Near, row: int, rows: Rows, scores: npt.NDArray[np.float32]) -> None:
    """Keep the best of what is known of a row and what a block adds."""
    every = np.concatenate([best[0][row], rows]), np.concatenate([best[1][row], scores])
    order = np.lexsort((every[0], -every[1]))[: len(best[0][row])]
    best[0][row], best[1][row] = every[0][order], every[1][order]
