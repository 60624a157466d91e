"""A prototype of the object from few boxes, in closed form: boxes to propose before any training.

Positions of the maps of whole photos are told apart by whether they lie in a box, by linear
discriminant analysis; the box proposed is the rectangle whose log-odds have the largest sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box
from tvcli.core.images.arrays import unit

Floats = npt.NDArray[np.float32]

SHRINKAGE = 0.5  # of the covariance, towards equal variances: chosen by scripts/bench/prototype.py


@dataclass(frozen=True, slots=True)
class Prototype:
    """A direction (C,) and an offset: their affine function of a position's vector is log-odds."""

    direction: Floats
    offset: float

    def propose(self, map_: Floats) -> tuple[Box, float]:
        """Return the box in a map (C, h, w), 0 to 1 from edge to edge, and its mean probability.

        It is the rectangle of positions whose log-odds have the largest sum (what Lampert et al.,
        "Beyond sliding windows", 2008, search for), found by Kadane's method for each pair of rows.
        """
        odds = np.einsum("c,chw->hw", self.direction, unit_positions(map_)) + self.offset
        down, across = odds.shape
        x0, y0, x1, y1 = heaviest_rectangle(odds)
        score = float((1 / (1 + np.exp(-odds[y0:y1, x0:x1].clip(-50, 50)))).mean())
        return (x0 / across, y0 / down, x1 / across, y1 / down), score


def fit_prototype(maps: Sequence[Floats], boxes: Sequence[Sequence[Box]]) -> Prototype | None:
    """Return the prototype of photos by their maps (C, h, w) and boxes, 0 to 1 from edge to edge.

    Linear discriminant analysis between positions inside and outside of boxes, of equal weight,
    with a covariance shrunk towards a multiple of the identity (Friedman, "Regularized discriminant
    analysis", 1989). None where all positions are on one side.
    """
    rows, sides = [], []
    for map_, own in zip(maps, boxes, strict=True):
        rows.append(unit_positions(map_).reshape(len(map_), -1).T)  # (h * w, C)
        sides.append(inside_boxes(own, map_.shape[1], map_.shape[2]).ravel())
    if not rows:
        return None
    vectors, shown = np.concatenate(rows).astype(np.float64), np.concatenate(sides)
    if shown.all() or not shown.any():
        return None
    objects, others = vectors[shown], vectors[~shown]
    first, second = objects.mean(0), others.mean(0)
    centred = np.concatenate([objects - first, others - second])  # (N, C)
    covariance = centred.T @ centred / len(centred)
    spread = np.trace(covariance) / len(covariance)
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * spread * np.eye(len(covariance))
    direction = np.linalg.solve(shrunk + 1e-9 * np.eye(len(shrunk)), first - second)
    offset = -float(direction @ (first + second)) / 2
    return Prototype(direction.astype(np.float32), offset)


def unit_positions(map_: Floats) -> Floats:
    """Return a map (C, h, w) with every position's vector of unit length."""
    positions: Floats = unit(map_.reshape(len(map_), -1).T.astype(np.float32)).T
    return positions.reshape(map_.shape)


def inside_boxes(boxes: Sequence[Box], down: int, across: int) -> npt.NDArray[np.bool_]:
    """Tell which positions (h, w) of a map have their middle in one of the boxes."""
    y, x = ((np.arange(count) + 0.5) / count for count in (down, across))
    inside = np.zeros((down, across), bool)
    for x0, y0, x1, y1 in boxes:
        inside |= ((y >= y0) & (y < y1))[:, None] & ((x >= x0) & (x < x1))[None]
    return inside


def heaviest_rectangle(values: npt.NDArray[np.floating]) -> tuple[int, int, int, int]:
    """Return the rectangle of a grid (h, w) whose values have the largest sum: x0, y0, x1, y1."""
    down = len(values)
    sums = np.concatenate([np.zeros((1, values.shape[1])), values.cumsum(0)])  # (h + 1, w)
    tops, bottoms = np.triu_indices(down + 1, 1)
    strips = sums[bottoms] - sums[tops]  # (R, w): the sums of columns between two rows
    running = np.concatenate([np.zeros((len(strips), 1)), strips.cumsum(1)], 1)  # (R, w + 1)
    least = np.minimum.accumulate(running, axis=1)
    gains = running[:, 1:] - least[:, :-1]  # the best that ends at each column
    strip, last = np.unravel_index(int(gains.argmax()), gains.shape)
    first = int(running[strip, : last + 1].argmin())
    return first, int(tops[strip]), int(last) + 1, int(bottoms[strip])
