"""The work of needle and thread on a garment that is on the stage."""

import numpy as np

from tvcli.demo.drawing.colour import luminance
from tvcli.demo.drawing.cut import Cut
from tvcli.demo.drawing.garment import Garment
from tvcli.demo.drawing.geometry import Array, ellipse, moved, points, rectangle
from tvcli.demo.drawing.neckline import OPENINGS, opening, shoulder_line
from tvcli.demo.drawing.part import Panel, Tube
from tvcli.demo.drawing.stage import Stage

THREAD = 0.0026
PALE_BUTTON, DARK_BUTTON = np.array([0.9, 0.87, 0.8]), np.array([0.24, 0.2, 0.18])


class Needle:
    """Sews details on one garment; all places and widths are in figure units."""

    def __init__(self, stage: Stage, garment: Garment, pieces: Cut) -> None:
        self.stage, self.garment, self.pieces = stage, garment, pieces
        self.ground = garment.cloth.ground
        dark = luminance(self.ground) < 0.25
        self.thread = self.ground * 0.6 + 0.22 if dark else self.ground * 0.62

    @property
    def low(self) -> float:
        """The height of the hem."""
        return float(self.pieces.body.profile[-1, 0])

    @property
    def throat(self) -> float:
        """The height of the neckline's lowest point."""
        wide, deep = OPENINGS[self.garment.neckline]
        return shoulder_line(wide) + deep

    def seam(self, path: Array, pen: float = THREAD, strength: float = 0.6) -> None:
        """A visible seam along a path (N, 2)."""
        self.stage.mark(self.stage.stroke(path, pen), self.thread, strength)

    def cuff(self, tube: Tube) -> None:
        """The seam at the end of a sleeve or a leg."""
        self.seam(tube.ring(0.94), strength=0.55)

    def neck_band(self, pen: float, strength: float) -> None:
        """A band along the neckline."""
        half = moved(opening(self.garment.neckline), 0, pen / 2)
        self.seam(np.vstack([half[::-1], half[1:] * (-1, 1)]), pen, strength)

    def straps(self) -> None:
        """The thin straps that hold a dress up."""
        for side in (-1, 1):
            path = points((0.052, shoulder_line(0.052)), (0.058, 0.19), (0.058, 0.225))
            strap = self.stage.stroke(path * (side, 1), 0.009)
            self.stage.lay(strap, self.ground * 0.92, garment=True)

    def belt(self, y: float, half: float) -> None:
        """A belt at height y, half its width above it and half below."""
        seam = self.pieces.body.profile
        wide = float(np.interp(y, seam[:, 0], seam[:, 1])) + 0.002
        across = np.linspace(-wide, wide, 15)
        top = np.stack([across, y - half + 0.006 * (1 - (across / wide) ** 2)], axis=1)
        belt = self.stage.mask(np.vstack([top, moved(top[::-1], 0, 2 * half)]))
        self.stage.dim(belt, 0.35, 0.005)
        self.stage.lay(belt, self.ground * 0.55 + 0.03, garment=True)
        edge = self.stage.stroke(moved(top, 0, 0.2 * half), 0.4 * half)
        self.stage.mark(edge, self.ground, 0.25)

    def buttons(self, x: float, top: float, low: float, gap: float, size: float = 0.0052) -> None:
        """A column of buttons at x, the gap apart, from top to low."""
        colour = PALE_BUTTON if luminance(self.ground) < 0.45 else DARK_BUTTON
        for y in np.arange(top, low, gap):
            shadow = self.stage.mask(ellipse(x + 0.0012, y + 0.002, size, size))
            self.stage.mark(shadow, colour * 0.35, 0.5)
            self.stage.mark(self.stage.mask(ellipse(x, y, size, size)), colour)

    def pocket(self, x: float, y: float, wide: float, high: float) -> None:
        """A pocket sewn on, its upper left corner at x, y."""
        edge = points((0, 0), (1, 0), (1, 0.8), (0.5, 1), (0, 0.8), (0, 0))
        self.seam(moved(edge * (wide, high), x, y), 0.0024, 0.5)

    def flap(self, side: int) -> None:
        """The flap of a coat's pocket, at the left (-1) or the right (1)."""
        outline = rectangle(side * 0.042, 0.462, side * 0.088, 0.482)
        self.stage.mark(self.stage.mask(moved(outline, 0, 0.004)), self.ground * 0.3, 0.3)
        self.seam(np.vstack([outline, outline[:1]]), 0.0022)

    def collar(self, corner: Array) -> None:
        """Both wings of a collar or lapel that turns outwards at the corner points."""
        wide, _ = OPENINGS[self.garment.neckline]
        start = points((wide - 0.006, shoulder_line(wide) - 0.007))
        end = points((0.001, self.throat + 0.006))
        wing = np.vstack([start, corner, end, opening(self.garment.neckline)[1:-1]])
        for side in (-1, 1):
            outline = wing * (side, 1)
            self.stage.dress(Panel(outline, self.pieces.body.profile), self.garment.cloth)
            self.seam(outline[: len(corner) + 2], 0.0022)

    def stand_collar(self) -> None:
        """A collar that stands around the neck."""
        half = points((0, 0.129), (0.03, 0.122), (0.042, 0.152), (0.02, 0.163), (0, 0.166))
        outline = np.vstack([half, half[-2:0:-1] * (-1, 1)])
        self.stage.dress(Panel(outline, points((0.1, 0.045), (0.2, 0.045))), self.garment.cloth)
        self.seam(outline[2:7], 0.002, 0.5)
