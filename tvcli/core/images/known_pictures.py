"""Pictures of the formats that are read, opened by what they hold and whatever they are named."""

import io

from PIL import Image, UnidentifiedImageError

# What is opened of what Pillow knows; HEIF where a plugin is registered.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "MPO", "HEIF")


def open_picture(data: bytes) -> Image.Image:
    """Open a picture of one of `FORMATS`, whatever its file is named; its pixels are not decoded.

    Pillow knows more formats, and starts a program for some of them: Ghostscript for EPS.

    Raises:
        UnidentifiedImageError: of no such format.
    """
    try:
        return _opened(data)
    except UnidentifiedImageError:
        Image.init()  # brings the rarer formats, which most pictures do without
        return _opened(data)


def _opened(data: bytes) -> Image.Image:
    Image.preinit()
    known = [name for name in FORMATS if name in Image.OPEN]
    return Image.open(io.BytesIO(data), formats=known)
