"""Inverted file: for each visual word the photos that have it; which share the most with a query.

A bag of words (Sivic and Zisserman 2003): a word that few photos have counts more than one that
many have.
"""

import numpy as np
import numpy.typing as npt

from tvcli.core.matching.vocabulary import NONE

LONGEST = 5000  # photos that have a word: of more it tells little, and would cost much

Words = npt.NDArray[np.uint16]
Rows = npt.NDArray[np.intp]
Near = tuple[Rows, npt.NDArray[np.float32]]  # rows (k,), and how much they share


def word_weights(words: Words) -> npt.NDArray[np.float32]:
    """Return what each word counts by those of photos (N, K): squared idf, (65536,) float32."""
    rising = np.sort(words, axis=1)
    first = np.diff(rising.astype(np.int32), axis=1, prepend=-1) > 0  # each word once a photo
    having = np.bincount(rising[first], minlength=int(NONE) + 1)
    weights = np.log(len(words) / np.maximum(having, 1)) ** 2
    weights[having > LONGEST] = 0
    weights[NONE] = 0
    result: npt.NDArray[np.float32] = weights.astype(np.float32)
    return result


class InvertedFile:
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
        scores = np.maximum(self.scores(sides[0]), self.scores(sides[1]))
        if 0 <= own < self._count:
            scores[own] = 0
        least = np.partition(scores, -k)[-k] if k < len(scores) else 0
        rows = np.flatnonzero((scores >= least) & (scores > 0))
        rows = rows[np.argsort(-scores[rows], kind="stable")][:k]
        return rows, scores[rows]

    def scores(self, words: Words) -> npt.NDArray[np.float32]:
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
