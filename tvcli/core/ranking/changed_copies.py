"""Changed copies of items, for triplets that teach what a change leaves the same."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageOps

from tvcli.core.errors import BadInput
from tvcli.core.images.copies.changes import PLAIN_KINDS, changed, kinds_for
from tvcli.core.images.copies.making import LARGEST, QUALITY, copy_name, original_of
from tvcli.core.images.photo import read_photo
from tvcli.core.ranking.triplets import Item


def copier(folder: Path, seed: int) -> Callable[[Item], Item]:
    """Return what writes a changed copy of an item into `folder` and returns it as an item.

    The kinds of `PLAIN_KINDS` take turns by the photo's name: in another hue, or beside another
    picture, a thing need not be what the user calls similar. A copy is of the item's box alone.

    Raises (when called):
        BadInput: the photo cannot be used, or the folder cannot be written.
    """

    def copy_of(item: Item) -> Item:
        name = f"{item.image} {item.box} {item.flip}"
        (kind,) = kinds_for(name, PLAIN_KINDS, 1, seed)
        path = folder.absolute() / copy_name(item.image, kind, name, seed, ".jpg")
        copy = changed(_picture(item), kind, seed, name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            copy.save(path, quality=QUALITY)
        except OSError as error:
            raise BadInput(f"{path}: cannot be written: {error.strerror or error}") from error
        return item._replace(image=str(path), box=None, flip=False)

    return copy_of


def _picture(item: Item) -> Image.Image:
    try:
        picture = original_of(read_photo(Path(item.image)), item.box, LARGEST).picture
    except BadInput as error:
        raise BadInput(f"{item.image}: {error}") from error
    return ImageOps.mirror(picture) if item.flip else picture
