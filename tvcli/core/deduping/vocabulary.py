"""A vocabulary: descriptors as numbers, so that those that look alike mostly have the same one.

A tree of two levels (Nistér and Stewénius 2006): words are descriptors, drawn by chance; some of
them are roots; a descriptor goes to the root it differs from least, and there to the word.
"""

import numpy as np
import numpy.typing as npt

BITS = 256  # of an ORB descriptor
DESCRIPTORS_AT_ONCE = 4096  # descriptors in memory as signs at a time

Descriptors = npt.NDArray[np.uint8]  # (n, 32), compared by their bits
Signs = npt.NDArray[np.float32]  # (n, BITS), 1 or -1: the fewer differ, the larger <a, b>
Numbers = npt.NDArray[np.intp]


class Vocabulary:
    """Words to tell descriptors apart by; what is closest is found by products of matrices.

    Products of signs are whole numbers below 2**24, so the words do not depend on the machine.
    """

    def __init__(self, words: Descriptors, rng: np.random.Generator) -> None:
        """Make words (n, 32), n > 0, a tree, whose roots are drawn from them."""
        roots = rng.choice(len(words), round(len(words) ** 0.5), replace=False)
        self._roots = _signs(words[roots])
        order, self._starts = self._parted(words)
        self._words = words[order]

    def words_of(self, descriptors: Descriptors) -> Numbers:
        """Return the word of each descriptor, (n,): 0 to the number of words, less 1."""
        found = np.zeros(len(descriptors), np.intp)
        order, starts = self._parted(descriptors)
        for root in np.flatnonzero(np.diff(starts)):
            own = order[starts[root] : starts[root + 1]]
            start, end = self._starts[root], self._starts[root + 1]  # a root is its own word
            found[own] = start + _closest(descriptors[own], _signs(self._words[start:end]))
        return found

    def _parted(self, descriptors: Descriptors) -> tuple[Numbers, Numbers]:
        """Return descriptors in the order of their roots, and where those of each root begin."""
        roots = _closest(descriptors, self._roots)
        order = np.argsort(roots, kind="stable")
        return order, np.searchsorted(roots[order], np.arange(len(self._roots) + 1))


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
