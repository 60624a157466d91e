"""Re-ranking by neighbours: hits whose own closest hits are the query's come first."""

from dataclasses import dataclass

import numpy as np

from tvcli.core.engines import Mask, Rows, Vectors
from tvcli.core.errors import UsageError

AGREED = 2 / 3  # of a neighbour's own neighbours are shared: then all of them count


@dataclass(frozen=True, slots=True)
class KReciprocal:
    """How the first `shortlist` hits are put in order: neighbourhoods of `k1`, smoothed over `k2`.

    `share` is that of the plain distance beside the Jaccard distance (lambda in the paper).

    Raises:
        UsageError: a number below 1, or a share that is none.
    """

    shortlist: int
    k1: int = 20
    k2: int = 6
    share: float = 0.3

    def __post_init__(self) -> None:
        if min(self.shortlist, self.k1, self.k2) < 1 or not 0 <= self.share <= 1:
            raise UsageError("k-reciprocal: numbers from 1 on, and lambda from 0 to 1")


def k_reciprocal_order(query: Vectors, vectors: Vectors, how: KReciprocal) -> Rows:
    """Return the order (n,) of hits (n, D) of a query (D,), all float32 of unit length.

    Zhong et al. 2017, "Re-ranking Person Re-identification with k-reciprocal Encoding", with the
    query and its hits as the gallery: d* = (1 - lambda) d_J + lambda d (equation 12), where d_J is
    the Jaccard distance of their neighbourhoods (equation 10) and d the squared Euclidean distance,
    as a share of the largest of its row. As in the authors' code, one is its own first neighbour,
    and the weights of a neighbourhood sum up to 1. Of equal ones the first stays first.
    """
    every = np.concatenate([query[None], vectors]).astype(np.float64)  # (m, D), m = n + 1
    distances = (2 - 2 * (every @ every.T)).clip(min=0)
    distances /= distances.max(axis=1, keepdims=True).clip(min=np.finfo(np.float64).tiny)
    np.fill_diagonal(distances, -1)  # a copy of it is not before itself
    closest = np.argsort(distances, axis=1, kind="stable")  # (m, m)
    np.fill_diagonal(distances, 0)
    near = _extended(_reciprocal(closest, how.k1), _reciprocal(closest, max(how.k1 // 2, 1)))
    weights = np.where(near, np.exp(-distances), 0)
    weights /= weights.sum(axis=1, keepdims=True)
    smoothed = weights[closest[:, : how.k2]].mean(axis=1)  # (m, m), equation 11
    least = np.minimum(smoothed[0], smoothed[1:]).sum(axis=1)
    jaccard = 1 - least / np.maximum(smoothed[0], smoothed[1:]).sum(axis=1)
    final = (1 - how.share) * jaccard + how.share * distances[0, 1:]
    return np.argsort(final, kind="stable")


def _reciprocal(closest: Rows, k: int) -> Mask:
    """Return which (m, m) are among the k closest of each other, beside themselves (equation 4)."""
    among = np.zeros(closest.shape, bool)
    np.put_along_axis(among, closest[:, : k + 1], True, axis=1)
    both: Mask = among & among.T
    return both


def _extended(near: Mask, nearer: Mask) -> Mask:
    """Return neighbourhoods with those of the neighbours that mostly agree (equation 5)."""
    own = nearer.astype(np.float32)
    agreed = near & (near.astype(np.float32) @ own.T >= AGREED * own.sum(axis=1))
    found: Mask = near | (agreed.astype(np.float32) @ own > 0)
    return found
