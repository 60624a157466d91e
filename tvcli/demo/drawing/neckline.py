"""The upper edges of garments: from the middle of the neckline out to the side under the arm."""

import numpy as np

from tvcli.demo.drawing.geometry import Array, curve, points

ARMPIT = 0.245

# Half width at the shoulder line, and depth below it.
OPENINGS = {
    "round": (0.042, 0.03),
    "boat": (0.067, 0.008),
    "scoop": (0.052, 0.066),
    "v": (0.042, 0.088),
    "square": (0.054, 0.058),
    "collar": (0.032, 0.03),
    "open collar": (0.034, 0.07),
    "band": (0.029, 0.018),
    "lapels": (0.036, 0.115),
    "wide lapels": (0.042, 0.16),
    "stand": (0.03, 0.006),
}
BARE = ("strapless", "straps")


def shoulder_line(x: float) -> float:
    """How far down the shoulder lies at x, just above the figure's own."""
    return 0.142 + (x - 0.024) * 0.4


def upper_edge(neckline: str, sleeved: bool, side: float) -> Array:
    """The right half of a garment's upper edge, middle to side, as (N, 2).

    side is the garment's half width under the arm.
    """
    if neckline in BARE:
        knots = points((0, 0.236), (0.03, 0.222), (0.06, 0.217), (0.08, 0.229), (side, ARMPIT))
        return curve(knots, 5)
    return np.vstack([opening(neckline), _armhole(sleeved, side)])


def opening(neckline: str) -> Array:
    """The right half of a neckline, from its middle up to the shoulder, as (N, 2)."""
    wide, deep = OPENINGS[neckline]
    top = shoulder_line(wide)
    if neckline in ("v", "collar", "open collar", "lapels", "wide lapels"):
        return curve(points((0, top + deep), (0.56 * wide, top + 0.4 * deep), (wide, top)), 5)
    if neckline == "square":
        return points((0, top + deep), (0.9 * wide, top + deep - 0.002), (wide, top))
    angle = np.linspace(0, np.pi / 2, 12)
    return np.stack([wide * np.sin(angle), top + deep * np.cos(angle)], axis=1)


def _armhole(sleeved: bool, side: float) -> Array:
    if sleeved:
        tip = 0.092 + max(0.0, side - 0.095)
        seam, low = (tip - 0.005, 0.205), (side - 0.004, ARMPIT - 0.008)
        knots = points((tip, shoulder_line(tip)), seam, low, (side, ARMPIT))
        return curve(knots, 5)
    knots = points(
        (0.08, shoulder_line(0.08)), (0.0755, 0.2), (0.079, 0.228), (side, ARMPIT + 0.006)
    )
    return curve(knots, 5)
