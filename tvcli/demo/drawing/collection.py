"""A collection of garments, drawn to a folder, with a record of what each photo shows."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np

from tvcli.core.parallel import cores, in_order
from tvcli.demo.drawing.garment import KINDS, Garment, design
from tvcli.demo.drawing.photo import Photo, take_photo

QUALITY = 92

Record = dict[str, str | int | list[int]]


def draw_collection(
    folder: Path, *, garments: int = 60, photos_each: int = 4, size: int = 256, seed: int = 0
) -> Iterator[Record]:
    """Draw a collection of garments in studio scenes on all cores, a record at a time.

    Writes folder/photos/<garment>-<photo>.jpg and yields, per photo: image (relative to folder),
    width, height, box ([x0, y0, x1, y1] pixels, half open: the garment's visible extent), label
    (its kind), split, and its attributes. The last photo of each garment is split "test", the
    others, and a garment's only one, are "train". Each photo depends on its seed, garment and
    number alone: neither more garments nor other numbers of cores change it.

    Raises OSError where the folder cannot be written.
    """
    (folder / "photos").mkdir(parents=True, exist_ok=True)

    def draw(place: tuple[int, int]) -> Photo:
        return draw_photo(*place, size=size, seed=seed)

    places = list(product(range(garments), range(1, photos_each + 1)))
    with ThreadPoolExecutor(cores()) as pool:
        for (index, number), photo in zip(places, in_order(pool, draw, places), strict=True):
            garment = design_garment(index, seed=seed)
            image = f"photos/{garment.name}-{number}.jpg"
            photo.image.save(folder / image, quality=QUALITY)
            split = "test" if number == photos_each > 1 else "train"
            yield record_of(photo, garment, image, split)


def design_garment(index: int, *, seed: int = 0) -> Garment:
    """The garment at that place of the collection; the kinds take turns."""
    kind = KINDS[index % len(KINDS)]
    name = f"{kind}-{index // len(KINDS) + 1:03d}"
    return design(np.random.default_rng([seed, index]), kind, name)


def draw_photo(index: int, number: int, *, size: int = 256, seed: int = 0) -> Photo:
    """Photo number (from 1) of the garment at index."""
    rng = np.random.default_rng([seed, index, number])
    return take_photo(rng, design_garment(index, seed=seed), size)


def record_of(photo: Photo, garment: Garment, image: str, split: str) -> Record:
    """What a photo shows, as draw_collection yields it."""
    width, height = photo.image.size
    record: Record = {"image": image, "width": width, "height": height, "box": photo.box}
    return record | {"label": garment.kind, "split": split} | garment.attributes
