"""A similarity as a sum over positions: what each of a map adds to it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tvcli.core.encoding.pooling import GEM_POWER, GRID, pool_maps
from tvcli.core.errors import UsageError
from tvcli.core.ranking.similarity import comparable

Array = npt.NDArray[np.float32]
Kind = Literal["mean", "gem", "spatial", "map"]

SMALLEST = 1e-6  # what the generalised mean takes an activation for, at least


@dataclass(frozen=True, slots=True)
class Space:
    """How an index makes vectors of maps: pooled by `pool`, then mapped by a matrix (D, P).

    `map` is the comparable map itself, flattened; `head` (D, C) is then what its positions go
    through first. `unit` is whether vectors are brought to unit length before they are compared.
    """

    pool: Kind
    matrix: Array | None = None
    head: Array | None = None
    unit: bool = True


def explain_pair(a: Array, b: Array, space: Space) -> tuple[float, Array, Array]:
    """Return the similarity of two maps (C, H, W), and what each position of either adds to it.

    The contributions (h, w) of each map sum to the similarity (up to rounding, 1e-4).

    A vector is a sum over positions: for `mean` of the positions' vectors over their number; for
    `spatial` and `map` the positions lie side by side. So the dot product with the other's unit
    vector is that sum too, also after a matrix. `gem` is not a sum; it is taken by its gradient at
    the map itself, which gives each position its share x^3 / sum(x^3) of every channel. That is
    exact as well, since the generalised mean is homogeneous of degree 1 (Euler's theorem), but
    what a position would have added to another map it does not tell.

    Raises:
        UsageError: a map that has been pooled already.
    """
    if a.ndim != 3 or b.ndim != 3:
        raise UsageError("--explain: this index's layer gives vectors, which have no positions")
    first, second = _Side(a, space), _Side(b, space)
    similarity = float(first.vector @ second.vector)
    return similarity, first.contributions(second.vector), second.contributions(first.vector)


class _Side:
    """One of the two maps: pooled, and as a vector of the index."""

    def __init__(self, encoding: Array, space: Space) -> None:
        self._map = _through(encoding, space.head) if space.pool == "map" else encoding
        self._space = space
        if space.pool == "map":
            self.pooled = comparable(self._map[None])[0]  # (C*H*W,)
        else:
            self.pooled = pool_maps(encoding[None], space.pool)[0]  # (C,) or (C*49,)
        mapped = self.pooled if space.matrix is None else space.matrix @ self.pooled  # (D,)
        self._length = max(float(np.linalg.norm(mapped)), 1e-12) if space.unit else 1.0
        self.vector: Array = mapped / self._length

    def contributions(self, other: Array) -> Array:
        """Return what each position (h, w) adds to the similarity with a vector (D,)."""
        matrix = self._space.matrix
        direction = (other if matrix is None else other @ matrix) / self._length  # (P,)
        channels, height, width = self._map.shape
        if self._space.pool == "mean":
            found = np.einsum("chw,c->hw", self._map, direction) / (height * width)
        elif self._space.pool == "gem":
            powers = self._map.clip(min=SMALLEST) ** GEM_POWER  # (C, H, W)
            share = direction * self.pooled / powers.sum(axis=(1, 2))
            found = np.einsum("chw,c->hw", powers, share)
        else:
            grid = (GRID, GRID) if self._space.pool == "spatial" else (height, width)
            found = (self.pooled * direction).reshape(channels, *grid).sum(axis=0)
        result: Array = found.astype(np.float32)
        return result


def _through(encoding: Array, head: Array | None) -> Array:
    """Return a map (C, H, W) after a head (D, C), each position's vector of unit length first."""
    if head is None:
        return encoding
    lengths = np.linalg.norm(encoding, axis=0, keepdims=True).clip(min=1e-12)
    result: Array = np.einsum("dc,chw->dhw", head, encoding / lengths)
    return result


def class_activations(encoding: Array, weights: Array) -> Array:
    """Return the class activation maps (K, h, w) of a map (C, h, w) by weights (K, C).

    M_k(x, y) = sum_c w_kc f_c(x, y), of a classifier that is linear on the mean over positions:
    their mean is the class's score without its bias (Zhou et al. 2016, equation 2).
    """
    result: Array = np.einsum("kc,chw->khw", weights, encoding).astype(np.float32)
    return result
