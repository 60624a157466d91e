"""Copies one by one: for triplets, of items; and what all copies share: opening and writing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageOps

from tvcli.core.boxes import Box
from tvcli.core.copies.changes import CHANGES, changed, code_of, kinds_for
from tvcli.core.errors import BadInput
from tvcli.core.images import decode_photo, read_photo, thumbnail
from tvcli.core.ranking.triplets import Item

LARGEST = 1024  # pixels of the long side that photos are changed at, unless told otherwise
QUALITY = 92  # of JPEG and WebP
CODE = 12  # hexadecimal digits in a copy's name


def copier(folder: Path, seed: int) -> Callable[[Item], Item]:
    """Return what writes a changed copy of an item into `folder` and returns it as an item.

    The kinds of `CHANGES` take turns by the photo's name; a copy is of the item's box alone.

    Raises (when called):
        BadInput: the photo cannot be used, or the folder cannot be written.
    """

    def copy_of(item: Item) -> Item:
        name = f"{item.image} {item.box} {item.flip}"
        (kind,) = kinds_for(name, list(CHANGES), 1, seed)
        path = folder.absolute() / copy_name(item.image, kind, name, seed, ".jpg")
        copy = changed(_picture(item), kind, seed, name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            copy.save(path, quality=QUALITY)
        except OSError as error:
            raise BadInput(f"{path}: cannot be written: {error.strerror or error}") from error
        return replace(item, image=str(path), box=None, flip=False)

    return copy_of


def copy_name(image: str, kind: str, name: str, seed: int, suffix: str) -> str:
    """Return a file name that says of what it is a copy, and how it was changed."""
    return f"{Path(image).stem}-{kind}-{code_of(f'{seed}/{kind}/{name}')[:CODE]}{suffix}"


def picture_of(data: bytes, crop: Box | None, size: int) -> Image.Image:
    """Return a photo, or a crop of it, its long side at most `size`; raises BadImage."""
    photo = decode_photo(data, size=size, crops=[crop] if crop else [])
    return thumbnail(photo, size, crop)


def _picture(item: Item) -> Image.Image:
    try:
        picture = picture_of(read_photo(Path(item.image)), item.box, LARGEST)
    except BadInput as error:
        raise BadInput(f"{item.image}: {error}") from error
    return ImageOps.mirror(picture) if item.flip else picture
