"""Loss: what would be gone if a photo were dropped for another that shows the same picture.

A screenshot, a collage or a photo of a print often has more pixels than the picture in it, and yet
shows it smaller; a crop that was enlarged has more pixels than the photo, and yet shows less of it.
A collage shows several, and is none of them.
"""

import math
from collections.abc import Callable

from tvcli.core.boxes import area
from tvcli.core.deduping.facts import Facts
from tvcli.core.deduping.same import Link
from tvcli.core.matching.homography import clipped, outline, outline_area

ENOUGH = 0.75  # of what is not border: a quarter is what a person may cut off and not miss
AS_LARGE = 0.9  # of its sides: a tenth less is what transforms of blurred photos err by


def loss(link: Link, own: Facts, kept: Facts, pasted: Callable[[], bool]) -> str:
    """Return why a photo is not to be dropped for the one kept, in words; empty if it may be.

    `link` maps pixels of the photo to those of the one kept. `pasted` tells whether it has a seam
    around it there: a collage shows a photo as a whole, and yet nobody would give that up for it.
    """
    corners = outline(link.transform, own.whole)  # (4, 2)
    there, common = outline_area(corners), outline_area(clipped(corners, kept.whole))
    shown = common / there if there else 0.0
    if shown < ENOUGH * (1 - own.border):
        return f"shows {shown:.0%} of it"
    size = math.sqrt(there / area(own.whole))
    if size < AS_LARGE:
        return f"shows it at {size:.0%} of its size"
    beside = common < ENOUGH * (1 - kept.border) * area(kept.whole)
    return "shows it beside other things" if beside and pasted() else ""
