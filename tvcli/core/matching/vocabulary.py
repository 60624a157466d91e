"""A vocabulary: descriptors as numbers, so that those that look alike mostly have the same one.

A tree of two levels (Nistér and Stewénius 2006): words are descriptors, drawn by chance; some of
them are roots; a descriptor goes to the root it differs from least, and there to the word.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

MOST = 60_000  # words: the more, the fewer photos have one by chance
SHARE = 8  # descriptors drawn from for every word: of fewer, each would be a word of its own
NONE = np.uint16(65_535)  # where a photo has fewer key points

Descriptors = npt.NDArray[np.uint8]  # (n, 32), compared by their bits
Numbers = npt.NDArray[np.intp]


class Vocabulary:
    """Words to tell descriptors apart by. Distances are counted in bits, so no machine differs."""

    def __init__(
        self, words: Descriptors, roots: Descriptors, starts: Numbers | None = None
    ) -> None:
        """Make a tree of words (n, b) below some of them (m, b).

        `starts` (m + 1,) tell where those below each root begin, if the words are in that order:
        to find it out takes longer than a query.
        """
        if starts is None:
            own = _closest(words, roots, 1).ravel()
            order = np.argsort(own, kind="stable")
            words, starts = words[order], np.searchsorted(own[order], np.arange(len(roots) + 1))
        self.words, self.roots, self.starts = words, roots, starts

    def words_of(self, descriptors: Descriptors) -> Numbers:
        """Return the word of each descriptor, (n,): 0 to the number of words, less 1."""
        return np.maximum(self.words_near(descriptors, 1, 1)[:, 0], 0)

    def words_near(self, descriptors: Descriptors, roots: int, each: int) -> Numbers:
        """Return words that each descriptor is close to, (n, roots * each), -1 where there is none.

        They are those closest to it below some of the roots closest to it, the closest root first.
        """
        own = _closest(descriptors, self.roots, roots)  # (n, roots)
        order = np.argsort(own, axis=None, kind="stable")
        those, turns = np.divmod(order, own.shape[1])
        sought = descriptors[those]  # of one root together: they are searched for at once
        near = np.full((len(order), each), -1, np.intp)
        ends = np.searchsorted(own.ravel()[order], np.arange(len(self.roots) + 1)).tolist()
        starts = self.starts.tolist()
        for root, (first, last) in enumerate(pairwise(ends)):
            start, end = starts[root], starts[root + 1]
            if first < last and start < end:  # a root is its own word, but for a file of others
                some = _closest(sought[first:last], self.words[start:end], each)
                near[first:last, : some.shape[1]] = some + start
        found = np.full((len(descriptors), roots, each), -1, np.intp)
        found[those, turns] = near
        return found.reshape(len(descriptors), roots * each)


def drawn_vocabulary(descriptors: Descriptors, seed: int) -> Vocabulary | None:
    """Return words drawn by chance from descriptors (n, 32); None if they are too few."""
    rng = np.random.default_rng(seed)
    count = min(MOST, len(descriptors) // SHARE)
    if not count:
        return None
    chosen = descriptors[np.sort(rng.choice(len(descriptors), count, replace=False))]
    return Vocabulary(chosen, chosen[rng.choice(count, round(count**0.5), replace=False)])


def _closest(descriptors: Descriptors, others: Descriptors, count: int) -> Numbers:
    """Return which of others (m, 32) each descriptor differs from in the fewest bits, (n, k).

    They are `count`, or m where those are fewer; of two as close the first comes first.
    """
    import cv2

    count = min(count, len(others))
    if not (len(descriptors) and count):
        return np.zeros((len(descriptors), count), np.intp)
    near: Any = cv2.batchDistance(
        descriptors, others, cv2.CV_32S, normType=cv2.NORM_HAMMING, K=count
    )
    return np.asarray(near[1], np.intp).reshape(len(descriptors), count)
