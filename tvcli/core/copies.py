"""Changed copies of photos: what happens to pictures on their way through the world, seeded."""

import hashlib
import io
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from tvcli.core.errors import BadInput
from tvcli.core.images import Photo, decode_photo, read_photo, thumbnail
from tvcli.core.ranking.triplets import Item

Rng = np.random.Generator
Change = Callable[[Image.Image, Rng], Image.Image]

LARGEST = 1024  # pixels of a copy's long side
QUALITY = 92


def scaled(image: Image.Image, rng: Rng) -> Image.Image:
    """Return the picture at 0.4 to 0.9 of its size."""
    factor = rng.uniform(0.4, 0.9)
    sides = max(16, round(image.width * factor)), max(16, round(image.height * factor))
    return image.resize(sides, Image.Resampling.BICUBIC)


def cropped(image: Image.Image, rng: Rng) -> Image.Image:
    """Return 0.6 to 0.95 of each side, from anywhere."""
    width, height = (max(1, round(side * rng.uniform(0.6, 0.95))) for side in image.size)
    left, top = rng.integers(image.width - width + 1), rng.integers(image.height - height + 1)
    return image.crop((int(left), int(top), int(left) + width, int(top) + height))


def rotated(image: Image.Image, rng: Rng) -> Image.Image:
    """Return the picture turned by 3 to 20 degrees, without the corners that come up empty."""
    angle = float(rng.uniform(3, 20) * rng.choice([-1, 1]))
    turned = image.rotate(angle, Image.Resampling.BICUBIC)
    slant = math.tan(math.radians(abs(angle)))
    keep = 1 / (1 + slant * max(image.size) / min(image.size))
    width, height = (max(1, int(side * keep)) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return turned.crop((left, top, left + width, top + height))


def mirrored(image: Image.Image, _: Rng) -> Image.Image:
    """Return the mirror image."""
    return ImageOps.mirror(image)


def compressed(image: Image.Image, rng: Rng) -> Image.Image:
    """Return the picture as JPEG keeps it at quality 8 to 40."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(rng.integers(8, 41)))
    return Image.open(buffer).convert("RGB")


def blurred(image: Image.Image, rng: Rng) -> Image.Image:
    """Return the picture blurred by 0.4 to 1 % of its long side."""
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.004, 0.01) * max(image.size)))


def noisy(image: Image.Image, rng: Rng) -> Image.Image:
    """Return the picture with noise of standard deviation 8 to 24 on every value."""
    values = np.asarray(image, np.float32)
    noise = rng.normal(0, rng.uniform(8, 24), values.shape)
    return Image.fromarray(np.clip(np.rint(values + noise), 0, 255).astype(np.uint8))


def relit(image: Image.Image, rng: Rng) -> Image.Image:
    """Return the picture with other brightness, contrast and colour."""
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhancer(image).enhance(float(rng.uniform(0.6, 1.4)))
    return image


def overprinted(image: Image.Image, rng: Rng) -> Image.Image:
    """Return the picture with a line of text on it."""
    result = image.copy()
    size = max(10, round(min(image.size) * rng.uniform(0.07, 0.14)))
    place = image.width * rng.uniform(0.02, 0.3), image.height * rng.uniform(0.05, 0.85)
    text = "".join(rng.choice(list("ABCDEFGHIKLMNOPRSTUVWXYZ  "), 12))
    font = ImageFont.load_default(size)
    ImageDraw.Draw(result).text(place, text, "white", font, stroke_width=2, stroke_fill="black")
    return result


def framed(image: Image.Image, rng: Rng) -> Image.Image:
    """Return the picture in a frame of one colour."""
    width = max(1, round(min(image.size) * rng.uniform(0.04, 0.12)))
    red, green, blue = (int(value) for value in rng.integers(0, 256, 3))
    return ImageOps.expand(image, width, (red, green, blue))


CHANGES: dict[str, Change] = {
    "scale": scaled,
    "crop": cropped,
    "rotation": rotated,
    "mirror": mirrored,
    "jpeg": compressed,
    "blur": blurred,
    "noise": noisy,
    "brightness": relit,
    "text": overprinted,
    "frame": framed,
}


def changed(image: Image.Image, kind: str, seed: int, name: str) -> Image.Image:
    """Return a changed copy; the same for the same picture, kind, seed and name."""
    digest = hashlib.sha256(f"{seed}/{kind}/{name}".encode("utf-8", "surrogateescape")).digest()
    return CHANGES[kind](image, np.random.default_rng(int.from_bytes(digest[:8], "big")))


def copier(folder: Path, seed: int) -> Callable[[Item], Item]:
    """Return what writes a changed copy of an item into `folder` and returns it as an item.

    The kinds of `CHANGES` take turns by the photo's name; a copy is of the item's box alone.

    Raises (when called):
        BadInput: the photo cannot be used, or the folder cannot be written.
    """

    def copy_of(item: Item) -> Item:
        name = f"{item.image} {item.box} {item.flip}"
        code = hashlib.sha256(f"{seed}/{name}".encode("utf-8", "surrogateescape")).hexdigest()
        kind = list(CHANGES)[int(code[:8], 16) % len(CHANGES)]
        path = folder.absolute() / f"{Path(item.image).stem}-{kind}-{code[:8]}.jpg"
        _save(changed(_picture(item), kind, seed, name), path)
        return replace(item, image=str(path), box=None, flip=False)

    return copy_of


def _picture(item: Item) -> Image.Image:
    try:
        photo: Photo = decode_photo(read_photo(Path(item.image)), size=LARGEST)
    except BadInput as error:
        raise BadInput(f"{item.image}: {error}") from error
    picture = thumbnail(photo, LARGEST, item.box)
    return ImageOps.mirror(picture) if item.flip else picture


def _save(picture: Image.Image, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, quality=QUALITY)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror or error}") from error
