"""Loss: what would be gone if a photo were dropped for another that shows the same picture.

A screenshot, a collage or a photo of a print often has more pixels than the picture in it, and yet
shows it smaller; a crop that was enlarged has more pixels than the photo, and yet shows less of it.
"""

import math

from tvcli.core.boxes import area
from tvcli.core.deduping.facts import Facts
from tvcli.core.deduping.same import Link
from tvcli.core.matching.overlap import clipped, outline_area
from tvcli.core.matching.plausible import outline

ENOUGH = 0.75  # of what is not border: a quarter is what a person may cut off and not miss
AS_LARGE = 0.9  # of its sides: a tenth less is what transforms of blurred photos err by


def loss(link: Link, own: Facts, kept: Facts) -> str:
    """Return what of a photo the one kept does not show, in words; empty if it may be dropped.

    `link` maps pixels of the photo to those of the one kept.
    """
    corners = outline(link.transform, own.whole)  # (4, 2)
    there = outline_area(corners)
    shown = outline_area(clipped(corners, kept.whole)) / there if there else 0.0
    if shown < ENOUGH * (1 - own.border):
        return f"shows {shown:.0%} of it"
    size = math.sqrt(there / area(own.whole))
    return f"shows it at {size:.0%} of its size" if size < AS_LARGE else ""
