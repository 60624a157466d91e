"""Camera RAW: told by how it begins, and seen by the preview that the camera put into it."""

import io
import re
import struct
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

# CR3, CR2, IIQ, RW2 and RWL, ORF, RAF, CRW, MRW, X3F; others are TIFFs with a sensor's values.
MAGIC = re.compile(
    rb"\0...ftypcrx |(II\*\0|MM\0\*)....(CR\x02|IIII|MMMM)|IIU\0|II(RO|RS)|MMOR|FUJIFILMCCD-RAW|"
    rb"(II|MM)....HEAPCCDR|\0MRM|FOVb",
    re.DOTALL,
)
TIFF = {b"II*\0": "<", b"MM\0*": ">"}  # and the order of their bytes
PHOTOMETRIC, SUB_IFDS, DNG_VERSION = 0x0106, 0x014A, 0xC612
ORIENTATION = 0x0112  # of EXIF and of TIFF
OF_SENSORS = (32803, 34892)  # colour filter array, and LinearRaw (DNG 1.7.1)
SHORT, DIRECTORIES = 3, 32  # a type of TIFF; directories that are looked at
ORIENTATIONS = (1, 2, 4, 3, 5, 8, 6, 7)  # of EXIF, by LibRaw's flip
QUARTER_TURNS = (5, 6, 7, 8)  # orientations that swap width and height
SMALL = 256  # pixels of a preview's long side: less is little more than an icon


class NoPreview(UnidentifiedImageError):
    """Camera RAW that cannot be shown; the message says why."""


def is_raw(data: bytes) -> bool:
    """Tell whether a file is camera RAW, whatever it is named."""
    if MAGIC.match(data):
        return True
    order = TIFF.get(data[:4])
    return order is not None and _holds_sensor_values(data, order)


def open_preview(data: bytes) -> Image.Image:
    """Open the largest preview in a RAW file; its EXIF says how the RAW is turned.

    LibRaw reads the file's structure and no more: the sensor's values are not decoded.

    Raises:
        ImportError: rawpy is not installed.
        NoPreview: LibRaw does not know the file, or there is no preview in it that is a picture.
    """
    import rawpy

    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            sizes, preview = raw.sizes, raw.extract_thumb()
    except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError) as error:
        raise NoPreview("camera RAW without a preview that can be read") from error
    except rawpy.LibRawError as error:
        raise NoPreview(
            "camera RAW that is damaged, or of a kind that LibRaw cannot read"
        ) from error
    try:
        image = _picture(preview.data)
    except UnidentifiedImageError as error:
        raise NoPreview("camera RAW whose preview is damaged") from error
    orientation = ORIENTATIONS[sizes.flip & 7]
    if orientation in QUARTER_TURNS and _is_wide(image) != _is_wide(sizes):
        orientation = 1  # the camera turned its preview, as few do
    image.getexif()[ORIENTATION] = orientation
    image.format = "RAW"
    return image


def _is_wide(sides: Any) -> bool:
    return bool(sides.width > sides.height)


def _picture(preview: Any) -> Image.Image:
    """Return a preview as a picture: a JPEG, or pixels (H, W, 3) uint8."""
    if isinstance(preview, np.ndarray):
        return Image.fromarray(preview)
    return Image.open(io.BytesIO(preview), formats=["JPEG"])


def _holds_sensor_values(data: bytes, order: str) -> bool:
    """Tell whether a TIFF is a DNG, or has a directory of values as a sensor measures them."""
    (first,) = struct.unpack_from(f"{order}I", data.ljust(8, b"\0"), 4)
    places, seen = [first], 0
    while places and seen < DIRECTORIES:
        place, seen = places.pop(0), seen + 1
        if not 8 <= place <= len(data) - 2:
            continue
        (count,) = struct.unpack_from(f"{order}H", data, place)
        end = min(place + 2 + 12 * count, len(data) - 4)
        for entry in range(place + 2, end - 11, 12):
            tag, kind, length, value = struct.unpack_from(f"{order}HHII", data, entry)
            if tag == DNG_VERSION:
                return True
            if tag == PHOTOMETRIC and kind == SHORT:
                if struct.unpack_from(f"{order}H", data, entry + 8)[0] in OF_SENSORS:
                    return True
            elif tag == SUB_IFDS and length == 1:
                places.append(value)
            elif tag == SUB_IFDS and value + 4 * min(length, DIRECTORIES) <= len(data):
                places += struct.unpack_from(f"{order}{min(length, DIRECTORIES)}I", data, value)
        if end == place + 2 + 12 * count:
            places += struct.unpack_from(f"{order}I", data, end)
    return False
