"""Prints on cloth: functions of the cloth's own coordinates, so that they follow a garment."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from tvcli.demo.drawing.colour import CLOTH, luminance, mix, rgb
from tvcli.demo.drawing.geometry import Array, inside
from tvcli.demo.drawing.part import Surface

PATTERNS = ("plain", "stripes", "squares", "dots", "flowers")
LEAF = rgb("5c8a4f")


@dataclass(frozen=True)
class Print:
    """A pattern in two colours; period is in figure units, share in 0..1 is the accent's part.

    style tells the variants of a pattern apart: 0, 1 or 2.
    """

    pattern: str
    ground: Array
    accent: Array
    heart: Array
    period: float
    share: float
    angle: float
    style: int


def choose_print(rng: Generator, pattern: str, colour: str) -> Print:
    """A print of that pattern whose ground is the named colour, a little off it."""
    shifted = CLOTH[colour] * rng.uniform(0.93, 1.06) + rng.uniform(-0.02, 0.02, 3)
    ground = np.clip(shifted, 0, 1).astype(np.float32)
    rivals = [c for c in CLOTH.values() if abs(luminance(c) - luminance(ground)) > 0.28]
    accent = rivals[int(rng.integers(len(rivals)))]
    heart = CLOTH[str(rng.choice(["yellow", "white", "orange"]))]
    period = {"stripes": 0.034, "squares": 0.042, "dots": 0.036, "flowers": 0.058}.get(pattern, 1.0)
    angle = float(rng.choice([0.0, 0.0, np.pi / 2, np.pi / 2, 0.6]))
    return Print(
        pattern, ground, accent, heart, period * rng.uniform(0.72, 1.4),
        rng.uniform(0.3, 0.55), angle, int(rng.integers(3)),
    )  # fmt: skip


def colour_cloth(cloth: Print, surface: Surface, pixel: float) -> Array:
    """The unlit colour of the cloth at each pixel, (h, w, 3); pixel is a width in figure units."""
    s, t = surface.weft, surface.warp
    if cloth.pattern == "flowers":
        return _flowers(cloth, s, t, pixel)
    share = {"stripes": _stripes, "squares": _squares, "dots": _dots}.get(cloth.pattern, _plain)
    return mix(cloth.ground, cloth.accent, share(cloth, s, t, pixel))


def _plain(cloth: Print, s: Array, t: Array, pixel: float) -> Array:
    return np.zeros_like(s)


def _bands(position: Array, period: float, share: float, pixel: float) -> Array:
    phase = np.abs((position / period + 0.25) % 1 - 0.5) * period
    return inside(phase - share * period / 2, pixel)


def _stripes(cloth: Print, s: Array, t: Array, pixel: float) -> Array:
    along = s * math.cos(cloth.angle) + t * math.sin(cloth.angle)
    wide = _bands(along, cloth.period, (cloth.share, 0.5, 0.22)[cloth.style], pixel)
    if cloth.style < 2:
        return wide
    thin = _bands(along + cloth.period * 0.3, cloth.period, 0.08, pixel)
    return np.asarray(np.maximum(wide, thin))


def _squares(cloth: Print, s: Array, t: Array, pixel: float) -> Array:
    share = (0.5, 0.16, 0.5)[cloth.style]
    down, over = (_bands(p, cloth.period, share, pixel) for p in (s, t))
    if cloth.style == 0:  # gingham: the two weaves add up
        return (down + over) / 2
    if cloth.style == 1:  # windowpane: thin lines
        return np.asarray(np.maximum(down, over))
    return down * (1 - over) + over * (1 - down)  # chessboard


def _dots(cloth: Print, s: Array, t: Array, pixel: float) -> Array:
    row = np.floor(t / cloth.period)
    x = (s / cloth.period + 0.5 * (row % 2) + 0.5) % 1 - 0.5
    y = t / cloth.period - row - 0.5
    radius = (0.2, 0.27, 0.33)[cloth.style]
    return inside((np.hypot(x, y) - radius) * cloth.period, pixel)


def _flowers(cloth: Print, s: Array, t: Array, pixel: float) -> Array:
    x, y, size, turn = _scattered(s / cloth.period, t / cloth.period)
    radius, angle = np.hypot(x, y), np.arctan2(y, x) + turn * 2 * np.pi
    reach = 0.25 + 0.13 * size
    petals = reach * (0.68 + 0.32 * np.cos((5, 6, 4)[cloth.style] * angle))
    leaves = np.hypot(radius - reach * 1.05, np.sin(angle) * radius * 2.2)
    colour = mix(cloth.ground, LEAF, 0.85 * inside((leaves - 0.13) * cloth.period, pixel))
    colour = mix(colour, cloth.accent, inside((radius - petals) * cloth.period, pixel))
    return mix(colour, cloth.heart, inside((radius - reach * 0.3) * cloth.period, pixel))


def _scattered(s: Array, t: Array) -> tuple[Array, Array, Array, Array]:
    """Unit cells in shifted rows: x and y from each cell's moved middle, and two dice of it."""
    row = np.floor(t)
    shifted = s + 0.5 * (row % 2)
    column = np.floor(shifted)
    size, turn, right, down = _dice(column, row)
    x = shifted - column - 0.5 - 0.16 * (right - 0.5)
    return x, t - row - 0.5 - 0.2 * (down - 0.5), size, turn


def _dice(column: Array, row: Array) -> Array:
    """Four numbers in 0..1 for each cell of the print, the same wherever the cell is drawn."""
    columns, rows = (np.arange(v.min(initial=0), v.max(initial=0) + 1.0) for v in (column, row))
    cell = columns * 127.1 + rows[:, None] * 311.7
    dice = np.sin(cell + np.arange(4)[:, None, None] * 74.7) * 43758.5453 % 1
    places = (row - rows[0]).astype(np.intp), (column - columns[0]).astype(np.intp)
    return np.asarray(dice.astype(column.dtype)[:, *places])
