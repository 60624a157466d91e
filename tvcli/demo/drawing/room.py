"""The studio as a picture that things are put into."""

import numpy as np
from numpy.random import Generator

from tvcli.demo.drawing import raster
from tvcli.demo.drawing.backdrop import View
from tvcli.demo.drawing.colour import in_rgb
from tvcli.demo.drawing.geometry import Array, moved


class Room:
    """The picture of a room, where places are in units of a figure's height.

    x is 0 at the photo's middle, y is 0 at the floor's far edge and negative above it.
    """

    def __init__(self, pixels: Array, view: View) -> None:
        self.pixels, self.view = pixels, view

    def put(
        self, outline: Array, colour: Array, opacity: float = 1.0, x: float = 0.0, y: float = 0.0
    ) -> None:
        """Paint an outline, moved by x and y, in one colour, (3,)."""
        view = self.view
        corners = moved(moved(outline, x, y) * view.unit, view.width / 2, view.horizon)
        mask = raster.fill(corners, view.width, view.height)
        below = self.pixels[mask.window]
        below += (colour - below) * in_rgb(mask.alpha * opacity)

    def edge(self, side: int, inset: float) -> float:
        """The x that lies inset from the photo's left (-1) or right (1) edge."""
        return side * (self.view.width / 2 / self.view.unit - inset)

    def throw_window_light(self, rng: Generator) -> None:
        """Light the room through a window with bars, slantwise."""
        columns, rows = self.view.grid()
        x = (columns - rng.uniform(0.2, 0.8) * self.view.width) / self.view.unit
        y = (rows - rng.uniform(0.25, 0.5) * self.view.height) / self.view.unit
        y = y + x * float(rng.choice([-0.45, 0.45]))
        pane = _within(np.abs(x), 0.2) * _within(np.abs(y), 0.3)
        bars = _within(np.abs(x), 0.012) + _within(np.abs((y + 0.1) % 0.2 - 0.1), 0.008)
        light = 0.9 + rng.uniform(0.18, 0.3) * pane * (1 - 0.7 * np.clip(bars, 0, 1))
        self.pixels = np.clip(self.pixels * in_rgb(light), 0, 1)


def _within(distance: Array, limit: float) -> Array:
    """1 within the limit, 0 beyond it, with the soft edge of light from afar."""
    return np.asarray(1 / (1 + np.exp(np.clip((distance - limit) * 130, -30, 30))))
