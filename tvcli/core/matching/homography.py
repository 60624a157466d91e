"""Maps between two photos: where they put corners, what both show, and which chance made."""

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box, area

LARGEST_ZOOM = 12.0  # of lengths: more is a map into a point, or out of one
LARGEST_STRETCH = 3.5  # how much more a map may zoom one way than another, or here than there

Transform = npt.NDArray[np.float64]  # (3, 3), from pixels of one photo to those of another
Outline = npt.NDArray[np.float64]  # (n, 2) x, y of corners, in order around


def outline(transform: Transform, region: Box) -> Outline:
    """Return where the corners of a region come to lie, in order around it: (4, 2) float64."""
    mapped = _mapped(transform, region)
    return mapped[:, :2] / mapped[:, 2:]


def inverse(transform: Transform) -> Transform:
    """Return the map back, (3, 3) float64."""
    return np.asarray(np.linalg.inv(transform), np.float64)


def overlap(transform: Transform, own: Box, other: Box) -> float:
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


def is_plausible(transform: Transform, region: Box, mirrored: bool) -> bool:
    """Tell whether a map keeps a region in one convex piece, of a sane size and stretch.

    The corners stay on one side of the horizon and in order, turned over only if `mirrored`.
    """
    x0, y0, x1, y1 = region
    corners = _mapped(transform, region)
    depths = corners[:, 2]
    if not np.isfinite(transform).all() or abs(depths).min() < 1e-9 or np.ptp(np.sign(depths)):
        return False
    mapped = corners[:, :2] / corners[:, 2:]
    sides = np.roll(mapped, -1, axis=0) - mapped  # (4, 2)
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    if np.any(turns >= 0 if mirrored else turns <= 0):
        return False
    was = np.array([x1 - x0, y1 - y0, x1 - x0, y1 - y0])
    zooms = np.linalg.norm(sides, axis=1) / was
    small, large = float(zooms.min()), float(zooms.max())
    spread = turns * (-1 if mirrored else 1) / (was[0] * was[1])  # areas at the corners
    return bool(
        small > 1 / LARGEST_ZOOM
        and large < LARGEST_ZOOM
        and large / small < LARGEST_STRETCH
        and float(spread.max() / spread.min()) < LARGEST_STRETCH**2
        and float(spread.min()) > small * large / LARGEST_STRETCH**2
    )


def _mapped(transform: Transform, region: Box) -> Transform:
    """Return the corners of a region as a map has them, homogeneous: (4, 3)."""
    x0, y0, x1, y1 = region
    corners = np.array([[x0, y0, 1], [x1, y0, 1], [x1, y1, 1], [x0, y1, 1]], np.float64)
    result: Transform = corners @ transform.T
    return result
