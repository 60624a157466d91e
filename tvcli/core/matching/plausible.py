"""Maps that a camera, a scanner or an editor could have made, told from those of chance."""

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box

LARGEST_ZOOM = 12.0  # of lengths: more is a map into a point, or out of one
LARGEST_STRETCH = 3.5  # how much more a map may zoom one way than another, or here than there

Transform = npt.NDArray[np.float64]


def outline(transform: Transform, region: Box) -> npt.NDArray[np.float64]:
    """Return where the corners of a region come to lie, in order around it: (4, 2) float64."""
    mapped = _mapped(transform, region)
    return mapped[:, :2] / mapped[:, 2:]


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
