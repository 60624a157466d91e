"""What stands behind the figure: paper sweeps, walls with floors, curtains, panels, bricks."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from tvcli.demo.drawing.colour import WALL, WOOD, in_rgb, mix, pick, rgb
from tvcli.demo.drawing.geometry import Array, inside, smoothstep


@dataclass(frozen=True)
class View:
    """What the camera sees: width x height pixels, the floor's far edge at row horizon.

    unit is the pixels of a figure's height, which gives the room its scale.
    """

    width: int
    height: int
    horizon: float
    unit: float

    def grid(self) -> tuple[Array, Array]:
        """The pixels' centres as (columns (1, w), rows (h, 1))."""
        columns = np.arange(self.width, dtype=np.float32)[None, :] + 0.5
        return columns, np.arange(self.height, dtype=np.float32)[:, None] + 0.5


def paint_backdrop(rng: Generator, view: View) -> Array:
    """One of the backdrops, as (h, w, 3)."""
    paint = BACKDROPS[int(rng.integers(len(BACKDROPS)))]
    wall = paint(rng, view)
    return np.clip(wall * in_rgb(_glow(rng, view)), 0, 1)


def _glow(rng: Generator, view: View) -> Array:
    """The pool of light on the wall behind the figure."""
    columns, rows = view.grid()
    x = columns / view.width - rng.uniform(0.25, 0.75)
    y = rows / view.height - rng.uniform(0.2, 0.5)
    return 0.84 + rng.uniform(0.14, 0.26) * np.exp(-(x**2 + 0.8 * y**2) / 0.2)


def _sweep(rng: Generator, view: View) -> Array:
    colour = pick(rng, WALL) * rng.uniform(0.9, 1.05)
    _, rows = view.grid()
    bend = np.exp(-(((rows - view.horizon) / (0.07 * view.unit)) ** 2))
    floor = smoothstep(view.horizon - 0.05 * view.unit, view.horizon + 0.1 * view.unit, rows)
    light = 1 - 0.07 * bend + 0.06 * floor
    return np.asarray(colour * light[..., None])


def _painted_wall(rng: Generator, view: View) -> Array:
    wall = np.tile(pick(rng, WALL), (view.height, view.width, 1))
    return _with_floor(rng, view, wall)


def _curtain(rng: Generator, view: View) -> Array:
    columns, rows = view.grid()
    x = (columns - view.width / 2) / view.unit + 0.004 * np.sin(rows / view.unit * 9)
    folds = rng.uniform(38, 60)
    phase = folds * x + 1.4 * np.sin(7.3 * x + rng.uniform(0, 6)) + 0.8 * np.sin(17 * x)
    light = 0.9 + 0.13 * np.sin(phase) + 0.05 * np.sin(2 * phase + 1)
    return _with_floor(rng, view, light[..., None] * pick(rng, WALL))


def _panels(rng: Generator, view: View) -> Array:
    columns, rows = view.grid()
    pitch, high = rng.uniform(0.3, 0.42) * view.unit, rng.uniform(0.5, 0.75) * view.unit
    x = np.abs((columns - rng.uniform(0, pitch)) % pitch - pitch / 2) - 0.4 * pitch
    y = np.abs((view.horizon - 0.07 * view.unit - rows) % high - high / 2) - (
        high / 2 - 0.1 * pitch
    )
    edge = np.maximum(x, y)
    groove = np.exp(-((edge / (0.006 * view.unit)) ** 2))
    ridge = np.exp(-(((edge + 0.012 * view.unit) / (0.006 * view.unit)) ** 2))
    light = 1 - 0.16 * groove + 0.08 * ridge
    return _with_floor(rng, view, light[..., None] * pick(rng, WALL))


def _bricks(rng: Generator, view: View) -> Array:
    columns, rows = view.grid()
    high, wide = 0.032 * view.unit, 0.1 * view.unit
    course = np.floor((rows - view.horizon) / high)
    shifted = columns / wide + 0.5 * (course % 2)
    y = np.abs((rows - view.horizon) / high % 1 - 0.5) * high
    x = np.abs(shifted % 1 - 0.5) * wide
    mortar = 1 - inside(np.maximum(x - wide / 2, y - high / 2) + 0.0025 * view.unit, 1.5)
    tone = np.sin(np.floor(shifted) * 12.9 + course * 78.2) * 43758.5 % 1
    brick = pick(rng, [rgb("e8e4de"), rgb("c9b0a0"), rgb("a9745f"), rgb("bfc3c4")])
    wall = brick * (0.94 + 0.1 * tone)[..., None]
    return _with_floor(rng, view, mix(wall, brick * 0.8, mortar))


def _with_floor(rng: Generator, view: View, wall: Array) -> Array:
    """The wall above a skirting board and a wooden or plain floor."""
    columns, rows = view.grid()
    board = inside(np.abs(rows - view.horizon + 0.02 * view.unit) - 0.02 * view.unit, 1.0)
    wall = mix(wall, np.clip(wall.mean(axis=(0, 1)) * 1.12, 0, 1), board)
    low = min(max(0, int(view.horizon) - 1), view.height)  # above it there is wall alone
    rows = rows[low:]
    depth = np.maximum(rows - view.horizon, 1) / view.unit
    across = (columns - view.width / 2) / view.unit / (depth + 0.35)
    plank = np.floor(across * 9)
    tone = 0.93 + 0.1 * (np.sin(plank * 51.7) * 437.5 % 1)
    if rng.random() < 0.35:
        tone = np.ones_like(across)
    crack = np.exp(-((((across * 9) % 1) / 0.05) ** 2)) * (tone < 1)
    wood = pick(rng, WOOD + WALL[:4])
    floor = wood * ((tone - 0.2 * crack) * (0.86 + 0.3 * depth))[..., None]
    wall[low:] = mix(wall[low:], floor, inside(view.horizon - rows, 1.5))
    return wall


BACKDROPS = (_sweep, _sweep, _painted_wall, _painted_wall, _curtain, _panels, _bricks)
