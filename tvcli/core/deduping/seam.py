"""Seams: whether a photo lies in another like something pasted there, or goes on beyond its edge.

A crop is cut out of the photo that it lies in, which goes on where the crop ends. In a collage, or
a screenshot, another thing begins there.
"""

import numpy as np

from tvcli.core.matching.features import Keypoints
from tvcli.core.matching.homography import Transform, outline
from tvcli.core.matching.zncc import to_small

STEP = 2.5  # pixels of a preview, from one side of an edge to the other: transforms err by one
SAMPLES = 64  # places on each side of the photo that are looked at
LEAST = 8  # of them that lie inside the other photo; with fewer the two end together
NOISE = 16.0  # squared grey levels, of four: the least variance of what is beside an edge
CONTRAST = 1.3  # from here on it is a seam; `scripts.matching.seams` tells how it was fitted


def is_pasted(transform: Transform, own: Keypoints, kept: Keypoints) -> bool:
    """Tell whether a photo, mapped onto another by `transform` (3, 3), has a seam around it."""
    return seam_contrast(transform, own, kept) > CONTRAST


def seam_contrast(transform: Transform, own: Keypoints, kept: Keypoints) -> float:
    """Return how much levels differ over the edges of a photo that lie inside another one.

    The mean of squared differences over the edges, by the variance along them (a variogram,
    Matheron 1963): near 0 where the picture goes on, 2 where two have nothing to do with each
    other, more where one is brighter. 0 where no edge lies inside.
    """
    import cv2

    corners = outline(to_small(kept.region, kept.preview) @ transform, own.region)  # (4, 2)
    sides = np.roll(corners, -1, axis=0) - corners
    along = np.linspace(0.05, 0.95, SAMPLES)[:, None]
    edges = corners[:, None] + along * sides[:, None]  # (4, SAMPLES, 2), in the preview
    across = sides[:, ::-1] * (1, -1) / np.maximum(np.linalg.norm(sides, axis=1), 1e-9)[:, None]
    ends = np.stack([edges - STEP / 2 * across[:, None], edges + STEP / 2 * across[:, None]])
    ends = ends.reshape(2, -1, 2)
    height, width = kept.preview.shape
    inside = ((ends >= 0) & (ends <= (width - 1, height - 1))).all(axis=(0, 2))
    if inside.sum() < LEAST:
        return 0.0
    x, y = np.moveaxis(ends[:, inside].astype(np.float32), 2, 0)
    levels = np.asarray(cv2.remap(kept.preview.astype(np.float32), x, y, cv2.INTER_LINEAR))
    return float(((levels[0] - levels[1]) ** 2).mean() / (levels.var() + NOISE))
