"""Curves and soft edges.

All but pixels is in figure units: the figure is 1 high, x = 0 is its middle, y = 0 its crown.
Outlines are float64; what there is for each pixel is float32, which takes half the time.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


def points(*pairs: tuple[float, float]) -> Array:
    """The pairs as rows of an (N, 2) array."""
    return np.array(pairs, dtype=np.float64)


def curve(knots: Array, steps: int = 8) -> Array:
    """A smooth line through every knot (Catmull-Rom).

    knots is (N, 2) with N >= 2; the result is ((N - 1) * steps + 1, 2) and starts and ends on
    the first and the last knot.
    """
    padded = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    before, start, end, after = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    bend = 2 * before - 5 * start + 4 * end - after
    twist = 3 * start - before - 3 * end + after
    slope = end - before
    pieces = start[:, None] + t * (slope[:, None] + t * (bend[:, None] + t * twist[:, None])) / 2
    return np.vstack([pieces.reshape(-1, 2), knots[-1:]])


def mirrored(half: Array) -> Array:
    """The closed outline whose right half is given from its top to its bottom, as (2N, 2)."""
    return np.vstack([half, half[::-1] * (-1, 1)])


def moved(outline: Array, x: float, y: float) -> Array:
    """An outline (N, 2) moved by x and y."""
    return np.asarray(outline + np.array([x, y]))


def ellipse(x: float, y: float, across: float, down: float, steps: int = 32) -> Array:
    """An ellipse's outline about (x, y) with half axes across and down, as (steps, 2)."""
    angle = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    return np.stack([x + across * np.cos(angle), y + down * np.sin(angle)], axis=1)


def rectangle(x0: float, y0: float, x1: float, y1: float) -> Array:
    """A rectangle's outline, as (4, 2)."""
    return points((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def smoothstep(low: float, high: float, x: Array) -> Array:
    """0 below low, 1 above high, and a smooth S between, as x's shape."""
    t = np.clip((x - float(low)) / float(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def inside(distance: Array, pixel: float) -> Array:
    """The covered share of each pixel whose centre lies at a signed distance from an edge.

    distance is negative inside; pixel is a pixel's width in the same unit.
    """
    return np.asarray(np.clip(0.5 - distance / pixel, 0, 1))


def cross_section(rows: Sequence[tuple[float, float]], steps: int = 8) -> Array:
    """A profile of (y, half width) rows, smoothed through the rows given, as (M, 2)."""
    return curve(np.array(rows, dtype=np.float64), steps)
