"""Heads: a smooth one for mannequins, and hair and a face for persons."""

import numpy as np

from tvcli.demo.drawing.colour import rgb
from tvcli.demo.drawing.figure import STILL, Figure
from tvcli.demo.drawing.geometry import (
    cross_section,
    curve,
    ellipse,
    mirrored,
    moved,
    points,
)
from tvcli.demo.drawing.part import Panel
from tvcli.demo.drawing.stage import Stage

SKULL = cross_section(
    [(0.006, 0.006), (0.014, 0.024), (0.035, 0.038), (0.062, 0.041), (0.088, 0.036), (0.11, 0.024),
     (0.124, 0.009)]
)  # fmt: skip
BACK_OF_HAIR = {
    "short": [(-0.004, 0.01), (0.004, 0.032), (0.035, 0.047), (0.065, 0.045), (0.085, 0.037)],
    "bob": [(-0.005, 0.01), (0.004, 0.036), (0.04, 0.052), (0.09, 0.054), (0.132, 0.05)],
    "long": [(-0.005, 0.01), (0.004, 0.036), (0.04, 0.051), (0.1, 0.052), (0.17, 0.056),
             (0.235, 0.046)],
    "bun": [(-0.002, 0.01), (0.006, 0.032), (0.035, 0.045), (0.06, 0.044), (0.085, 0.036)],
}  # fmt: skip
LIPS = rgb("b5564f")


def paint_back_of_hair(stage: Stage, figure: Figure) -> None:
    """Paint the hair that falls behind head and shoulders."""
    if figure.kind != "person":
        return
    if figure.style == "curly":
        for angle in np.linspace(0.25 * np.pi, 2.75 * np.pi, 19):
            x, y = 0.043 * np.sin(angle), 0.055 - 0.047 * np.cos(angle)
            stage.paint(_ball(x, min(y, 0.105), 0.021), figure.hair)
        return
    if figure.style == "bun":
        stage.paint(_ball(0.0, -0.014, 0.023), figure.hair, gloss=0.08)
    profile = cross_section(BACK_OF_HAIR[figure.style])
    half = np.vstack(
        [points((0, profile[0, 0])), profile[:, ::-1], points((0, profile[-1, 0] + 0.006))]
    )
    stage.paint(Panel(mirrored(half), profile, STILL), figure.hair)


def paint_head(stage: Stage, figure: Figure) -> None:
    """Paint the head, which a form on a stand has not."""
    if figure.kind == "form":
        return
    half = np.vstack([points((0, 0.004)), SKULL[:, ::-1], points((0, 0.127))])
    skull = mirrored(half)
    stage.dim(stage.mask(moved(skull, 0, 0.014)), 0.22, 0.008)
    stage.paint(Panel(skull, SKULL, STILL), figure.skin, gloss=0.05)
    if figure.kind == "person":
        _paint_face(stage, figure)
        _paint_fringe(stage, figure)


def _ball(x: float, y: float, radius: float) -> Panel:
    heights = np.linspace(-0.999, 0.999, 9)
    profile = np.stack([y + heights * radius, np.sqrt(1 - heights**2) * radius + abs(x)], axis=1)
    return Panel(ellipse(x, y, radius, radius), profile, STILL)


def _paint_face(stage: Stage, figure: Figure) -> None:
    for side in (-1, 1):
        _paint_eye(stage, figure, side * 0.0165, side)
        cheek = stage.mask(ellipse(side * 0.022, 0.087, 0.009, 0.006))
        stage.lay(cheek.scaled(0.16), LIPS)
    nose = curve(points((0.002, 0.07), (0.0055, 0.084), (-0.002, 0.087)), 5)
    stage.lay(stage.stroke(nose, 0.002).scaled(0.45), figure.skin * 0.62)
    upper = points((-0.0105, 0.1005), (-0.004, 0.0985), (0, 0.0995), (0.004, 0.0985))
    lower = points((0.0105, 0.1005), (0, 0.1065), (-0.0105, 0.1005))
    mouth = stage.mask(curve(np.vstack([upper, lower]), 4))
    stage.lay(mouth, 0.55 * LIPS + 0.45 * figure.skin * 0.8)


def _paint_eye(stage: Stage, figure: Figure, x: float, side: int) -> None:
    dark = figure.skin * 0.25
    stage.lay(stage.mask(ellipse(x, 0.069, 0.0055, 0.003)).scaled(0.55), np.full(3, 0.93))
    stage.lay(stage.mask(ellipse(x, 0.069, 0.003, 0.0031)), dark)
    lid = curve(points((x - 0.007, 0.0695), (x, 0.0655), (x + 0.007, 0.0695)), 4)
    stage.lay(stage.stroke(lid, 0.0022).scaled(0.85), dark)
    rise = 0.001 * side
    brow = points((x - 0.009, 0.0585 + rise), (x, 0.0562), (x + 0.009, 0.0585 - rise))
    stage.lay(stage.stroke(brow, 0.0026).scaled(0.8), figure.hair * 0.8)


def _paint_fringe(stage: Stage, figure: Figure) -> None:
    """The hair over the forehead, parted at one side."""
    side = points((0.022, 0.001), (0.046, 0.03), (0.047, 0.075))
    crown = curve(np.vstack([side[::-1] * (-1, 1), points((0, -0.005)), side]), 6)
    right = points((0.04, 0.06), (0.034, 0.038), (0.016, 0.026))
    left = points((-0.012, 0.034), (-0.033, 0.045), (-0.041, 0.066))
    outline = np.vstack([crown, curve(np.vstack([right, left]), 6)])
    profile = points((-0.01, 0.05), (0.1, 0.05))
    stage.paint(Panel(outline, profile, STILL), figure.hair, gloss=0.1)
