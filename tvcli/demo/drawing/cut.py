"""The pieces that a garment is cut into, as they hang on a figure."""

from dataclasses import dataclass

import numpy as np

from tvcli.demo.drawing.garment import Garment
from tvcli.demo.drawing.geometry import Array, cross_section, points
from tvcli.demo.drawing.light import fold_wave
from tvcli.demo.drawing.measures import (
    BODICES,
    CROTCH,
    HEMS,
    LEG_SHAPES,
    SLEEVE_SHAPES,
    WAIST,
    side_seam,
)
from tvcli.demo.drawing.neckline import upper_edge
from tvcli.demo.drawing.part import Drape, Panel, Tube, limb
from tvcli.demo.drawing.pose import UPPER_ARM, Stance


@dataclass(frozen=True)
class Cut:
    """A garment's pieces as they hang in one photo: legs below the body, sleeves above it."""

    body: Panel
    sleeves: tuple[Tube, ...] = ()
    legs: tuple[Tube, ...] = ()

    @property
    def outlines(self) -> list[Array]:
        """Every piece's outline, (N, 2) each."""
        return [self.body.outline, *(tube.outline for tube in (*self.sleeves, *self.legs))]

    @property
    def long_sleeves(self) -> tuple[Tube, ...]:
        """The sleeves that hang down in front of the body's sides."""
        return tuple(tube for tube in self.sleeves if tube.length > UPPER_ARM)


def cut(garment: Garment, stance: Stance, phase: float) -> Cut:
    """The garment's pieces on a figure in that stance; phase moves its folds."""
    if garment.kind == "trousers":
        return _trousers(garment, stance, phase)
    body = _body(garment, phase)
    if garment.sleeves in ("none", "sleeveless"):
        return Cut(body)
    return Cut(body, sleeves=tuple(_sleeve(garment, arm, phase) for arm in stance.arms))


def _body(garment: Garment, phase: float) -> Panel:
    seam = side_seam(garment)
    _, _, _, growth, depth, folds = BODICES[garment.silhouette]
    start = {"empire": 0.29, "fitted": 0.3, "straight": 0.25, "boxy": 0.22}.get(
        garment.silhouette, WAIST
    )
    if garment.silhouette == "mermaid":
        start, depth = float(seam[-1, 0]) - 0.2, 0.14
    drape = Drape(folds * garment.fall, depth, start, 0.22, phase)
    half = seam[:, ::-1]
    if garment.kind != "skirt":
        edge = upper_edge(garment.neckline, garment.sleeves != "sleeveless", half[0, 0])
        half = np.vstack([edge, half[1:]])
    else:
        half = np.vstack([points((0, WAIST + 0.004)), half])
    waved = max(0.0, growth) * 0.022 if growth else 0.0
    if garment.silhouette == "mermaid":
        waved = 0.007
    outline = np.vstack([half, _hem(half[-1], drape, waved), half[::-1] * (-1, 1)])
    return Panel(outline, seam, drape)


def _hem(corner: Array, drape: Drape, waved: float) -> Array:
    """The hem from its right corner to its left: nearer the eye in the middle, waved by folds."""
    across = np.linspace(1, -1, 61)[1:-1]
    sag = 0.1 * (corner[0] - 0.03) * (1 - across**2)
    wave = waved * fold_wave(across, drape) * (1 - across**4)
    return np.stack([across * corner[0], corner[1] + sag + wave], axis=1)


def _sleeve(garment: Garment, arm: Array, phase: float) -> Tube:
    share, radii = SLEEVE_SHAPES[garment.sleeves]
    loose = {"coat": 1.2, "shirt": 1.05}.get(garment.kind, 1.0) * garment.ease
    if garment.silhouette == "boxy":
        loose *= 1.15
    gathered = Drape(2.2, 0.14, 0.17, 0.05, phase) if garment.sleeves == "puff" else None
    drape = gathered or Drape(1.2, 0.05, 0.2, 0.2, phase, crease=0.08)
    # However loose a sleeve is, it is set into the same shoulder.
    loosened = (radii[0], *(r * loose for r in radii[1:]))
    return limb(arm, loosened, drape, share=share)


def _trousers(garment: Garment, stance: Stance, phase: float) -> Cut:
    width = LEG_SHAPES[garment.silhouette]
    share = HEMS["trousers"][garment.length]
    rows = [(WAIST + 0.003, 0.073), (0.42, 0.086), (0.475, 0.0985), (CROTCH, 0.1)]
    seam = cross_section(rows) * (1, garment.ease)
    half = np.vstack([points((0, WAIST + 0.006)), seam[:, ::-1], points((0.03, 0.545), (0, 0.525))])
    drape = Drape(1.6, 0.03, 0.45, 0.1, phase)
    body = Panel(np.vstack([half, half[::-1] * (-1, 1)]), seam, drape)
    radii = tuple(
        float(np.interp(s, np.linspace(0, 1, 5), width)) for s in np.linspace(0, share, 5)
    )
    fall = Drape(1.4, 0.07 if garment.silhouette == "wide" else 0.04, 0.5, 0.2, phase, 0.07)
    legs = tuple(
        limb(leg, tuple(r * garment.ease for r in radii), fall, share=share) for leg in stance.legs
    )
    return Cut(body, legs=legs)
