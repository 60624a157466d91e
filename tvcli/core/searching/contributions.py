"""A similarity as a sum over positions: what each of a map adds to it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tvcli.core.encoding.pooling import MAP, pool_maps, pooling_of
from tvcli.core.errors import UsageError
from tvcli.core.images.arrays import unit
from tvcli.core.ranking.similarity import comparable

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Space:
    """How an index makes vectors of maps: pooled by `pool`, then mapped by a matrix (D, P).

    `pool` is the name of a pooling, or `MAP`; `head` (D, C) is then what the positions of the map
    go through first. `unit` is whether vectors are brought to unit length before they are compared.
    """

    pool: str
    matrix: Array | None = None
    head: Array | None = None
    unit: bool = True


def explain_pair(a: Array, b: Array, space: Space) -> tuple[float, Array, Array]:
    """Return the similarity of two maps (C, H, W), and what each position of either adds to it.

    The contributions (h, w) of each map sum to the similarity (up to rounding, 1e-4).

    A vector is a sum over positions, as its pooling knows (`pooling`): of maps the positions lie
    side by side. So the dot product with the other's unit vector is that sum too, also after a
    matrix.

    Raises:
        UsageError: a map that has been pooled already.
        Mismatch: no such pooling.
    """
    if a.ndim != 3 or b.ndim != 3:
        raise UsageError("--explain: this index's layer gives vectors, which have no positions")
    first, second = _Side(a, space), _Side(b, space)
    similarity = float(first.vector @ second.vector)
    return similarity, first.contributions(second.vector), second.contributions(first.vector)


def explain_refined(
    a: Array, b: Array, space: Space, refined: Array, share: float
) -> tuple[Array, Array]:
    """Return what each position of two maps (C, H, W) adds to the similarity with a refined query.

    `refined` (D,) is the query's unit vector after it was drawn to and from examples, in which the
    unit vector of `a` has a `share`. The contributions (h, w) of `b` sum to its similarity with
    that; those of `a` to what is left of it without the examples.
    """
    first, second = _Side(a, space), _Side(b, space)
    return share * first.contributions(second.vector), second.contributions(refined)


class _Side:
    """One of the two maps: pooled, and as a vector of the index."""

    def __init__(self, encoding: Array, space: Space) -> None:
        self._map = _through(encoding, space.head) if space.pool == MAP else encoding
        self._space = space
        if space.pool == MAP:
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
        if self._space.pool == MAP:
            found = (self.pooled * direction).reshape(self._map.shape).sum(axis=0)
        else:
            found = pooling_of(self._space.pool).contributions(self._map, self.pooled, direction)
        result: Array = found.astype(np.float32)
        return result


def _through(encoding: Array, head: Array | None) -> Array:
    """Return a map (C, H, W) after a head (D, C), each position's vector of unit length first."""
    if head is None:
        return encoding
    result: Array = np.einsum("dc,chw->dhw", head, unit(encoding[None])[0])
    return result


def class_activations(encoding: Array, weights: Array) -> Array:
    """Return the class activation maps (K, h, w) of a map (C, h, w) by weights (K, C).

    M_k(x, y) = sum_c w_kc f_c(x, y), of a classifier that is linear on the mean over positions:
    their mean is the class's score without its bias (Zhou et al. 2016, equation 2).
    """
    result: Array = np.einsum("kc,chw->khw", weights, encoding).astype(np.float32)
    return result
