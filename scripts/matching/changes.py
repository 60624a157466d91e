"""Changed copies that people make: those of `tv copies`, and the hard ones beside them."""

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from scripts.matching.rephotographed import Surroundings, rephotographed
from tvcli.core.images.copies.change import Rng as CopyRng
from tvcli.core.images.copies.changes import CHANGES, PLAIN_KINDS

Rng = np.random.Generator
SMALL, LARGE = 0.3, 0.6  # of the width of another photo that a picture is pasted into
Made = Callable[[Image.Image, Sequence[Image.Image], Surroundings, Rng], Image.Image]


def _changed(picture: Image.Image, kind: str, rng: Rng) -> Image.Image:
    change = CHANGES[kind]
    return change.copy(picture, change.draw(CopyRng(rng.bit_generator))).image


def _plain(kind: str) -> Made:
    return lambda picture, others, around, rng: _changed(picture, kind, rng)


def _hue(picture: Image.Image, _: Sequence[Image.Image], __: Surroundings, rng: Rng) -> Image.Image:
    hue, saturation, value = picture.convert("HSV").split()
    by = int(rng.integers(20, 236))
    turned = hue.point([(level + by) % 256 for level in range(256)])
    return Image.merge("HSV", (turned, saturation, value)).convert("RGB")


def _lines(
    picture: Image.Image, _: Sequence[Image.Image], __: Surroundings, rng: Rng
) -> Image.Image:
    result = picture.copy()
    draw = ImageDraw.Draw(result)
    for _line in range(3):
        font = ImageFont.load_default(size=max(10, int(picture.height * rng.uniform(0.06, 0.14))))
        text = "".join(rng.choice(list("ABCDEFGHIKLMNOPRSTUVWXYZ  "), int(rng.integers(8, 22))))
        place = rng.uniform(-0.1, 0.5) * picture.width, rng.uniform(0, 0.9) * picture.height
        draw.text(place, text, tuple(int(v) for v in rng.integers(0, 256, 3)), font)
    return result


def _pasted(
    picture: Image.Image, others: Sequence[Image.Image], _: Surroundings, rng: Rng
) -> Image.Image:
    """Return another photo with the picture on it, a third to two thirds as wide."""
    ground = others[int(rng.integers(len(others)))].copy()
    scale = 800 / max(ground.size)
    ground = ground.resize((round(ground.width * scale), round(ground.height * scale)))
    size = rng.uniform(SMALL, LARGE) * min(
        ground.width / picture.width, ground.height / picture.height
    )
    small = picture.resize(
        (max(8, round(picture.width * size)), max(8, round(picture.height * size)))
    )
    x, y = (
        int(rng.integers(0, max(a - b, 1))) for a, b in zip(ground.size, small.size, strict=True)
    )
    ground.paste(small, (x, y))
    return ground


def _beside(
    picture: Image.Image, others: Sequence[Image.Image], _: Surroundings, rng: Rng
) -> Image.Image:
    """Return the picture side by side with another, in one height."""
    other = others[int(rng.integers(len(others)))]
    height = 480
    two = [p.resize((round(p.width * height / p.height), height)) for p in (picture, other)]
    if rng.random() < 0.5:
        two.reverse()
    result = Image.new("RGB", (two[0].width + two[1].width + 8, height), "white")
    result.paste(two[0], (0, 0))
    result.paste(two[1], (two[0].width + 8, 0))
    return result


def _several(
    picture: Image.Image, _: Sequence[Image.Image], __: Surroundings, rng: Rng
) -> Image.Image:
    for kind in rng.choice(PLAIN_KINDS, 3, replace=False):
        picture = _changed(picture, kind, rng)
    return picture


def _photographed(
    picture: Image.Image, others: Sequence[Image.Image], around: Surroundings, rng: Rng
) -> Image.Image:
    several = int(rng.integers(0, 3))
    below = [others[int(n)] for n in rng.integers(0, len(others), several)]
    return rephotographed([picture, *below], around, rng)


def recoloured(picture: Image.Image, rng: Rng) -> Image.Image:
    """Return what is no copy: the same with one thing in it in another colour, as bright as it was.

    As a shirt of another colour on the same ground is: the thing is a rounded part, 15 to 50 % of
    the picture, of one hue.
    """
    sides = np.sqrt(rng.uniform(0.15, 0.5) * np.exp([1, -1] * rng.normal(0, 0.15, 1)))
    sides = np.minimum(sides, 0.95) * picture.size
    left = rng.uniform(0, 1, 2) * (picture.size - sides)
    mask = Image.new("L", picture.size)
    box = (*left.tolist(), *(left + sides).tolist())
    ImageDraw.Draw(mask).rounded_rectangle(box, 0.25 * float(sides.min()), 255)
    luma = np.asarray(picture.convert("L"), np.float32)[..., None]
    angle = rng.uniform(0, 2 * np.pi)
    blue, red = rng.uniform(50, 90) * np.array([np.cos(angle), np.sin(angle)])
    tint = np.array([1.402 * red, -0.344 * blue - 0.714 * red, 1.772 * blue], np.float32)
    other = Image.fromarray(np.clip(luma + tint, 0, 255).astype(np.uint8))
    return Image.composite(other, picture, mask)


MADE: dict[str, Made] = {
    **{kind: _plain(kind) for kind in PLAIN_KINDS},
    "hue": _hue,
    "lines": _lines,
    "pasted": _pasted,
    "beside": _beside,
    "several": _several,
    "photographed": _photographed,
}
