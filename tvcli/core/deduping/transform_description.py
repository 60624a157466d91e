"""What a map between two photos says in words: smaller, turned, mirrored, a part."""

import math

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box, area
from tvcli.core.deduping.same import Link
from tvcli.core.matching.homography import clipped, outline, outline_area

SMALL_SCALE = 0.03  # of a size that need not be mentioned
SMALL_TURN = 2.0  # degrees
SMALL_PART = 0.04  # of an area


def transform_description(link: Link, whole: Box, kept: Box) -> str:
    """Return how a photo (`whole`) comes to lie in the one kept, by the map between them."""
    corners = outline(link.transform, whole)  # (4, 2)
    zoom = math.sqrt(outline_area(corners) / area(whole))
    inside = outline_area(clipped(corners, kept))
    said = [
        "mirrored" if link.match.mirrored else "",
        _turn(corners, link.match.mirrored),
        f"{1 / zoom:.2g} times the size" if abs(zoom - 1) > SMALL_SCALE else "",
        _part("shows {:.0%} of it", inside / area(kept)),
        _part("{:.0%} of it lies around that", 1 - inside / outline_area(corners), more=True),
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
