"""Views of the training photos, in pairs: two of the same photo, cropped and turned a little."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from scripts.mini.photos import Photos, Pixels

SIDE = 192  # pixels, for the teachers; the student sees less
WHOLE = 0.35  # share of the views that show the whole photo, as `tv` itself does
LEAST = 0.25  # area of a crop, of the photo's
TURNED = 0.25  # share of the views that are turned
MOST_TURNED = 12.0  # degrees
BLURRED = 0.1


@dataclass(frozen=True)
class View:
    """A picture (SIDE, SIDE, 3) uint8; its class and its kind, or -1; its photo's number."""

    pixels: Pixels
    label: int
    kind: int
    photo: int


def crop_box(
    rng: np.random.Generator, width: int, height: int
) -> tuple[float, float, float, float]:
    """Return a box of a quarter to all of the area, its aspect ratio up to 4:3 either way."""
    if rng.random() < WHOLE:
        return 0, 0, width, height
    area, aspect = rng.uniform(LEAST, 1), np.exp(rng.uniform(-0.29, 0.29))
    w = min(width, round((width * height * area * aspect) ** 0.5))
    h = min(height, round((width * height * area / aspect) ** 0.5))
    x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
    return x, y, x + w, y + h


def seen(rng: np.random.Generator, photo: Image.Image) -> Image.Image:
    """Return a crop of a photo, squashed to a square, some turned and some blurred."""
    box, size = crop_box(rng, *photo.size), (SIDE, SIDE)
    image = photo.resize(size, Image.Resampling.BILINEAR, box=box, reducing_gap=2.0)
    if rng.random() < TURNED:
        turn = rng.uniform(-MOST_TURNED, MOST_TURNED)
        image = image.rotate(turn, Image.Resampling.BILINEAR, fillcolor=(124, 116, 104))
    if rng.random() < BLURRED:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    return image


def pair_of_views(photos: Photos, seed: int, number: int) -> tuple[View, View]:
    """Return pair `number` of the endless list that belongs to the seed."""
    rng = np.random.default_rng([seed, number])
    row = int(photos.order[number % len(photos.order)])
    try:
        photo = photos.decoded(row, SIDE)
    except OSError:  # damaged: another one
        return pair_of_views(photos, seed, number + len(photos.order) // 2)
    label, kind = photos.listed[row].label, photos.listed[row].kind
    first, second = (View(np.asarray(seen(rng, photo)), label, kind, row) for _ in range(2))
    return first, second
