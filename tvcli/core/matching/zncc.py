"""Agreement: how alike two pictures are once one is laid over the other."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box
from tvcli.core.matching.features import Keypoints
from tvcli.core.matching.homography import Transform

LEAST_SHARED = 0.08  # of the smaller picture that must be seen in both
SOFTEN = 1.0  # pixels of a preview: the deviation of the blur against noise and blocks
SHRUNK = 0.75  # below this zoom a picture is made small before it is laid over another
BACKGROUND = 3.0  # the same for the brightness around: wider, and outlines alone would agree

Grey = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Details:
    """The details of a query laid over a photo, and those of the photo: (h, w) float32 each.

    They are those of the photo's preview, and 0 where not `seen` (h, w) in both.
    """

    own: Grey
    other: Grey
    seen: npt.NDArray[np.bool_]

    @property
    def zncc(self) -> float:
        """Their correlation, -1 to 1."""
        own, other = self.own[self.seen], self.other[self.seen]
        norm = float(np.linalg.norm(own) * np.linalg.norm(other))
        return float(own @ other / norm) if norm > 0 else 0.0


def details(query: Keypoints, gallery: Keypoints, transform: Transform) -> Details | None:
    """Return the details of two pictures, one laid over the other; None if they share too little.

    Details are what differs from the brightness around (difference of Gaussians), so that light,
    contrast and colour do not matter.
    `transform` (3, 3) float64 maps pixels of the query to pixels of the gallery's photo.
    """
    laid = transform, query.region, gallery.region
    warped, seen = laid_over(query.preview, gallery.preview, *laid)
    if int(seen.sum()) < LEAST_SHARED * min(query.preview.size, gallery.preview.size):
        return None
    own, other = (standing_out(grey, seen) for grey in (warped, gallery.preview))
    return Details(own, other, seen)


def laid_over(
    own: npt.NDArray[np.uint8],
    other: npt.NDArray[np.uint8],
    transform: Transform,
    own_region: Box,
    other_region: Box,
) -> tuple[Grey, npt.NDArray[np.bool_]]:
    """Return a small picture as it lies over another one, float32, and where it is seen (h, w).

    The regions are those of two photos that the small pictures show; `transform` is between pixels
    of the photos.
    """
    import cv2

    map_ = to_small(other_region, other) @ transform @ np.linalg.inv(to_small(own_region, own))
    shrunk = _zoom(map_, own)
    if shrunk < SHRUNK:  # without aliases, as the other picture was made small
        height, width = own.shape[:2]
        small = max(1, round(width * shrunk)), max(1, round(height * shrunk))
        own = np.asarray(cv2.resize(own, small, interpolation=cv2.INTER_AREA))
        map_ = to_small(other_region, other) @ transform @ np.linalg.inv(to_small(own_region, own))
    sides = other.shape[1], other.shape[0]
    warped: Any = cv2.warpPerspective(own.astype(np.float32), map_, sides)
    return warped, cv2.warpPerspective(np.ones(own.shape[:2], np.float32), map_, sides) > 0.99


def _zoom(map_: Transform, own: npt.NDArray[np.uint8]) -> float:
    """Return by how much a map zooms lengths in the middle of a small picture."""
    x, y, depth = map_ @ np.array([own.shape[1] / 2, own.shape[0] / 2, 1.0])
    if not depth:
        return 1.0
    slopes = (map_[:2, :2] - np.outer([x / depth, y / depth], map_[2, :2])) / depth
    return float(np.sqrt(abs(np.linalg.det(slopes))))


def standing_out(grey: Any, seen: npt.NDArray[np.bool_] | None = None) -> Grey:
    """Return what stands out from its surroundings, 0 where not seen: (h, w) float32."""
    import cv2

    seen = np.ones(grey.shape, bool) if seen is None else seen
    masked = np.where(seen, grey, 0).astype(np.float32)
    weight = seen.astype(np.float32)
    softened = [
        cv2.GaussianBlur(masked, (0, 0), deviation)
        / np.maximum(cv2.GaussianBlur(weight, (0, 0), deviation), 1e-3)
        for deviation in (SOFTEN, BACKGROUND)
    ]
    return np.where(seen, softened[0] - softened[1], 0).astype(np.float32)


def to_small(region: Box, small: npt.NDArray[Any]) -> Transform:
    """Return the map from pixels of the photo to indices of a small picture's pixels: (3, 3)."""
    x0, y0, x1, y1 = region
    height, width = small.shape[:2]
    across, down = width / (x1 - x0), height / (y1 - y0)
    return np.array(
        [[across, 0, -x0 * across - 0.5], [0, down, -y0 * down - 0.5], [0, 0, 1]], np.float64
    )
