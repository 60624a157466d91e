"""Copies as files: how they are named, and what photos are opened at before they are changed."""

from pathlib import Path

from PIL import Image

from tvcli.core.boxes import Box
from tvcli.core.images.copies.changes import code_of
from tvcli.core.images.photo import decode_photo, thumbnail

LARGEST = 1024  # pixels of the long side that photos are changed at, unless told otherwise
QUALITY = 92  # of JPEG and WebP
CODE = 12  # hexadecimal digits in a copy's name


def copy_name(image: str, kind: str, name: str, seed: int, suffix: str) -> str:
    """Return a file name that says of what it is a copy, and how it was changed."""
    return f"{Path(image).stem}-{kind}-{code_of(f'{seed}/{kind}/{name}')[:CODE]}{suffix}"


def picture_of(data: bytes, crop: Box | None, size: int) -> Image.Image:
    """Return a photo, or a crop of it, its long side at most `size`; raises BadImage."""
    photo = decode_photo(data, size=size, crops=[crop] if crop else [])
    return thumbnail(photo, size, crop)
