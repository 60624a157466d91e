"""Inverted file: for each visual word the photos that have it; which share the most with a query.

A bag of words (Sivic and Zisserman 2003): a word that few photos have counts more than one that
many have.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.matching.vocabulary import NONE

LONGEST = 5000  # photos that have a word: of more it tells little, and would cost much
# Photos that are gone through for a query, those of its rarest words first: without a limit, the
# cost would grow with the collection. Up to some 40,000 photos it leaves nothing out.
MOST_POSTINGS = 500_000

Words = npt.NDArray[np.uint16]
Rows = npt.NDArray[np.intp]
Weights = npt.NDArray[np.float32]  # (65536,)
Near = tuple[Rows, npt.NDArray[np.float32]]  # rows (k,), and how much they share
Lists = dict[str, npt.NDArray[Any]]  # what an inverted file consists of, by name


def word_weights(words: Words) -> Weights:
    """Return what each word counts by those of photos (N, K): squared idf, (65536,) float32."""
    return _weights(_photos_having([words]), len(words))


class InvertedFile:
    """Inverted lists of photos: for each word, which have it, and how often.

    `lists` are made by `inverted_lists`; they may be maps of a file, of which only what a query
    needs is read.
    """

    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self._count = len(lists["lengths"])
        self._weights, self._starts = lists["weights"], lists["starts"]

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
        """Return the cosine of weighted counts with each photo, but for the length of the query.

        Raises:
            IndexError: the lists name a photo that is not there.
        """
        own, times = self._rarest(
            *np.unique(words[self._weights[words] > 0].astype(np.intp), return_counts=True)
        )
        if not len(own):
            return np.zeros(self._count, np.float32)
        values = np.sqrt(times) * self._weights[own]
        length = np.sqrt(np.sum(self._weights[own] * times))
        starts = self._starts[own]
        lengths = self._starts[own + 1] - starts
        before = np.cumsum(lengths) - lengths
        places = np.repeat(starts - before, lengths) + np.arange(lengths.sum())
        photos = self._lists["photos"][places]
        if len(photos) and not 0 <= photos.min() <= photos.max() < self._count:
            raise IndexError(f"photo {photos.max()} of {self._count}")
        shares = np.repeat(values, lengths) * np.sqrt(self._lists["times"][places])
        scores = np.bincount(photos, shares, self._count)
        result: npt.NDArray[np.float32] = (scores / self._lists["lengths"] / length).astype(
            np.float32
        )
        return result

    def _rarest(self, words: Rows, times: Rows) -> tuple[Rows, Rows]:
        """Return words, and how often each is there, but for the commonest beyond the limit."""
        having = self._starts[words + 1] - self._starts[words]
        if having.sum() <= MOST_POSTINGS:
            return words, times
        order = np.argsort(having, kind="stable")
        kept = np.sort(order[np.cumsum(having[order]) <= MOST_POSTINGS])
        return words[kept], times[kept]


def inverted_lists(blocks: Iterable[Words], weights: Weights | None = None) -> Lists:
    """Return the inverted lists of photos, whose words (n, K) come in blocks, twice.

    `photos` (m,) int32 and `times` (m,) uint8 are those of one word after the other, which begin at
    `starts` (65537,) int64; `lengths` (N,) float32 are those of the photos' weighted counts.
    `weights` (65536,) float32 are what words count, None: as `word_weights` of all says. In memory
    is one block beside what is returned.
    """
    having = _photos_having(blocks)
    count = sum(map(len, blocks))
    weights = _weights(having, count) if weights is None else weights
    having[weights <= 0] = 0
    starts = np.concatenate([[0], np.cumsum(having)])
    photos, times = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.uint8)
    lengths: list[npt.NDArray[np.float32]] = []
    free, before = starts[:-1].copy(), 0
    for words in blocks:
        known, some, often = _postings(words)
        counting = weights[known] > 0
        known, some, often = known[counting], some[counting], often[counting]
        firsts = np.searchsorted(known, known)  # where the photos of each word begin
        places = free[known] + np.arange(len(known)) - firsts
        photos[places], times[places] = some + before, np.minimum(often, 255)
        free += np.bincount(known, minlength=len(free))
        squares = np.bincount(some, weights[known] * often, len(words))
        lengths.append(np.sqrt(np.maximum(squares, 1e-9)).astype(np.float32))
        before += len(words)
    return {
        "photos": photos,
        "times": times,
        "starts": starts,
        "weights": weights,
        "lengths": np.concatenate([np.zeros(0, np.float32), *lengths]),
    }


def _photos_having(blocks: Iterable[Words]) -> Rows:
    """Return how many photos have each word, (65536,), of words (n, K) in blocks."""
    having = np.zeros(int(NONE) + 1, np.intp)
    for words in blocks:
        having += np.bincount(_postings(words)[0], minlength=len(having))
    return having


def _postings(words: Words) -> tuple[Rows, Rows, Rows]:
    """Return each word that a photo (N, K) has, rising, which photo, and how often, (n,) each."""
    order = np.argsort(words, axis=None, kind="stable")  # a radix sort: of one word by photos
    every, photos = words.ravel()[order].astype(np.intp), order // max(words.shape[1], 1)
    new = (np.diff(every, prepend=-1) != 0) | (np.diff(photos, prepend=-1) != 0)
    first = np.flatnonzero(new)
    return every[first], photos[first], np.diff(first, append=len(order))


def _weights(having: Rows, count: int) -> Weights:
    """Return what words count, by how many of `count` photos have each."""
    weights = np.log(count / np.maximum(having, 1)) ** 2
    weights[having > LONGEST] = 0
    weights[NONE] = 0
    result: Weights = weights.astype(np.float32)
    return result
