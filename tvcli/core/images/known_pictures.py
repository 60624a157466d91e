"""Pictures of the formats that are read, opened by what they hold and whatever they are named."""

import io
import re
from functools import cache

from PIL import Image, UnidentifiedImageError

from tvcli.core.images.raw import ORIENTATION, is_raw, open_preview

# What is opened of what Pillow and its plugins know; camera RAW is opened by its preview.
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "MPO", "HEIF", "JXL")
HEIF = re.compile(rb"\0...ftyp(hei[cxms]|hev[cxms]|mif1|msf1)", re.DOTALL)
JXL = re.compile(rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n")


class NotInstalled(UnidentifiedImageError):
    """A picture of a format whose plugin is not there; the message says what to install."""


def open_picture(data: bytes) -> Image.Image:
    """Open a picture of one of `FORMATS`, whatever its file is named; its pixels are not decoded.

    Of camera RAW it opens the preview, with the format RAW.
    Pillow knows more formats, and starts a program for some of them: Ghostscript for EPS.

    Raises:
        NotInstalled: what reads its format is not installed.
        UnidentifiedImageError: of no such format.
    """
    if HEIF.match(data):
        _register_heif()
    elif JXL.match(data):
        _register_jxl()
    elif is_raw(data):
        try:
            return open_preview(data)
        except ImportError as error:
            raise NotInstalled("camera RAW is read by LibRaw: pip install 'tvcli[raw]'") from error
    try:
        return _opened(data)
    except UnidentifiedImageError:
        Image.init()  # brings the rarer formats, which most pictures do without
        return _opened(data)


def _opened(data: bytes) -> Image.Image:
    Image.preinit()
    known = [name for name in FORMATS if name in Image.OPEN]
    image = Image.open(io.BytesIO(data), formats=known)
    if image.format == "JXL":  # decoded upright; its EXIF is only what it was made of
        image.getexif().pop(ORIENTATION, None)
    return image


@cache
def _register_heif() -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise NotInstalled("HEIC is read by a plugin: pip install pillow-heif") from error
    register_heif_opener(thumbnails=False)


@cache
def _register_jxl() -> None:
    try:
        import pillow_jxl
    except ImportError as error:
        raise NotInstalled("JPEG XL is read by a plugin: pip install 'tvcli[jxl]'") from error
    assert pillow_jxl
