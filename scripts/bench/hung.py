"""Paintings hung on walls, drawn: photos as visitors take them, none of which anyone has seen.

One or two paintings in frames, seen a little from the side, under a lamp, half of them with a label
over them; soft, noisy, and saved as JPEG. The sets that lie beside the checkout were in view when
thresholds were chosen; these are drawn from a seed.
"""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont, ImageOps

SIDE = 512  # pixels of the long side of a photo, as of those taken in the museum
SLANT = 0.04  # of a painting's sides: how far a corner may be off
TWO = 0.3  # of the photos show two
LABELLED = 0.5  # of the paintings have a label over them
LETTERS = list("ABCDEFGHIKLMNOPRSTUVWXYZ")

Rng = np.random.Generator
Picture = npt.NDArray[np.float32]


def hung(paintings: list[Path], count: int, seed: int) -> Iterator[tuple[Image.Image, list[Path]]]:
    """Yield photos of walls, and the paintings on each."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        shown = rng.choice(len(paintings), 2 if rng.uniform() < TWO else 1, replace=False)
        paths = [paintings[n] for n in shown]
        yield photographed([labelled(framed(opened(p), rng), rng) for p in paths], rng), paths


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def framed(image: Image.Image, rng: Rng) -> Image.Image:
    """Return a painting in a frame of wood, some with a mat between."""
    mat, wood = rng.uniform(0, 0.08) * rng.integers(2), rng.uniform(0.02, 0.1)
    inner = ImageOps.expand(image, round(min(image.size) * mat), (235, 232, 225))
    base = np.array([90, 65, 40]) * rng.uniform(0.3, 2)
    return ImageOps.expand(inner, round(min(image.size) * wood), tuple(base.astype(int).tolist()))


def labelled(image: Image.Image, rng: Rng) -> Image.Image:
    """Return a framed painting, half the time with a name in a box over it."""
    if rng.uniform() > LABELLED:
        return image
    name = "".join(rng.choice(LETTERS, int(rng.integers(8, 14))))
    font = ImageFont.load_default(round(image.width * rng.uniform(0.05, 0.09)))
    place = image.width * rng.uniform(0.1, 0.4), image.height * rng.uniform(0.1, 0.85)
    draw, dark = ImageDraw.Draw(image), bool(rng.integers(2))
    draw.rectangle(draw.textbbox(place, name, font), "#333333" if dark else "#eeeeee")
    draw.text(place, name, "#eeeeee" if dark else "#333333", font)
    return image


def photographed(pictures: list[Image.Image], rng: Rng) -> Image.Image:
    """Return a photo of pictures side by side on a wall, under a lamp."""
    height = round(SIDE * (0.6 if len(pictures) == 2 else 0.9))
    sides = SIDE, height
    wall = rng.uniform(110, 230) * rng.uniform(0.9, 1.1, 3)  # grey, with a tint
    photo = np.tile(wall, (height, SIDE, 1)).astype(np.float32)
    for place, picture in enumerate(pictures):
        left, right = place * SIDE / len(pictures), (place + 1) * SIDE / len(pictures)
        photo = hang(photo, picture, (left, right), rng)
    photo = cv2.GaussianBlur(photo * lamp(sides, rng), (0, 0), rng.uniform(0.4, 0.8))
    noisy = photo + rng.normal(0, rng.uniform(1, 4), photo.shape)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def hang(photo: Picture, picture: Image.Image, between: tuple[float, float], rng: Rng) -> Picture:
    """Return the wall with a picture on it, seen a little from the side."""
    room = np.array([between[1] - between[0], photo.shape[0]])
    factor = float((room / picture.size).min() * rng.uniform(0.75, 0.95))
    width, height = (side * factor for side in picture.size)
    middle = np.array([sum(between) / 2, photo.shape[0] / 2])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (width / 2, height / 2) + middle
    corners += rng.uniform(-SLANT, SLANT, (4, 2)) * (width, height)
    small = picture.resize((max(1, round(width)), max(1, round(height))), Image.Resampling.BOX)
    own = np.array([[0, 0], [small.width, 0], [small.width, small.height], [0, small.height]])
    map_ = cv2.getPerspectiveTransform(own.astype(np.float32), corners.astype(np.float32))
    sides = photo.shape[1], photo.shape[0]
    warped = cv2.warpPerspective(np.asarray(small, np.float32), map_, sides)
    seen = cv2.warpPerspective(np.ones(small.size[::-1], np.float32), map_, sides)
    return np.asarray(np.where(seen[..., None] > 0.5, warped, photo), np.float32)


def lamp(sides: tuple[int, int], rng: Rng) -> Picture:
    """Return how bright a lamp makes each pixel, and in what colour: (h, w, 3)."""
    y, x = np.mgrid[: sides[1], : sides[0]]
    spot = rng.uniform(0.2, 0.8, 2) * sides
    far = ((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / sides[0] ** 2
    light = rng.uniform(0.75, 1.15) * (1 - rng.uniform(0, 0.7) * np.minimum(far, 1))
    return np.asarray(light[..., None] * rng.uniform([0.95, 0.9, 0.7], [1.1, 1.0, 1.0]), np.float32)
