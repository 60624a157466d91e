"""Photos as a program has them: a path, a picture of Pillow, an array."""

import io
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from tvcli.core.boxes import Box, as_box
from tvcli.core.errors import UsageError
from tvcli.core.files.records import Region

PathLike = str | os.PathLike[str]
PhotoLike = PathLike | Image.Image | npt.NDArray[Any]

IN_PNG = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")  # modes that a PNG keeps as they are


def is_photo_in_memory(value: object) -> bool:
    """Tell whether a value is a picture of Pillow or an array."""
    return isinstance(value, Image.Image | np.ndarray)


def is_name_in_memory(image: str) -> bool:
    """Tell whether a photo is named as one in memory is."""
    return re.fullmatch(r"<image \d+>", image) is not None


def region_of(photo: PhotoLike, number: int = 1, box: Box | None = None) -> Region:
    """Return a photo, or a box of it, as a region; a path is relative to the current folder.

    One in memory is named `<image NUMBER>`.

    Raises:
        UsageError: no path, picture or array of pixels; or a box that is none.
    """
    crop = checked_box(box)
    if isinstance(photo, str | os.PathLike):
        return Region(path_of(photo), crop, crop)
    if isinstance(photo, np.ndarray):
        photo = _picture(photo)
    if not isinstance(photo, Image.Image):
        raise UsageError(
            f"a photo is a path, a PIL image or an array (H, W, 3) of uint8, "
            f"not {type(photo).__name__}"
        )
    return Region(f"<image {number}>", crop, crop, data=_png(photo))


def path_of(path: PathLike) -> str:
    """Return a path as text.

    Raises:
        UsageError: empty, `-` (standard input is the command line's), or with a NUL in it.
    """
    text = os.fsdecode(path)
    if text in ("", "-") or "\0" in text:
        raise UsageError(f"{text!r} is no path of a file or folder")
    return text


def as_path(path: PathLike | None) -> Path | None:
    """Return a path that may be left out."""
    return None if path is None else Path(path)


def checked_box(box: Box | None) -> Box | None:
    """Return a box as floats; raises UsageError for what is none."""
    try:
        return None if box is None else as_box([float(side) for side in box])
    except (TypeError, ValueError) as error:
        raise UsageError(f"box: {error}") from None


def _picture(pixels: npt.NDArray[Any]) -> Image.Image:
    """Return pixels (H, W), (H, W, 3) or (H, W, 4) uint8 as a picture."""
    shaped = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not shaped or not pixels.size:
        raise UsageError(
            f"an array of pixels is (H, W), (H, W, 3) or (H, W, 4) of uint8, 0 to 255, not "
            f"{pixels.shape} of {pixels.dtype}"
        )
    return Image.fromarray(np.ascontiguousarray(pixels))


def _png(picture: Image.Image) -> bytes:
    """Return a picture, upright, as a file that keeps all of its pixels."""
    upright = ImageOps.exif_transpose(picture)
    kept = upright if upright.mode in IN_PNG else _convertible(upright)
    buffer = io.BytesIO()
    kept.save(buffer, "TIFF" if kept.mode in ("I", "F") else "PNG", compress_level=0)
    return buffer.getvalue()


def _convertible(picture: Image.Image) -> Image.Image:
    if picture.mode in ("I", "F"):  # greys of more than 8 bits, scaled where photos are decoded
        return picture
    return picture.convert("RGBA" if picture.mode in ("La", "RGBa", "PA") else "RGB")
