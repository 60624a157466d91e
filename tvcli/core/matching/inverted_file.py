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
Weights = npt.NDArray[np.float32]  # (65536,)
Near = tuple[Rows, npt.NDArray[np.float32]]  # rows (k,), and how much they share


def word_weights(words: Words) -> Weights:
    """Return what each word counts by those of photos (N, K): squared idf, (65536,) float32."""
    return _weights(_postings(words)[0], len(words))


class InvertedFile:
    """Inverted lists of a block of photos: for each word, which have it, and how often.

    `weights` are what words count, None: as `word_weights` of the block says.
    """

    def __init__(self, words: Words, weights: Weights | None = None) -> None:
        known, photos, times = _postings(words)
        self._count = len(words)
        self._weights = _weights(known, self._count) if weights is None else weights
        of_words = self._weights[known]
        counting = of_words > 0
        known, times, of_words = known[counting], times[counting], of_words[counting]
        self._photos = photos[counting].astype(np.int32)
        self._values = np.sqrt(times).astype(np.float32)
        self._starts = np.searchsorted(known, np.arange(int(NONE) + 2))
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


def _postings(words: Words) -> tuple[Rows, Rows, Rows]:
    """Return each word that a photo (N, K) has, rising, which photo, and how often, (n,) each."""
    order = np.argsort(words, axis=None, kind="stable")  # a radix sort: of one word by photos
    every, photos = words.ravel()[order].astype(np.intp), order // max(words.shape[1], 1)
    new = (np.diff(every, prepend=-1) != 0) | (np.diff(photos, prepend=-1) != 0)
    first = np.flatnonzero(new)
    return every[first], photos[first], np.diff(first, append=len(order))


def _weights(words: Rows, count: int) -> Weights:
    """Return what words count, by all that `count` photos have, each once a photo."""
    having = np.bincount(words, minlength=int(NONE) + 1)
    weights = np.log(count / np.maximum(having, 1)) ** 2
    weights[having > LONGEST] = 0
    weights[NONE] = 0
    result: Weights = weights.astype(np.float32)
    return result
