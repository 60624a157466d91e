"""What a map between two photos says in words: smaller, turned, mirrored, a part."""

import math

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box
from tvcli.core.deduping.same import Link
from tvcli.core.verification.plausible import outline

SMALL_SCALE = 0.03  # of a size that need not be mentioned
SMALL_TURN = 2.0  # degrees
SMALL_PART = 0.04  # of an area


def relation(link: Link, whole: Box, kept: Box) -> str:
    """Return how a photo (`whole`) comes to lie in the one kept, by the map between them."""
    corners = outline(link.transform, whole)  # (4, 2)
    zoom = math.sqrt(_area(corners) / ((whole[2] - whole[0]) * (whole[3] - whole[1])))
    inside = _area(_clipped(corners, kept))
    said = [
        "mirrored" if link.mirrored else "",
        _turn(corners, link.mirrored),
        f"{1 / zoom:.2g} times the size" if abs(zoom - 1) > SMALL_SCALE else "",
        _part("shows {:.0%} of it", inside / ((kept[2] - kept[0]) * (kept[3] - kept[1]))),
        _part("{:.0%} of it lies around that", 1 - inside / _area(corners), more=True),
    ]
    return ", ".join(words for words in said if words)


def _turn(corners: npt.NDArray[np.float64], mirrored: bool) -> str:
    across = corners[0] - corners[1] if mirrored else corners[1] - corners[0]
    degrees = math.degrees(math.atan2(across[1], across[0]))
    if abs(degrees) < SMALL_TURN:
        return ""
    return f"turned by {abs(degrees):.0f}°"


def _part(words: str, share: float, *, more: bool = False) -> str:
    missing = share if more else 1 - share
    return words.format(share) if missing > SMALL_PART else ""


def _area(corners: npt.NDArray[np.float64]) -> float:
    if len(corners) < 3:
        return 0.0
    x, y = corners[:, 0], corners[:, 1]
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def _clipped(corners: npt.NDArray[np.float64], box: Box) -> npt.NDArray[np.float64]:
    """Return what of a convex outline lies in a box: (n, 2) float64."""
    import cv2

    x0, y0, x1, y1 = box
    frame = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
    _, shared = cv2.intersectConvexConvex(corners.astype(np.float32), frame)
    return np.zeros((0, 2)) if shared is None else np.asarray(shared, np.float64).reshape(-1, 2)
