"""Heat maps drawn over photos, side by side, with the photos under them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont, ImageOps

from tvcli.core.backbones.geometry import Geometry
from tvcli.core.boxes import Box
from tvcli.core.images.photo import Fit, Photo, resize_region

Array = npt.NDArray[np.float32]

SIDE = 320  # pixels of a panel's long side
GAP, LINE = 8, 24  # pixels between panels; of a line of text
COLD, WARM, HOT = "#3b0f70", "#de4968", "#fcfdbf"  # dark to light: readable without colours too
LEAST, MOST = 0.25, 0.8  # how much of the colour lies over the photo, from cold to hot
PAPER, INK = "#ffffff", "#1c1c1e"


@dataclass(frozen=True, slots=True)
class Panel:
    """A region of a photo with its heat (h, w); 1.0 is the hottest, below 0 counts as 0."""

    photo: Photo
    region: Box
    fit: Fit
    heat: Array
    geometry: Geometry | None
    size: int  # pixels of the square that the network saw
    flip: bool = False


def draw_rows(rows: list[tuple[str, list[Panel]]]) -> Image.Image:
    """Return a picture: each row's title and heat over its photos, and the photos themselves last.

    All rows show the same photos.
    """
    photos = [_picture(panel) for panel in rows[0][1]]
    across = sum(photo.width for photo in photos) + GAP * (len(photos) + 1)
    down = max(photo.height for photo in photos) + GAP
    sheet = Image.new("RGB", (across, len(rows) * (down + LINE) + down + GAP), PAPER)
    top = 0
    for title, panels in rows:
        _write(sheet, title, top)
        _paste(sheet, [_heated(panel) for panel in panels], top + LINE)
        top += LINE + down
    _paste(sheet, photos, top + GAP // 2)
    return sheet


def spread(heat: Array, size: int, geometry: Geometry | None) -> Array:
    """Return heat (h, w) at every pixel of the square the network saw: (size, size) float32.

    Each position is centred where it looks; without a geometry they are tiles of equal size.
    """
    down, across = (_weights(side, size, geometry) for side in heat.shape)  # (size, h), (size, w)
    result: Array = (down @ heat @ across.T).astype(np.float32)
    return result


def _weights(positions: int, size: int, geometry: Geometry | None) -> Array:
    """Return by how much each position counts at each pixel of a side: linear between centres."""
    if geometry is None:
        centres = (np.arange(positions) + 0.5) * size / positions
    else:
        centres = np.array([geometry.centre(place) for place in range(positions)])
    pixels = np.arange(size) + 0.5
    columns = [np.interp(pixels, centres, row) for row in np.eye(positions)]
    return np.stack(columns, axis=1).astype(np.float32)


def _heated(panel: Panel) -> Image.Image:
    """Return the photo in grey under its heat, the hotter the less can be seen of it."""
    photo = _picture(panel)
    heat = _on_photo(panel, photo.size).clip(0, 1)
    levels = Image.fromarray((heat * 255).astype(np.uint8))
    colours = ImageOps.colorize(levels, COLD, HOT, WARM)
    cover = Image.fromarray(((LEAST + (MOST - LEAST) * heat) * 255).astype(np.uint8))
    return Image.composite(colours, ImageOps.grayscale(photo).convert("RGB"), cover)


def _on_photo(panel: Panel, size: tuple[int, int]) -> Array:
    """Return the heat at every pixel of the panel (height, width)."""
    square = spread(panel.heat, panel.size, panel.geometry)
    if panel.flip:
        square = square[:, ::-1]
    if panel.fit == "pad":  # the region lies in the middle, with its longer side from edge to edge
        scale = panel.size / max(size)
        width, height = (max(1, round(side * scale)) for side in size)
        left, top = (panel.size - width) // 2, (panel.size - height) // 2
        square = square[top : top + height, left : left + width]
    picture = Image.fromarray(np.ascontiguousarray(square))
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR))


def _picture(panel: Panel) -> Image.Image:
    """Return the part of the photo that the network saw."""
    x0, y0, x1, y1 = panel.region
    if panel.fit == "crop":
        side = min(x1 - x0, y1 - y0)
        x0, y0 = (x0 + x1 - side) / 2, (y0 + y1 - side) / 2
        x1, y1 = x0 + side, y0 + side
    scale = SIDE / max(x1 - x0, y1 - y0)
    sides = max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale))
    return resize_region(panel.photo, (x0, y0, x1, y1), sides)


def _paste(sheet: Image.Image, pictures: list[Image.Image], top: int) -> None:
    left = GAP
    for picture in pictures:
        sheet.paste(picture, (left, top))
        left += picture.width + GAP


def _write(sheet: Image.Image, text: str, top: int) -> None:
    font = ImageFont.load_default(13)
    ImageDraw.Draw(sheet).text((GAP, top + LINE // 2), text, INK, font, anchor="lm")
