"""Which points of one photo are which of another, under a map that is known: to be looked at."""

import numpy as np
import numpy.typing as npt

from tvcli.core.images.photo import Photo
from tvcli.core.matching.features import FINE, describe, describe_both
from tvcli.core.matching.match import Match

NEAR = 0.015  # of the second photo's long side: how far from its place a point may lie
ALIKE = 64  # of 256 bits of ORB that may differ; of strangers half of them do
SHOWN = 60  # pairs of points: more cannot be told apart

Pairs = npt.NDArray[np.float64]


def matched_points(first: Photo, second: Photo, match: Match) -> Pairs:
    """Return x, y in the first photo and x, y in the second of points that match: (n, 4) float64.

    The most alike come first, at most `SHOWN`, each point once; none without a map.
    """
    if match.transform is None:
        return np.empty((0, 4))
    side, count = FINE
    own = describe_both(first, side=side, count=count)[int(match.mirrored)]
    other = describe(second, side=side, count=count)
    if not (len(own) and len(other)):
        return np.empty((0, 4))
    ends = np.column_stack([own.points, np.ones(len(own))]) @ match.transform.T
    places = ends[:, :2] / ends[:, 2:]
    apart = np.linalg.norm(places[:, None] - other.points[None], axis=2)
    bits = _differing(own.descriptors, other.descriptors)
    bits = np.where(apart <= NEAR * max(second.width, second.height), bits, ALIKE + 1)
    best = bits.argmin(axis=1)
    mutual = bits.argmin(axis=0)[best] == np.arange(len(own))
    least = bits[np.arange(len(own)), best]
    kept = np.flatnonzero(mutual & (least <= ALIKE))
    kept = kept[np.argsort(least[kept], kind="stable")][:SHOWN]
    found: Pairs = np.column_stack([own.points[kept], other.points[best[kept]]]).astype(np.float64)
    return found


def _differing(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> Pairs:
    """Return by how many bits each of some descriptors differs from each of others: (n, m)."""
    one, two = (np.unpackbits(some, axis=1).astype(np.float32) for some in (first, second))
    found: Pairs = np.add.outer(one.sum(axis=1), two.sum(axis=1)) - 2.0 * one @ two.T
    return found
