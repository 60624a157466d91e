"""Colours of a picture as sRGB of 8 bits: its ICC profile, its range, its transparency."""

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageCms

Colour = Literal["stored", "managed"]

MAX_PROFILE = 2**24  # bytes; a large one for print has three million
PROFILES = 64  # transforms that are remembered
DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras and scanners put into files of 16
BITS = 258  # tag of TIFF: BitsPerSample
LARGEST_SAMPLE = (281, 341)  # tags of TIFF: MaxSampleValue, SMaxSampleValue


def to_rgb(image: Image.Image, colour: Colour, tags: Mapping[int, Any]) -> tuple[Image.Image, str]:
    """Return a picture as 8-bit RGB, transparency on white, and a note on its range, if any.

    `tags` are those of its TIFF, empty for other formats.
    `managed`: its ICC profile (`info["icc_profile"]`) is converted to sRGB, and the range of values
    of more than 8 bits is told by its tags, else by its maximum. `stored`: values as they stand, as
    tv 0.1 first took them, floats as 0 to 1 if they fit in it.
    """
    note = ""
    profile = image.info.get("icc_profile") if colour == "managed" else None
    if image.mode.startswith("I") or image.mode == "F":
        image, note = _to_8_bits(image, colour, tags)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        canvas = Image.new("RGB", image.size, "white")
        canvas.paste(_converted(image.convert("RGB"), profile), mask=image.getchannel("A"))
        return canvas, note
    if image.mode in ("P", "PA", "1"):
        image = image.convert("RGB")
    image = _converted(image, profile)
    return (image if image.mode == "RGB" else image.convert("RGB")), note  # it would be a copy


def _converted(image: Image.Image, profile: Any) -> Image.Image:
    """Return a picture in sRGB; as it is where its profile is none, or does not fit its mode."""
    if not isinstance(profile, bytes) or not 0 < len(profile) <= MAX_PROFILE:
        return image
    transform = _transform(profile, image.mode)
    return image if transform is None else transform.apply(image)


@lru_cache(PROFILES)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(source):
            return None
        return ImageCms.buildTransform(
            source,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _to_8_bits(
    image: Image.Image, colour: Colour, tags: Mapping[int, Any]
) -> tuple[Image.Image, str]:
    """Scale greys of 16 or 32 bits or floats to 8 bits; return them and a note on their range."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    top = float(values.max(initial=0.0))
    if colour == "stored":
        largest, note = _stored_range(image.mode, top), ""
    else:
        largest, note = white_of(image.mode, top, tags)
    scaled = np.clip(np.rint(values * (255.0 / largest)), 0, 255).astype(np.uint8)
    return Image.fromarray(scaled, "L"), note


def _stored_range(mode: str, top: float) -> float:
    if mode == "F":
        return 1.0 if top <= 1.0 else 255.0
    return 255.0 if top <= 255 and mode == "I" else 65535.0


def white_of(mode: str, top: float, tags: Mapping[int, Any]) -> tuple[float, str]:
    """Return the value that is white in a mode, and a note where it is not the usual one."""
    usual = 1.0 if mode == "F" else 65535.0
    for tag in LARGEST_SAMPLE:
        value = tags.get(tag)
        value = value[0] if isinstance(value, tuple) and value else value
        if isinstance(value, int | float) and top <= value and value > 0:
            return float(value), "" if value == usual else f"its tags say that {value:g} is white"
    bits = tags.get(BITS)
    if mode != "F" and isinstance(bits, tuple) and bits and 8 < bits[0] < 16:
        return 2.0 ** bits[0] - 1, ""
    if mode == "F" and top <= 1.0:
        return usual, ""
    largest = next((2.0**bits - 1 for bits in DEPTHS if top < 2**bits), top)
    if mode == "F" and not 128 <= top <= 255:  # floats have no depth, unless they are bytes
        largest = top
    return largest, "" if largest == usual else f"its values reach {top:g}: {largest:g} is white"
