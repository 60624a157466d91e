"""Voting: which photos of a list have key points like a query's, where one turn and size put them.

Two key points are compared only if they share a visual word, by all bits of their descriptors
(Hamming embedding: Jégou et al. 2008, with whole descriptors for signatures). What pairs agree on
is a similarity (turned, scaled, moved), drawn from two of them. That costs a hundredth of matching.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from tvcli.core.matching.features import Keypoints
from tvcli.core.matching.fitting import side
from tvcli.core.matching.vocabulary import NONE, Descriptors, Vocabulary

ROOTS, WORDS = 3, 2  # of the vocabulary, that a key point of a query stands for
# The same of a query at twice the size, with three times the key points. Of 240 photos of prints
# and pasted pictures, 35 need that look; with two roots and with three it finds 20 of them.
ROOTS_FINE = 2
DIFFERING = 0.2  # of the bits, at most: 51 of 256
SCALE = 0.125  # of the bits: with their number d a pair's weight falls, as exp(-(d / SCALE)^2)
DRAWN = 100  # photos, of the largest weights, whose pairs are asked for a similarity
SIMILARITIES = 128  # drawn for each
TOLERANCE = 0.03  # of the long side: a similarity stands for a homography, loosely
SHORTEST = 0.05  # of the long side, between the two points that a similarity is drawn from
ZOOM = 8.0  # of a similarity, at most, and one by it at least
FEW = 3  # pairs of a photo: two always agree on a similarity
UNIT = 1e-3  # what a weight counts beside a vote: it decides between equal ones

Votes = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint16]
Places = npt.NDArray[np.complex128]  # x + iy of key points, in long sides of the photo
Numbers = npt.NDArray[np.intp]


class Filed:
    """Key points of some photos, filed for votes: their words, bits (m, b) and places (m,)."""

    def __init__(
        self,
        photos: Sequence[Keypoints],
        vocabulary: Vocabulary,
        words: Sequence[Words | None] | None = None,
    ) -> None:
        """File photos (n,) with their words, those given where they are known."""
        counts = [len(photo) for photo in photos]
        self.begins = np.cumsum([0, *counts])
        self._points = np.concatenate([np.zeros((0, 2), np.float32), *(p.points for p in photos)])
        self._sides = np.array([side(photo) for photo in photos])
        bits = [signatures(photo) for photo in photos]
        self.bits = np.concatenate(bits) if bits else np.zeros((0, 1), np.uint8)
        known = [None] * len(photos) if words is None else words
        self.words: Words = np.concatenate([
            np.zeros(0, np.uint16),
            *(
                vocabulary.words_of(some).astype(np.uint16) if one is None else one[:count]
                for some, one, count in zip(bits, known, counts, strict=True)
            ),
        ])  # fmt: skip

    def __len__(self) -> int:
        return len(self.begins) - 1

    def places(self, photos: Numbers, numbers: Numbers) -> Places:
        """Return where key points (n, m) of photos (n,) are, by their numbers among all."""
        found: Places = _complex(self._points[numbers]) / self._sides[photos, None]
        return found


def signatures(keypoints: Keypoints) -> Descriptors:
    """Return descriptors as bits (n, b) uint8: of SIFT (128,) which values exceed their median."""
    descriptors = keypoints.descriptors
    if keypoints.method == "orb":
        return descriptors
    return np.packbits(descriptors > np.median(descriptors, axis=1, keepdims=True), axis=1)


def own_vocabulary(query: Keypoints) -> Vocabulary:
    """Return a query's key points as words, for photos of which none are kept."""
    bits = signatures(query)
    return Vocabulary(bits, bits[:: max(round(len(bits) ** 0.5), 1)])


class Voter:
    """A query's key points, filed by their visual words: photos are asked for what is like them.

    `words` (n,) are the closest ones.
    """

    def __init__(
        self, query: Keypoints, vocabulary: Vocabulary, near: Numbers | None = None
    ) -> None:
        """File them, with the words (n, k) that they stand for, if these are known."""
        self.vocabulary = vocabulary
        self._bits = signatures(query)
        places = _complex(query.points) / side(query)
        self._places = -places.conj() if query.mirrored else places  # as in the mirror image
        near = vocabulary.words_near(self._bits, ROOTS, WORDS) if near is None else near
        self.words = np.maximum(near[:, 0], 0).astype(np.uint16)  # as `Vocabulary.words_of`
        own, _ = np.nonzero(near >= 0)
        known = near[near >= 0].astype(np.uint16)
        self._own = own[np.argsort(known, kind="stable")]  # a radix sort, of 16 bits
        self._counts = np.bincount(known, minlength=int(NONE) + 1)
        self._having = self._counts > 0  # asked of 150,000 key points at a time: bytes are quicker
        self._starts = np.cumsum(self._counts) - self._counts

    def votes(self, others: Filed, least: int = FEW) -> Votes:
        """Return the votes for each of n photos, (n,): of its pairs those one similarity explains.

        Those of photos with fewer pairs than `least` are not counted. Between photos with as many,
        the larger sum of the weights decides, always less than a vote.
        """
        photo, own, other, weights = self._pairs(others)
        sums = np.bincount(photo, weights, len(others))
        found: Votes = np.minimum(sums * UNIT, 0.5)
        starts = np.searchsorted(photo, np.arange(len(others) + 1))
        counts = np.diff(starts)
        likely = np.argsort(-sums, kind="stable")[:DRAWN]
        likely = likely[counts[likely] >= least]
        sizes = 1 << np.ceil(np.log2(counts[likely])).astype(int)  # photos of about as many pairs
        for size in np.unique(sizes).tolist():
            some = likely[sizes == size]
            pairs = starts[some, None] + np.minimum(np.arange(size), counts[some, None] - 1)
            there = others.places(some, other[pairs])  # (n, size), filled with the last
            found[some] += _explained(self._places[own[pairs]], there, counts[some])
        return found

    def _pairs(self, others: Filed) -> tuple[Numbers, Numbers, Numbers, Votes]:
        """Return pairs in the order of photos: the photo, both key points, and the weight.

        Those of the others are numbered through.
        """
        having = np.flatnonzero(self._having[others.words])  # key points with a word of the query
        words = others.words[having]
        times = self._counts[words]
        there = np.repeat(having, times)
        first = np.cumsum(times) - times
        own = self._own[np.repeat(self._starts[words] - first, times) + np.arange(len(there))]
        bits = self._bits.shape[1]
        apart = _differing(self._bits[own], others.bits[there])
        near = np.flatnonzero(apart <= DIFFERING * 8 * bits)
        own, there, apart = own[near], there[near], apart[near]
        photo = np.searchsorted(others.begins, there, side="right") - 1
        kept = _nearest(photo * len(self._bits) + own, apart)  # each of the query once a photo
        kept = kept[_nearest(there[kept], apart[kept])]  # and each of the photo
        photo, own, there = photo[kept], own[kept], there[kept]
        rare = 1 / np.sqrt(np.bincount(own, minlength=len(self._bits)))[own]
        weights = rare * np.exp(-((apart[kept] / (8 * bits * SCALE)) ** 2))
        return photo, own, there, weights


def voters(sides: Sequence[Keypoints], vocabulary: Vocabulary, roots: int) -> list[Voter]:
    """Return what votes of each side of a query; their words are looked up at once."""
    bits = [signatures(side) for side in sides]
    near = vocabulary.words_near(np.concatenate(bits), roots, WORDS)
    parts = np.split(near, np.cumsum([len(some) for some in bits])[:-1])
    return [Voter(side, vocabulary, part) for side, part in zip(sides, parts, strict=True)]


def _nearest(of: Numbers, apart: Numbers) -> Numbers:
    """Return which pairs (n,) are the nearest of what they are `of`, in the order of that."""
    order = np.lexsort((apart, of))
    found: Numbers = order[np.diff(of[order], prepend=-1) != 0]
    return found


def _differing(first: Descriptors, second: Descriptors) -> Numbers:
    """Return in how many bits descriptors (n, b) differ, one by one, (n,)."""
    counts = np.bitwise_count((first ^ second).view(np.uint64))  # (n, b / 8)
    found = np.zeros(len(counts), np.intp)
    for column in counts.T:  # a sum over the few takes twice as long
        found += column
    return found


def _complex(points: npt.NDArray[np.float32]) -> Places:
    """Return points x, y (..., 2) as x + iy, (...)."""
    found: Places = points.astype(np.float64).view(np.complex128)[..., 0]
    return found


def _explained(own: Places, other: Places, counts: Numbers) -> Numbers:
    """Return how many pairs of each photo (n, m) one similarity explains, the most that one does.

    The first `counts` (n,) of them are those of the photo. Which two each similarity is drawn from
    is the same every time. What it leaves between the two points of a pair is a matrix product:
    (x, y, 1, x or y of the other) by its factors, in single precision, which a tolerance does not
    notice.
    """
    photos = np.arange(len(counts))[:, None]
    first, second = np.stack([_drawn(count) for count in counts.tolist()], axis=1)  # (n, drawn)
    start, end = own[photos, first], other[photos, first]
    length = own[photos, second] - start
    far = np.abs(length) > SHORTEST
    factor = (other[photos, second] - end) / np.where(far, length, 1)
    zoom = np.abs(factor)
    sane = far & (zoom < ZOOM) & (zoom > 1 / ZOOM)
    factor[~sane] = np.nan
    moved = end - factor * start
    minus, one = np.full(factor.shape, -1), np.ones(own.shape)
    one[np.arange(own.shape[1]) >= counts[:, None]] = np.nan  # no pairs: nothing explains them
    across, down = (
        np.stack(factors, axis=2).astype(np.float32)  # (n, drawn, 4)
        @ np.stack([own.real, own.imag, one, there], axis=1).astype(np.float32)  # (n, 4, m)
        for factors, there in (
            ((factor.real, -factor.imag, moved.real, minus), other.real),
            ((factor.imag, factor.real, moved.imag, minus), other.imag),
        )
    )
    across *= across
    down *= down
    across += down
    explained = np.packbits(across < TOLERANCE**2, axis=2)  # (n, drawn, m / 8)
    most: Numbers = np.bitwise_count(explained).sum(axis=2, dtype=np.intp).max(axis=1)
    return most


@cache
def _drawn(count: int) -> tuple[Numbers, Numbers]:
    """Return two of so many pairs for each similarity, (SIMILARITIES,): all twos, or some drawn."""
    first, second = np.zeros((2, SIMILARITIES), np.intp)
    if (twos := count * (count - 1) // 2) <= SIMILARITIES:
        first[:twos], second[:twos] = np.triu_indices(count, 1)
        return first, second  # the rest are of one pair: no similarity
    rng = np.random.default_rng(0)
    first = rng.integers(0, count, SIMILARITIES)
    return first, (first + rng.integers(1, count, SIMILARITIES)) % count
