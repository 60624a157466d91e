"""Overlap: what of a photo comes to lie in another, by the map between the two."""

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box, area
from tvcli.core.matching.plausible import Transform, outline

Outline = npt.NDArray[np.float64]  # (n, 2) x, y of corners, in order around


def shared(transform: Transform, own: Box, other: Box) -> float:
    """Return the share, 0 to 1, of the smaller of two photos that both show.

    `transform` (3, 3) maps pixels of the first to the second's, in which both are measured.
    """
    corners = outline(transform, own)
    smaller = min(outline_area(corners), area(other))
    return outline_area(clipped(corners, other)) / smaller if smaller else 0.0


def outline_area(corners: Outline) -> float:
    """Return the area that an outline encloses, in square pixels."""
    if len(corners) < 3:
        return 0.0
    x, y = (corners - corners[0]).T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def clipped(corners: Outline, box: Box) -> Outline:
    """Return what of a convex outline lies in a box: cut by one side after the other.

    Sutherland and Hodgman 1974. OpenCV's intersectConvexConvex loses corners where outlines lie
    upon each other, as those of copies do.
    """
    x0, y0, x1, y1 = box
    for axis, sign, limit in ((0, 1, x0), (0, -1, x1), (1, 1, y0), (1, -1, y1)):
        corners = _cut(corners, sign * (corners[:, axis] - limit))
    return corners


def _cut(corners: Outline, inside: npt.NDArray[np.float64]) -> Outline:
    """Return the part of an outline (n, 2) that is on a side: where `inside` (n,) is 0 or more."""
    kept: list[Outline] = []
    for place, (corner, distance) in enumerate(zip(corners, inside, strict=True)):
        before, was = corners[place - 1], inside[place - 1]
        if (distance < 0) != (was < 0):
            kept.append(before + (corner - before) * was / (was - distance))
        if distance >= 0:
            kept.append(corner)
    return np.array(kept, np.float64).reshape(-1, 2)
