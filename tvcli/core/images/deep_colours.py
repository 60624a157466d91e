"""Colours of 16 bits a channel whose values use fewer, such as 12 of a camera.

Pillow keeps the upper byte of each value. The lower one comes by a second reading, in which the
bytes are told to be in the other order.
"""

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

DEEP = re.compile(r";16([BLN])$")  # how Pillow names the order of the bytes of values
OTHER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
COLOURS = ("RGB", "RGBA", "RGBX", "LA")
BELOW = 2**14  # values that all are less were measured with 14 bits or fewer
LARGEST = 65535.0

Range = Callable[[str, float, Mapping[int, Any]], tuple[float, str]]


def is_deep(image: Image.Image) -> bool:
    """Tell whether a picture, not yet loaded, has colours of 16 bits a channel."""
    names = [_raw_mode(tile.args) for tile in getattr(image, "tile", ())]
    return image.mode in COLOURS and bool(names) and all(map(DEEP.search, names))


def with_full_range(
    upright: Image.Image,
    reopened: Image.Image,
    tags: Mapping[int, Any],
    range_of: Range,
) -> tuple[Image.Image, str]:
    """Return a picture of deep colours with the range of its values, and a note on it, if any.

    `upright` has the upper bytes, `reopened` is the same picture opened anew and not yet loaded,
    `range_of` tells from the mode, the largest value and the `tags` which value is white. An alpha
    channel stays as it is.
    """
    upper = np.asarray(upright)
    colours = upper[..., : 1 if upright.mode == "LA" else 3]
    if not colours.size or int(colours.max()) >= BELOW >> 8:
        return upright, ""
    lower = _lower_bytes(reopened)
    if lower is None or lower.shape != upper.shape:
        return upright, ""
    values = colours.astype(np.float64) * 256 + lower[..., : colours.shape[2]]
    white, note = range_of("I;16", float(values.max()), tags)
    if white == LARGEST:
        return upright, note
    scaled = np.array(upper)
    scaled[..., : colours.shape[2]] = np.clip(np.rint(values * (255 / white)), 0, 255)
    found = Image.fromarray(scaled, upright.mode)
    found.info = dict(upright.info)
    return found, note


def _lower_bytes(image: Image.Image) -> npt.NDArray[np.uint8] | None:
    """Return the lower bytes (H, W, C) of an upright picture; None where Pillow has no such way."""
    tiles: Any = image
    tiles.tile = [tile._replace(args=_other_order(tile.args)) for tile in tiles.tile]
    try:
        return np.asarray(ImageOps.exif_transpose(image))
    except (OSError, ValueError):
        return None


def _raw_mode(arguments: Any) -> str:
    name = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return name if isinstance(name, str) else ""


def _other_order(arguments: Any) -> Any:
    name = DEEP.sub(lambda found: f";16{OTHER[found[1]]}", _raw_mode(arguments))
    return (name, *arguments[1:]) if isinstance(arguments, tuple) else name
