"""A vocabulary: descriptors as numbers, so that those that look alike mostly have the same one.

A tree of two levels (Nistér and Stewénius 2006): words are descriptors, drawn by chance; some of
them are roots; a descriptor goes to the root it differs from least, and there to the word.
"""

import numpy as np
import numpy.typing as npt

MOST = 60_000  # words: the more, the fewer photos have one by chance
SHARE = 8  # descriptors drawn from for every word: of fewer, each would be a word of its own
NONE = np.uint16(65_535)  # where a photo has fewer key points
BITS = 256  # of an ORB descriptor
DESCRIPTORS_AT_ONCE = 4096  # descriptors in memory as signs at a time

Descriptors = npt.NDArray[np.uint8]  # (n, 32), compared by their bits
Signs = npt.NDArray[np.float32]  # (n, BITS), 1 or -1: the fewer differ, the larger <a, b>
Numbers = npt.NDArray[np.intp]


class Vocabulary:
    """Words to tell descriptors apart by; what is closest is found by products of matrices.

    Products of signs are whole numbers below 2**24, so the words do not depend on the machine.
    """

    def __init__(self, words: Descriptors, roots: Descriptors) -> None:
        """Make a tree of words (n, 32), n > 0, below some of them (m, 32)."""
        self.roots = roots
        self._root_signs = _signs(roots)
        order, self._starts = self._parted(words)
        self.words = words[order]
        self._word_signs = _signs(self.words)

    def words_of(self, descriptors: Descriptors) -> Numbers:
        """Return the word of each descriptor, (n,): 0 to the number of words, less 1."""
        found = np.zeros(len(descriptors), np.intp)
        order, starts = self._parted(descriptors)
        for root in np.flatnonzero(np.diff(starts)):
            own = order[starts[root] : starts[root + 1]]
            start, end = self._starts[root], self._starts[root + 1]
            if start == end:  # a root is its own word, but for a file of others
                continue
            found[own] = start + _closest(descriptors[own], self._word_signs[start:end])
        return found

    def _parted(self, descriptors: Descriptors) -> tuple[Numbers, Numbers]:
        """Return descriptors in the order of their roots, and where those of each root begin."""
        roots = _closest(descriptors, self._root_signs)
        order = np.argsort(roots, kind="stable")
        return order, np.searchsorted(roots[order], np.arange(len(self.roots) + 1))


def drawn_vocabulary(descriptors: Descriptors, seed: int) -> Vocabulary | None:
    """Return words drawn by chance from descriptors (n, 32); None if they are too few."""
    rng = np.random.default_rng(seed)
    count = min(MOST, len(descriptors) // SHARE)
    if not count:
        return None
    chosen = descriptors[np.sort(rng.choice(len(descriptors), count, replace=False))]
    return Vocabulary(chosen, chosen[rng.choice(count, round(count**0.5), replace=False)])


def _closest(descriptors: Descriptors, others: Signs) -> Numbers:
    """Return which of others (m, BITS) each descriptor differs from in the fewest bits, (n,)."""
    found = np.empty(len(descriptors), np.intp)
    for start in range(0, len(descriptors), DESCRIPTORS_AT_ONCE):
        part = slice(start, start + DESCRIPTORS_AT_ONCE)
        found[part] = (_signs(descriptors[part]) @ others.T).argmax(axis=1)
    return found


def _signs(descriptors: Descriptors) -> Signs:
    signs = np.unpackbits(descriptors, axis=1).astype(np.float32)  # (n, BITS)
    signs *= 2
    signs -= 1
    return signs
