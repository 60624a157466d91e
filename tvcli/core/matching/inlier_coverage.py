"""Covering: whether inliers lie all over what two pictures share, or only around another thing."""

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box
from tvcli.core.matching.features import Keypoints, Points
from tvcli.core.matching.plausible import Transform

NEAR = 0.08  # of the square root of the area shared: how close an inlier must be


def inlier_coverage(
    inliers: Points, gallery: Keypoints, transform: Transform, region: Box, shared: float
) -> float:
    """Return the share of a photo's key points that lie near an inlier, 0 to 1.

    `inliers` (n, 2) are pixels of the photo. Only those of its key points count that the map from
    the query's region covers, of which `shared` square pixels are seen; 0 if there are none.
    """
    points = gallery.points[_inside(gallery.points, transform, region)]  # (m, 2)
    if not (len(points) and len(inliers)):
        return 0.0
    distances = np.linalg.norm(points[:, None] - inliers[None], axis=2).min(axis=1)  # (m,)
    return float((distances < NEAR * np.sqrt(shared)).mean())


def _inside(points: Points, transform: Transform, region: Box) -> npt.NDArray[np.bool_]:
    """Tell which points of the photo (m, 2) the region of the query is mapped onto."""
    mapped = np.c_[points, np.ones(len(points))] @ np.linalg.inv(transform).T  # (m, 3)
    places = mapped[:, :2] / mapped[:, 2:]
    result = (places >= region[:2]) & (places <= region[2:])
    return np.asarray(result.all(axis=1), bool)
