"""Looks: other ways to look at a query, since cosines of changed copies are lower."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from tvcli.core.boxes import Box
from tvcli.core.files.records import Region
from tvcli.core.images.photo import Photo, Pixels

MIDDLE = 0.65  # of the sides of a turned query: then no corners come up empty
SOFTEN = 1.0  # pixels: the deviation of a blur, against noise and blocks
SHARPEN = 3, 400  # pixels, per cent: the same of an unsharp mask, against blur
ALONG = (0.04, 0.48), (0.52, 0.96)  # of the long side: two pictures side by side, on a wall
ACROSS = 0.1, 0.9  # of the short side

Look = Callable[[Photo, Region], Pixels]


def augmented_views(photo: Photo, crop: Box | None, look: Look) -> list[Pixels]:
    """Return a photo, or a crop of it, looked at in twelve other ways: (size, size, 3) uint8 each.

    Its middle turned by 0°, 45°, …, since corners that a turned copy got are turned into it else;
    the whole softened and sharpened; and its two halves. `look` gives what the backbone sees.
    """
    upright = Image.fromarray(look(photo, Region("", crop=crop)))
    halves = [look(photo, Region("", crop=half)) for half in half_regions(crop or photo.whole)]
    return [*_turned(upright), *_filtered(upright), *halves]


def half_regions(region: Box) -> list[Box]:
    """Return the two halves of a region along its long side, without what is around them."""
    x0, y0, x1, y1 = region
    width, height = x1 - x0, y1 - y0
    across, down = ([ACROSS] * 2, ALONG) if height > width else (ALONG, [ACROSS] * 2)
    return [
        (x0 + left * width, y0 + top * height, x0 + right * width, y0 + bottom * height)
        for (left, right), (top, bottom) in zip(across, down, strict=True)
    ]


def _turned(upright: Image.Image) -> list[Pixels]:
    edge = upright.width * (1 - MIDDLE) / 2
    box = (edge, edge, upright.width - edge, upright.width - edge)
    slanted = upright.rotate(45, Image.Resampling.BILINEAR)
    middles = [np.asarray(view.resize(view.size, box=box)) for view in (upright, slanted)]
    return [np.ascontiguousarray(np.rot90(view, n)) for view in middles for n in range(4)]


def _filtered(upright: Image.Image) -> list[Pixels]:
    filters = ImageFilter.GaussianBlur(SOFTEN), ImageFilter.UnsharpMask(*SHARPEN, threshold=0)
    return [np.asarray(upright.filter(each)) for each in filters]
