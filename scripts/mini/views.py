"""Random views of the training photos: crop, mirror, colour, blur, and mosaics of four."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from scripts.mini.photos import Photos, Pixels

SIDE = 144
# Share of the views by set. The few large photos count more than their number: tiny-imagenet
# has the classes but no fine detail, and detail is what shop shelves and fabrics differ in.
SHARES = {
    "tiny": 0.40,
    "mosaic": 0.15,
    "clothing": 0.21,
    "grocery": 0.14,
    "paintings": 0.05,
    "raccoon": 0.05,
}
WHOLE = 0.2  # share of the views that show the whole photo, as `tv` itself does


@dataclass(frozen=True)
class View:
    """A picture (SIDE, SIDE, 3) uint8 and its ImageNet class, or -1."""

    pixels: Pixels
    label: int


def crop_box(rng: np.random.Generator, width: int, height: int) -> tuple[int, int, int, int]:
    """Return a box of a quarter to all of the area, its aspect ratio up to 4:3 either way."""
    if rng.random() < WHOLE:
        return 0, 0, width, height
    area, aspect = rng.uniform(0.25, 1), np.exp(rng.uniform(-0.29, 0.29))
    w = min(width, round((width * height * area * aspect) ** 0.5))
    h = min(height, round((width * height * area / aspect) ** 0.5))
    x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
    return x, y, x + w, y + h


def recoloured(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """Return the image with brightness, contrast and saturation changed, in most cases."""
    if rng.random() < 0.3:
        return image
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhancer(image).enhance(rng.uniform(0.65, 1.35))
    return image


def blurred(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """Return the image blurred, in few cases."""
    if rng.random() < 0.9:
        return image
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5)))


def cropped(rng: np.random.Generator, pixels: Pixels, size: tuple[int, int]) -> Image.Image:
    """Return a random crop at the given (width, height), mirrored half of the time."""
    image = Image.fromarray(pixels)
    box = crop_box(rng, *image.size)
    image = image.resize(size, Image.Resampling.BILINEAR, box=box)
    mirrored = rng.random() < 0.5
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else image


def drawn(rng: np.random.Generator, photos: Photos) -> tuple[Pixels, int]:
    """Return one photo of the set, at random, and its class."""
    row = int(rng.integers(len(photos.pixels)))
    return photos.pixels[row], photos.classes[row]


def mosaic(rng: np.random.Generator, sets: dict[str, Photos]) -> Image.Image:
    """Return four crops around a random point: sharp detail out of small photos."""
    cut_x, cut_y = (int(v) for v in rng.integers(SIDE // 3, 2 * SIDE // 3, 2))
    canvas = Image.new("RGB", (SIDE, SIDE))
    for x0, x1 in ((0, cut_x), (cut_x, SIDE)):
        for y0, y1 in ((0, cut_y), (cut_y, SIDE)):
            name = "tiny" if rng.random() < 0.6 else str(rng.choice(sorted(sets)))
            pixels, _ = drawn(rng, sets[name])
            canvas.paste(cropped(rng, pixels, (x1 - x0, y1 - y0)), (x0, y0))
    return canvas


def random_view(sets: dict[str, Photos], seed: int, number: int) -> View:
    """Return view `number` of the endless list that belongs to the seed."""
    rng = np.random.default_rng([seed, number])
    name, label = str(rng.choice(list(SHARES), p=list(SHARES.values()))), -1
    if name == "mosaic":
        image = mosaic(rng, sets)
    else:
        pixels, label = drawn(rng, sets[name])
        image = cropped(rng, pixels, (SIDE, SIDE))
    return View(np.asarray(blurred(rng, recoloured(rng, image))), label)
