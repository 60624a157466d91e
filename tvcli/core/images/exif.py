"""What a camera wrote into a photo, as fields: when it was taken, with what, and where."""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import ExifTags

from tvcli.core.files.fields import FieldReader, Value, merged
from tvcli.core.files.records import Region
from tvcli.core.images.known_pictures import open_picture
from tvcli.core.images.photo import BadImage, read_photo

EXIF_FIELDS = ("taken", "camera", "latitude", "longitude")
TAKEN = (ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized)


def exif_fields(data: bytes) -> dict[str, Value]:
    """Return the fields of `EXIF_FIELDS` that a photo has.

    `taken` is the local time of the camera in ISO 8601 (`2024-06-12T10:20:30`), `camera` its maker
    and model, `latitude` and `longitude` degrees (WGS 84), to the north and east. What is missing
    or makes no sense is left out.
    """
    try:
        with open_picture(data) as image:
            exif = image.getexif()
            base, details = dict(exif), exif.get_ifd(ExifTags.IFD.Exif)
            place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    except Exception:  # decoders raise nearly anything on broken files, which encoding tells
        return {}
    north = _degrees(place, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S")
    east = _degrees(place, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W")
    dates = [*(details.get(tag) for tag in TAKEN), base.get(ExifTags.Base.DateTime)]
    found: dict[str, Any] = {
        "taken": next(filter(None, map(_iso, dates)), None),
        "camera": _camera(base.get(ExifTags.Base.Make), base.get(ExifTags.Base.Model)),
    }
    if north is not None and east is not None and abs(north) <= 90 and abs(east) <= 180:
        found |= {"latitude": north, "longitude": east}
    return merged({}, FieldReader().read(found))


def _iso(value: Any) -> str | None:
    """Return a date of EXIF in ISO 8601; None for what is none."""
    with suppress(ValueError, TypeError):
        return datetime.strptime(_text(value)[:19], "%Y:%m:%d %H:%M:%S").isoformat()
    return None


def _camera(maker: Any, model: Any) -> str | None:
    """Return maker and model, whose maker's name many models begin with."""
    first, second = _text(maker), _text(model)
    names = [second] if second.lower().startswith(first.lower().split(" ")[0]) else [first, second]
    return " ".join(name for name in names if name)[:200] or None


def _text(value: Any) -> str:
    return value.replace("\0", " ").strip() if isinstance(value, str) else ""


def _degrees(place: Mapping[int, Any], tag: int, reference: int, negative: str) -> float | None:
    """Return degrees of degrees, minutes and seconds; None where they are none."""
    try:
        degrees, minutes, seconds = (float(part) for part in place[tag])
        value = degrees + minutes / 60 + seconds / 3600
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    sign = -1 if _text(place.get(reference)).upper() == negative else 1
    return round(sign * value, 7) if math.isfinite(value) else None


def exif_of(region: Region, root: Path) -> dict[str, Value]:
    """Return the fields of a region's photo under `root`, as `exif_fields`; none of a bad one."""
    try:
        return exif_fields(region.data or read_photo(root / region.image))
    except BadImage:  # encoding tells
        return {}


def with_exif(regions: Iterable[Region], root: Path) -> Iterator[Region]:
    """Yield regions of photos under `root` with the fields of their EXIF, besides their own."""
    last: tuple[str, dict[str, Value]] = "", {}
    for region in regions:
        if last[0] != region.image:
            last = region.image, exif_of(region, root)
        fields = {**last[1], **dict(region.fields)}
        yield replace(region, fields=tuple(sorted(fields.items())))
