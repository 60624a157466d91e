"""The colours of cloth, skin, hair and walls, as red, green, blue in 0..1."""

import numpy as np
from numpy.random import Generator

from tvcli.demo.drawing.geometry import Array


def rgb(code: str) -> Array:
    """The colour of a hexadecimal code such as "c0392b", as (3,)."""
    return np.array([int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)], np.float32)


CLOTH = {
    "white": rgb("f3f1ea"),
    "cream": rgb("e9dcbf"),
    "grey": rgb("989a9e"),
    "black": rgb("2b2b30"),
    "navy": rgb("24365e"),
    "blue": rgb("3668b3"),
    "sky": rgb("96c1e3"),
    "teal": rgb("1f7f80"),
    "green": rgb("3c8a52"),
    "olive": rgb("6c6a36"),
    "yellow": rgb("ecc740"),
    "orange": rgb("e0803a"),
    "red": rgb("c4303a"),
    "burgundy": rgb("742436"),
    "pink": rgb("e79bb0"),
    "purple": rgb("74509a"),
    "brown": rgb("7b5539"),
    "camel": rgb("bd9161"),
}

SKIN = [rgb(code) for code in ("f6d9c4", "eec2a2", "d9a27c", "b97f57", "8d5a3b", "5f3a26")]
HAIR = [
    rgb(code) for code in ("221b19", "3d2a20", "6a4428", "9b6a3a", "cfa765", "8d3b23", "8f8f93")
]
WALL = [
    rgb(code)
    for code in ("e9e6e1", "d9dde2", "cdd8d2", "e6d8cb", "d8c7c9", "b9c4cf", "a9a49e", "8f9a96",
                 "c9b79f", "ead9b5", "7d8794", "b98f7c")
]  # fmt: skip
NEUTRAL = [rgb(code) for code in ("f0efec", "35363b", "8b8d91", "d8cdbd", "4b4a52")]
WOOD = [rgb(code) for code in ("a97c50", "c49a6c", "7d5a3c", "d1b189", "8a7a6a")]
SHOE = [rgb(code) for code in ("26242a", "6b4a35", "e8e4dd", "9c2f38")]


def pick(rng: Generator, palette: list[Array]) -> Array:
    """One colour of a palette, as (3,)."""
    return palette[int(rng.integers(len(palette)))]


def mix(low: Array, high: Array, share: Array) -> Array:
    """Between two colours, (3,) or (h, w, 3), by share (h, w), as (h, w, 3)."""
    channels = ((low[..., c], high[..., c]) for c in range(3))
    return np.stack([a + (b - a) * share for a, b in channels], axis=-1)


def shade(colour: Array, light: Array) -> Array:
    """A colour, (3,) or (h, w, 3), under a light (h, w): below 1 it darkens, above it pales."""
    dim, glow = np.minimum(light, 1), np.clip(light - 1, 0, 1)
    # Shadows keep a little more of their blue, as they do under a bright ceiling.
    dark = (colour[..., c] * dim**power for c, power in enumerate((1.06, 1.02, 0.94)))
    return np.stack([channel + (1 - channel) * glow for channel in dark], axis=-1)


def in_rgb(plane: Array) -> Array:
    """A plane (h, w) three times, as (h, w, 3): numpy broadcasts slowly along so short an axis."""
    return np.stack([plane] * 3, axis=-1)


def luminance(colour: Array) -> float:
    """How bright a colour (3,) looks, 0..1."""
    return float(colour @ np.array([0.3, 0.59, 0.11]))
