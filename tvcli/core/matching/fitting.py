"""Fitting: the map from one photo to another that most pairs of points agree with."""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tvcli.core.matching.features import Keypoints, Points
from tvcli.core.matching.homography import Transform

Model = Literal["homography", "affine", "similarity"]

LEAST = {"homography": 4, "affine": 3, "similarity": 2}  # pairs that settle a model
TOLERANCE = 0.01  # of the long side: how far an inlier may lie from where it should
CONFIDENCE, ROUNDS = 0.999, 2000


def fitted(
    source: Points, target: Points, query: Keypoints, gallery: Keypoints, model: Model
) -> tuple[Transform | None, npt.NDArray[np.bool_]]:
    """Return the map (3, 3) from source to target (n, 2) and which pairs agree with it.

    MAGSAC++ (Barath et al. 2020). It takes no map that turns a picture over, so the points of a
    mirrored query are turned over before.
    """
    if len(source) < LEAST[model]:
        return None, np.zeros(len(source), bool)
    turn = _turn(query)
    turned = np.asarray(source @ turn[:2, :2] + turn[:2, 2], np.float32)
    found, inside = _estimated(turned, target, TOLERANCE * side(gallery), model)
    if found is None or inside is None or not np.isfinite(found).all():
        return None, np.zeros(len(source), bool)
    square = found if len(found) == 3 else np.vstack([found, [0, 0, 1]])
    return np.asarray(square @ turn, np.float64), np.asarray(inside, bool).ravel()


def _estimated(source: Points, target: Points, tolerance: float, model: Model) -> Any:
    """Return the map (3, 3) or (2, 3) and the pairs that agree (n, 1); None where there is none."""
    import cv2

    limits = ROUNDS, CONFIDENCE
    if model == "homography":
        return cv2.findHomography(source, target, cv2.USAC_MAGSAC, tolerance, None, *limits)
    if model == "affine":
        return cv2.estimateAffine2D(source, target, None, cv2.USAC_MAGSAC, tolerance, *limits)
    return cv2.estimateAffinePartial2D(source, target, None, cv2.RANSAC, tolerance, *limits)


def _turn(query: Keypoints) -> Transform:
    """Return the map (3, 3) of a mirrored query onto its mirror image; else the identity."""
    turn = np.eye(3)
    if query.mirrored:
        turn[0] = -1, 0, query.region[0] + query.region[2]
    return turn


def side(keypoints: Keypoints) -> float:
    """Return the long side of what key points are of, in pixels of the photo."""
    x0, y0, x1, y1 = keypoints.region
    return max(x1 - x0, y1 - y0)
