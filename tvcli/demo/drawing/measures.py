"""The pattern book: the measures of garments of each kind and silhouette, in figure units."""

import numpy as np

from tvcli.demo.drawing.garment import Garment
from tvcli.demo.drawing.geometry import Array, cross_section
from tvcli.demo.drawing.neckline import ARMPIT

WAIST, CROTCH = 0.375, 0.53

HEMS = {
    "dress": {"mini": 0.6, "knee": 0.71, "midi": 0.82, "maxi": 0.93},
    "skirt": {"mini": 0.57, "knee": 0.69, "midi": 0.81, "maxi": 0.93},
    "shirt": {"waist": 0.47, "hip": 0.52, "tunic": 0.59},
    "t-shirt": {"cropped": 0.395, "waist": 0.45, "hip": 0.52},
    "coat": {"hip": 0.56, "knee": 0.7, "calf": 0.84},
    "trousers": {"shorts": 0.32, "cropped": 0.8, "full": 1.0},
}
# Half widths under the arm, at the waist and at the hip; the hem's growth for each unit of length
# below the waist; how deep the folds are, and how many.
BODICES = {
    "sheath": (0.09, 0.071, 0.098, -0.03, 0.03, 2.0),
    "shift": (0.095, 0.09, 0.103, 0.06, 0.05, 2.2),
    "a-line": (0.091, 0.073, 0.108, 0.3, 0.11, 3.2),
    "full": (0.09, 0.07, 0.155, 0.52, 0.16, 4.6),
    "empire": (0.091, 0.094, 0.112, 0.2, 0.12, 3.6),
    "mermaid": (0.09, 0.07, 0.098, 0.0, 0.06, 3.0),
    "pencil": (0.09, 0.07, 0.1, -0.03, 0.03, 2.0),
    "pleated": (0.09, 0.07, 0.108, 0.22, 0.17, 7.5),
    "fitted": (0.091, 0.077, 0.099, 0.0, 0.05, 2.2),
    "straight": (0.097, 0.093, 0.105, 0.02, 0.075, 2.4),
    "boxy": (0.113, 0.114, 0.117, 0.02, 0.1, 2.6),
    "belted": (0.1, 0.08, 0.112, 0.2, 0.09, 3.0),
    "cocoon": (0.108, 0.117, 0.126, -0.1, 0.05, 2.2),
}
SLEEVE_SHAPES = {
    "cap": (0.15, (0.029, 0.032)),
    "short": (0.34, (0.029, 0.032, 0.033)),
    "three-quarter": (0.74, (0.029, 0.028, 0.027)),
    "long": (1.0, (0.029, 0.027, 0.024, 0.019)),
    "puff": (0.33, (0.028, 0.047, 0.048, 0.028)),
    "bell": (1.0, (0.029, 0.026, 0.028, 0.048)),
}
LEG_SHAPES = {
    "skinny": (0.054, 0.045, 0.033, 0.027, 0.022),
    "straight": (0.055, 0.05, 0.045, 0.042, 0.041),
    "wide": (0.056, 0.059, 0.063, 0.067, 0.072),
    "flared": (0.055, 0.046, 0.037, 0.05, 0.069),
}


def side_seam(garment: Garment) -> Array:
    """The garment's profile, (M, 2) rows of (y, half width), from its top to its hem."""
    bust, waist, hip, growth, _, _ = BODICES[garment.silhouette]
    low = HEMS[garment.kind][garment.length]
    if garment.kind == "coat":
        bust, waist, hip = bust + 0.008, waist + 0.008, hip + 0.008
    at_hem = max(0.06, hip + growth * (low - 0.47))
    rows = [(ARMPIT, bust), (0.3, bust * 0.97), (WAIST, waist), (0.43, (waist + 2 * hip) / 3)]
    if garment.silhouette == "empire":
        rows = [(ARMPIT, bust), (0.295, 0.085), (WAIST, waist), (0.43, 0.106)]
    rows += [(0.48, hip), ((0.48 + low) / 2, (hip + at_hem) / 2), (low, at_hem)]
    if garment.silhouette == "mermaid":
        rows[-2:] = [(low - 0.2, 0.091), (low - 0.11, 0.089), (low, 0.15)]
    rows = [row for row in rows[:-1] if row[0] < low - 0.02] + [(low, _width(rows, low))]
    if garment.kind == "skirt":
        rows = [row for row in rows if row[0] >= WAIST]
    return cross_section(rows) * (1, garment.ease)


def _width(rows: list[tuple[float, float]], y: float) -> float:
    ys, widths = zip(*sorted(rows), strict=True)
    return float(np.interp(y, ys, widths))
