"""What is sewn on garments of each kind: collars, plackets, buttons, belts, pockets, bands."""

import numpy as np

from tvcli.demo.drawing.geometry import points
from tvcli.demo.drawing.measures import WAIST
from tvcli.demo.drawing.neckline import BARE, OPENINGS, shoulder_line
from tvcli.demo.drawing.sewing import Needle


def trim(needle: Needle) -> None:
    """Sew the garment's details on, once its body is on the stage and before its long sleeves."""
    {
        "dress": _trim_dress,
        "skirt": _trim_skirt,
        "shirt": _trim_shirt,
        "t-shirt": _trim_t_shirt,
        "coat": _trim_coat,
        "trousers": _trim_trousers,
    }[needle.garment.kind](needle)


def _trim_dress(needle: Needle) -> None:
    garment = needle.garment
    if garment.neckline not in BARE:
        needle.neck_band(0.005, 0.5)
    waist = 0.295 if garment.silhouette == "empire" else WAIST
    if garment.silhouette in ("full", "empire", "a-line") and garment.fall > 1.0:
        needle.belt(waist, 0.011)
    elif garment.silhouette != "shift":
        needle.seam(points((-0.2, waist), (0, waist + 0.005), (0.2, waist)), strength=0.45)


def _trim_skirt(needle: Needle) -> None:
    needle.seam(points((-0.1, WAIST + 0.02), (0, WAIST + 0.024), (0.1, WAIST + 0.02)))
    if needle.garment.fall > 1.05:
        needle.buttons(0.0, WAIST + 0.035, needle.low - 0.02, 0.04)
        needle.seam(points((0.012, WAIST), (0.012, 0.99)), strength=0.4)


def _trim_shirt(needle: Needle) -> None:
    for x in (-0.009, 0.009):
        needle.seam(points((x, needle.throat), (x, 0.9)), strength=0.45)
    needle.buttons(0.0, needle.throat + 0.022, needle.low - 0.01, 0.041)
    needle.pocket(0.03, 0.268, 0.038, 0.045)
    if needle.garment.neckline == "band":
        needle.neck_band(0.011, 0.35)
        return
    wide, _ = OPENINGS[needle.garment.neckline]
    top = shoulder_line(wide)
    needle.collar(points((wide + 0.024, top + 0.016), (wide + 0.006, top + 0.05)))


def _trim_t_shirt(needle: Needle) -> None:
    needle.neck_band(0.0095, 0.38)
    low = needle.low
    needle.seam(points((-0.2, low - 0.006), (0, low), (0.2, low - 0.006)), strength=0.35)


def _trim_coat(needle: Needle) -> None:
    needle.seam(points((0.0, needle.throat), (0.004, needle.low + 0.05)), 0.004, 0.8)
    for side in (-1, 1):
        needle.flap(side)
    wide_lapels = needle.garment.neckline == "wide lapels"
    if needle.garment.silhouette == "belted":
        needle.belt(WAIST, 0.013)
    else:
        for x in (-0.03, 0.03) if wide_lapels else (0.012,):
            needle.buttons(x, needle.throat + 0.025, min(needle.low - 0.1, 0.5), 0.062, 0.0075)
    if needle.garment.neckline == "stand":
        needle.stand_collar()
    else:
        _sew_lapels(needle, spread=0.034 if wide_lapels else 0.022)


def _sew_lapels(needle: Needle, spread: float) -> None:
    wide, _ = OPENINGS[needle.garment.neckline]
    notch = points((spread, 0.03), (0.7 * spread, 0.042), (1.1 * spread, 0.052))
    needle.collar(notch + np.array([wide, shoulder_line(wide)]))


def _trim_trousers(needle: Needle) -> None:
    needle.seam(points((-0.1, WAIST + 0.022), (0, WAIST + 0.028), (0.1, WAIST + 0.022)))
    needle.seam(points((0, WAIST), (0, 0.525)), strength=0.7)
    needle.seam(points((0.014, WAIST + 0.02), (0.013, 0.46), (0, 0.485)), strength=0.4)
    for side in (-1, 1):
        needle.seam(points((side * 0.06, 0.4), (side * 0.072, 0.42), (side * 0.1, 0.45)))
    for leg in needle.pieces.legs:
        needle.seam(leg.spine[6:], 0.002, 0.25)
    needle.buttons(0.0, WAIST + 0.015, WAIST + 0.016, 0.1)
