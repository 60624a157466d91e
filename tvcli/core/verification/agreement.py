"""Agreement: how alike two pictures are once one is laid over the other."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.verification.keypoints import Keypoints

LEAST_SHARED = 0.08  # of the smaller picture that must be seen in both
SOFTEN = 1.0  # pixels of a preview: the deviation of the blur against noise and blocks
BACKGROUND = 3.0  # the same for the brightness around: wider, and outlines alone would agree

Grey = npt.NDArray[np.float32]


def agreement(query: Keypoints, gallery: Keypoints, transform: npt.NDArray[np.float64]) -> float:
    """Return the correlation of the details of two pictures under a map, -1 to 1.

    Details are what differs from the brightness around (difference of Gaussians), so that light,
    contrast and colour do not matter; 0 where the pictures share too little.
    """
    import cv2

    map_ = _to_preview(gallery) @ transform @ np.linalg.inv(_to_preview(query))
    sides = gallery.preview.shape[1], gallery.preview.shape[0]
    warped = cv2.warpPerspective(query.preview.astype(np.float32), map_, sides)
    seen = cv2.warpPerspective(np.ones(query.preview.shape, np.float32), map_, sides) > 0.99
    shared = int(seen.sum())
    if shared < LEAST_SHARED * min(query.preview.size, gallery.preview.size):
        return 0.0
    own, other = (_details(cv2, grey, seen) for grey in (warped, gallery.preview))
    norm = float(np.linalg.norm(own) * np.linalg.norm(other))
    return float(own @ other / norm) if norm > 0 else 0.0


def _details(cv2: Any, grey: Any, seen: npt.NDArray[np.bool_]) -> Grey:
    """Return what stands out from its surroundings, where seen: (n,) float32."""
    masked = np.where(seen, grey, 0).astype(np.float32)
    weight = seen.astype(np.float32)
    softened = [
        cv2.GaussianBlur(masked, (0, 0), deviation)
        / np.maximum(cv2.GaussianBlur(weight, (0, 0), deviation), 1e-3)
        for deviation in (SOFTEN, BACKGROUND)
    ]
    result: Grey = (softened[0] - softened[1])[seen]
    return result


def _to_preview(keypoints: Keypoints) -> npt.NDArray[np.float64]:
    """Return the map from pixels of the photo to indices of the preview's pixels: (3, 3)."""
    x0, y0, x1, y1 = keypoints.region
    height, width = keypoints.preview.shape
    across, down = width / (x1 - x0), height / (y1 - y0)
    return np.array(
        [[across, 0, -x0 * across - 0.5], [0, down, -y0 * down - 0.5], [0, 0, 1]], np.float64
    )
