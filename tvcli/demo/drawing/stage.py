"""The layer that figure and garment are painted on, before the scene is put behind them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tvcli.demo.drawing import raster
from tvcli.demo.drawing.colour import in_rgb, shade
from tvcli.demo.drawing.geometry import Array, smoothstep
from tvcli.demo.drawing.light import Light, light_on, light_on_folds
from tvcli.demo.drawing.part import Drape, Part, Surface
from tvcli.demo.drawing.pattern import Print, colour_cloth
from tvcli.demo.drawing.pose import Pose

Fade = tuple[float, float] | None
Seen = NDArray[np.bool_]


class Stage:
    """A transparent layer of width x height that knows which of its pixels show the garment.

    pixels is (height, width, 3), multiplied by alpha (height, width); worn (height, width) is the
    garment's visible share of each pixel.
    """

    def __init__(self, width: int, height: int, pose: Pose, light: Light) -> None:
        self.width, self.height = width, height
        self.pose, self.light = pose, light
        # On a mirrored figure the lamp's side is the other one of its own.
        self.lamp = replace(light, side=-light.side) if pose.mirror else light
        self.pixels = np.zeros((height, width, 3), np.float32)
        self.alpha = np.zeros((height, width), np.float32)
        self.worn = np.zeros((height, width), np.float32)

    def mask(self, outline: Array) -> raster.Mask:
        """The mask of a closed outline in figure units."""
        return raster.fill(self.pose.to_pixels(outline), self.width, self.height)

    def stroke(self, path: Array, pen: float) -> raster.Mask:
        """The mask of a line in figure units, drawn with a pen of that width."""
        pixels = self.pose.to_pixels(path)
        return raster.line(pixels, pen * self.pose.scale, self.width, self.height)

    def lay(self, mask: raster.Mask, colour: Array, *, garment: bool = False) -> None:
        """Cover what is there with a colour, (3,) or (h, w, 3) of the mask's window."""
        below, alpha, worn = (v[mask.window] for v in (self.pixels, self.alpha, self.worn))
        below += (colour - below) * in_rgb(mask.alpha)
        alpha += (1 - alpha) * mask.alpha
        worn += (float(garment) - worn) * mask.alpha

    def mark(self, mask: raster.Mask, colour: Array, strength: float = 1.0) -> None:
        """Colour the garment under the mask, and nothing else."""
        below, worn = self.pixels[mask.window], self.worn[mask.window]
        below += (colour - below) * in_rgb(mask.alpha * worn * strength)

    def dim(self, mask: raster.Mask, amount: float, reach: float) -> None:
        """Darken what is there by the soft shadow of a shape; reach is in figure units."""
        soft = raster.soften(mask, reach * self.pose.scale, self.width, self.height)
        self.pixels[soft.window] *= in_rgb(1 - amount * soft.alpha)

    def paint(self, part: Part, colour: Array, *, gloss: float = 0.0, fade: Fade = None) -> None:
        """Paint a rounded part of the figure in one colour; gloss adds a highlight.

        fade is the warp where the part is still out of sight and the one where it is all there:
        so parts of one colour run into each other without an edge.
        """
        mask, seen, surface = self._trace(part, fade)
        light = self._lit(surface, part.drape)
        if gloss:
            light += gloss * np.exp(-(((surface.across - 0.45 * self.lamp.side) / 0.22) ** 2))
        self.lay(mask, _spread(shade(colour, light), seen))

    def dress(self, part: Part, cloth: Print, *, fade: Fade = None) -> None:
        """Paint a part of the garment in its cloth, with a soft shadow on what lies below."""
        mask, seen, surface = self._trace(part, fade)
        self.dim(mask, 0.32, 0.007)
        light = self._lit(surface, part.drape)
        colour = colour_cloth(cloth, surface, 1 / self.pose.scale)
        self.lay(mask, _spread(shade(colour, light), seen), garment=True)

    def _lit(self, surface: Surface, drape: Drape) -> Array:
        return light_on(surface, self.lamp) + light_on_folds(surface, drape, self.lamp)

    def _trace(self, part: Part, fade: Fade) -> tuple[raster.Mask, Seen, Surface]:
        """The part's mask, which pixels of its window it covers, and the surface at those (N,)."""
        mask = self.mask(part.outline)
        seen = mask.alpha > 0
        rows, columns = (places.astype(np.float32) for places in np.nonzero(seen))
        surface = part.surface(
            *self.pose.to_figure(columns + (mask.left + 0.5), rows + (mask.top + 0.5))
        )
        if fade:
            share = np.zeros_like(mask.alpha)
            share[seen] = smoothstep(*fade, surface.warp)
            mask = mask.scaled(share)
        return mask, seen, surface


def _spread(colours: Array, seen: Seen) -> Array:
    """The colours (N, 3) of the pixels seen, at their places in the window (h, w, 3)."""
    window = np.zeros((*seen.shape, 3), np.float32)
    window[seen] = colours
    return window
