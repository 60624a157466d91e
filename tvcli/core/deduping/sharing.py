"""Sharing: which photos have the most visual words in common, however turned or cut.

A word that few photos have counts more than one that many have.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from tvcli.core.deduping.words import NONE, Rows, Words
from tvcli.core.parallel import cores, in_order
from tvcli.core.reports import Report

LONGEST = 5000  # photos that have a word: of more it tells little, and would cost much
PHOTOS_IN_MEMORY = 8192  # photos whose lists are in memory at a time

Near = tuple[Rows, npt.NDArray[np.float32]]  # rows (k,), and how much they share


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
    weights = _weights(words)
    report.start("shared details", "photos", asking)
    for start in range(own, len(words), PHOTOS_IN_MEMORY):
        lists = _Lists(words[start : start + PHOTOS_IN_MEMORY, 0], weights)
        for row, (near, scores) in enumerate(_near(words[:asking], lists, start, k)):
            _merge(best, row, near + start, scores)
            if start + PHOTOS_IN_MEMORY >= len(words):
                report.advance()
    return best[0]


def _near(words: Words, lists: "_Lists", start: int, k: int) -> Iterator[Near]:
    """Yield for every photo its nearest in a block of photos that begins at `start`."""

    def near(row: int) -> Near:
        return lists.near(words[row], row - start, k)

    with ThreadPoolExecutor(cores()) as pool:
        yield from in_order(pool, near, range(len(words)))


def _weights(words: Words) -> npt.NDArray[np.float32]:
    """Return what each word counts, squared inverse document frequency: (65536,) float32."""
    having = np.zeros(int(NONE) + 1, np.int64)
    for row in words[:, 0]:
        having[np.unique(row)] += 1
    weights = np.log(len(words) / np.maximum(having, 1)) ** 2
    weights[having > LONGEST] = 0
    weights[NONE] = 0
    result: npt.NDArray[np.float32] = weights.astype(np.float32)
    return result


class _Lists:
    """Inverted lists of a block of photos: for each word, which have it, and how often."""

    def __init__(self, words: Words, weights: npt.NDArray[np.float32]) -> None:
        self._count, self._weights = len(words), weights
        keys = words.astype(np.int64) * self._count + np.arange(self._count)[:, None]
        pairs, times = np.unique(keys[weights[words] > 0], return_counts=True)
        self._photos = (pairs % self._count).astype(np.int32)
        self._values = np.sqrt(times).astype(np.float32)
        self._starts = np.searchsorted(pairs // self._count, np.arange(int(NONE) + 2))
        of_words = weights[pairs // self._count]
        squares = np.bincount(self._photos, of_words * times, self._count)
        self._norms = np.sqrt(np.maximum(squares, 1e-9)).astype(np.float32)

    def near(self, sides: Words, own: int, k: int) -> Near:
        """Return the k photos that share the most with words (2, COUNT), and how much."""
        scores = np.maximum(self._scores(sides[0]), self._scores(sides[1]))
        if 0 <= own < self._count:
            scores[own] = 0
        least = np.partition(scores, -k)[-k] if k < len(scores) else 0
        rows = np.flatnonzero((scores >= least) & (scores > 0))
        rows = rows[np.argsort(-scores[rows], kind="stable")][:k]
        return rows, scores[rows]

    def _scores(self, words: Words) -> npt.NDArray[np.float32]:
        """Return the cosine of weighted counts with each photo, but for the length of the query."""
        own, times = np.unique(words[self._weights[words] > 0], return_counts=True)
        if not len(own):
            return np.zeros(self._count, np.float32)
        values = np.sqrt(times) * self._weights[own]
        length = np.sqrt(np.sum(self._weights[own] * times))
        starts = self._starts[own]
        lengths = self._starts[own.astype(np.intp) + 1] - starts
        before = np.cumsum(lengths) - lengths
        places = np.repeat(starts - before, lengths) + np.arange(lengths.sum())
        shares = np.repeat(values, lengths) * self._values[places]
        scores = np.bincount(self._photos[places], shares, self._count)
        result: npt.NDArray[np.float32] = (scores / self._norms / length).astype(np.float32)
        return result


def _merge(best: Near, row: int, rows: Rows, scores: npt.NDArray[np.float32]) -> None:
    """Keep the best of what is known of a row and what a block adds."""
    every = np.concatenate([best[0][row], rows]), np.concatenate([best[1][row], scores])
    order = np.lexsort((every[0], -every[1]))[: len(best[0][row])]
    best[0][row], best[1][row] = every[0][order], every[1][order]
