"""Adobe RGB: told by EXIF where a camera put no profile into its photo."""

import struct
from functools import cache

from PIL import ExifTags, Image

SRGB, ADOBE_RGB = 1, 2  # of EXIF's ColorSpace; the latter is not in the standard, but in cameras
INTEROPERABILITY_INDEX = 1
R03 = "R03"  # what DCF 2.0 has for photos in Adobe RGB, whose ColorSpace is "uncalibrated"
# Adobe RGB (1998): the columns of its matrix to XYZ, adapted to D50, and its gamma, 563 / 256.
COLUMNS = (
    (b"rXYZ", (0.60974, 0.31111, 0.01947)),
    (b"gXYZ", (0.20528, 0.62567, 0.06087)),
    (b"bXYZ", (0.14919, 0.06322, 0.74457)),
)
D50 = (0.9642, 1.0, 0.8249)
CURVES, GAMMA = (b"rTRC", b"gTRC", b"bTRC"), 563


def is_adobe_rgb(image: Image.Image) -> bool:
    """Tell whether the EXIF of a picture, opened from its file, says that it is in Adobe RGB.

    "Uncalibrated" alone says no more than that it is not sRGB.
    """
    try:
        exif = image.getexif()
        space = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
        index = exif.get_ifd(ExifTags.IFD.Interop).get(INTEROPERABILITY_INDEX)
    except Exception:  # broken EXIF raises nearly anything, and says nothing
        return False
    if isinstance(index, bytes):
        index = index.decode("ascii", "replace")
    is_option = isinstance(index, str) and index.startswith(R03)
    return space == ADOBE_RGB or (space != SRGB and is_option)


@cache
def adobe_rgb_profile() -> bytes:
    """Return the ICC profile (version 2) of Adobe RGB (1998)."""
    name = b"Adobe RGB (1998)\0"
    described = b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(78)
    tags = [
        (b"desc", described),
        (b"cprt", b"text" + bytes(4) + b"public domain\0"),
        (b"wtpt", _xyz(D50)),
        *((tag, _xyz(column)) for tag, column in COLUMNS),
        *((tag, b"curv" + bytes(4) + struct.pack(">IH", 1, GAMMA)) for tag in CURVES),
    ]
    place = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for tag, value in tags:
        padded = value + bytes(-len(value) % 4)
        table += tag + struct.pack(">II", place + len(body), len(value))
        body += padded
    start = struct.pack(">I4xI", place + len(body), 0x02100000) + b"mntrRGB XYZ " + bytes(12)
    header = start + b"acsp" + bytes(28) + _fixed(D50)
    return header.ljust(128, b"\0") + table + body


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _fixed(values: tuple[float, ...]) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)
