"""Matching: the map from one photo to another under which their key points agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.matching.evidence import laid_over_evidence, nfa_score
from tvcli.core.matching.features import Keypoints, Points, opencv_failing
from tvcli.core.matching.fitting import Model, fitted, side
from tvcli.core.matching.homography import Transform, is_plausible
from tvcli.core.matching.match import Match, likeliest
from tvcli.core.matching.zncc import Details, details

RATIO = 0.8  # of the distances to the nearest and second nearest key point
CELL = 0.015  # of the long side: inliers closer together than this count once
WORTH = 5  # inliers of a map: of fewer chance makes as many, whatever the photo
SURE = 0.9  # agreement from which on a map is not to be bettered
LSH = {"algorithm": 6, "table_number": 12, "key_size": 12, "multi_probe_level": 0}
KD_TREE = {"algorithm": 1, "trees": 4}
CHECKS = {"checks": 64}
CANNOT_MATCH = "cannot be compared"


@dataclass(frozen=True, slots=True)
class _Under:
    """Inliers of one map, how many there are in places of their own, and how the two agree."""

    transform: Transform
    model: Model
    inliers: int
    details: Details | None  # None where the two share too little

    @property
    def zncc(self) -> float:
        return self.details.zncc if self.details else 0.0


class Matcher:
    """Matches one query, as it is and mirrored, with many photos: its search trees are built once.

    `keypoints` tells how many the query has. Several threads may match at once.
    Lowe's ratio test (2004) chooses the pairs that a map is fitted to. A query that OpenCV fails on
    raises BadImage.
    """

    def __init__(self, queries: Sequence[Keypoints], *, model: Model = "homography") -> None:
        self._model = model
        self.keypoints = max((len(query) for query in queries), default=0)
        with opencv_failing(CANNOT_MATCH):
            self._sides = [(query, _tree(query) if len(query) > 1 else None) for query in queries]

    def match(self, gallery: Keypoints, side: int | None = None) -> Match:
        """Return the best match of the query with a photo; without inliers where there is none.

        With a `side` only that of the queries is matched, by its number.

        Raises:
            BadImage: OpenCV fails on the two.
        """
        some = self._sides if side is None else [self._sides[side]]
        with opencv_failing(CANNOT_MATCH):
            return likeliest(self._one(query, tree, gallery) for query, tree in some if tree)

    def _one(self, query: Keypoints, tree: Any, gallery: Keypoints) -> Match:
        """Return the match under the model, or under a similarity where the pictures agree more.

        Stripes and narrow strips leave a model of more parameters undecided.
        """
        own, other = _pairs(tree, gallery)
        pairs = query.points[own], gallery.points[other]
        best = _under(self._model, *pairs, query, gallery)
        if self._model != "similarity" and (best is None or best.zncc < SURE):
            simpler = _under("similarity", *pairs, query, gallery)
            best = max(filter(None, (best, simpler)), key=lambda one: one.zncc, default=None)
        if best is None:
            return Match(pairs=len(own), mirrored=query.mirrored)
        return _match(best, pairs, query, gallery)


def _under(
    model: Model, source: Points, target: Points, query: Keypoints, gallery: Keypoints
) -> _Under | None:
    """Return the map that WORTH pairs of points agree with under a model; None without one."""
    if len(source) < WORTH:
        return None
    transform, inside = fitted(source, target, query, gallery, model)
    if transform is None or not is_plausible(transform, query.region, query.mirrored):
        return None
    inliers = _distinct(source[inside], target[inside], side(query), side(gallery))
    if inliers < WORTH:
        return None
    found = details(query, gallery, transform)
    return _Under(transform, model, inliers, found)


def _match(
    under: _Under, pairs: tuple[Points, Points], query: Keypoints, gallery: Keypoints
) -> Match:
    """Return the match under a map, with all its evidence."""
    several = _distinct(*pairs, side(query), side(gallery))
    nfa = nfa_score(under.inliers, several, gallery, under.model)
    evidence = laid_over_evidence(query, gallery, under.transform, under.details, nfa)
    return Match(under.inliers, under.transform, query.mirrored, len(pairs[0]), evidence)


def _tree(query: Keypoints) -> Any:
    """Return FLANN's structure over the descriptors of a query (Muja and Lowe 2009)."""
    import cv2

    cv2.setRNGSeed(0)  # the same trees, and so the same matches, every time
    tree = cv2.FlannBasedMatcher(LSH if query.method == "orb" else KD_TREE, CHECKS)
    tree.add([_descriptors(query)])
    tree.train()
    return tree


def _descriptors(keypoints: Keypoints) -> Any:
    binary = keypoints.method == "orb"
    return keypoints.descriptors if binary else keypoints.descriptors.astype(np.float32)


def _pairs(tree: Any, gallery: Keypoints) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return which key points of the query and of a photo look alike, each at most once."""
    best: dict[int, tuple[float, int]] = {}
    found = tree.knnMatch(_descriptors(gallery), 2) if len(gallery) else ()
    for near in found:  # LSH finds fewer than two where the buckets are empty
        if len(near) == 2 and near[0].distance < RATIO * near[1].distance:
            known = best.get(near[0].trainIdx)
            if known is None or near[0].distance < known[0]:
                best[near[0].trainIdx] = near[0].distance, near[0].queryIdx
    own = np.array(list(best), np.intp)
    return own, np.array([other for _, other in best.values()], np.intp)


def _distinct(source: Points, target: Points, own: float, other: float) -> int:
    """Return how many pairs there are, counting those at the same place of either photo once."""
    places = np.rint(source / (CELL * own)), np.rint(target / (CELL * other))
    return min(len(set(map(tuple, place.tolist()))) for place in places)  # unique is slow for few
