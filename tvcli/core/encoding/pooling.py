"""From dense maps to vectors; the same lines for arrays of numpy and tensors of torch."""

import numpy as np
import numpy.typing as npt

from tvcli.core.images.arrays import Array, like, unit

GEM_POWER = 3.0
GRID = 7  # positions per side that `spatial` keeps


def pool_maps(maps: Array, how: str) -> Array:
    """Pool maps (N, C, H, W) float32 into vectors (N, D) float32; `none` leaves them.

    `mean` averages over positions. `gem` is the generalised mean with power 3 of the positive part
    (Radenovic et al. 2018, eq. 3). `spatial` averages onto a 7 x 7 grid and L2-normalises each
    position, so that the dot product of two vectors is the mean cosine over positions.
    """
    if how == "mean":
        vectors: Array = maps.mean(axis=(2, 3))
    elif how == "gem":
        positive = maps.clip(min=1e-6)
        vectors = (positive * positive * positive).mean(axis=(2, 3)) ** (1 / GEM_POWER)
    elif how == "spatial":
        vectors = unit(_grid(maps)).reshape(len(maps), -1) / GRID  # of (N, C, 7, 7)
    else:
        return maps
    return vectors


def _grid(maps: Array) -> Array:
    """Average maps onto the grid: each place over the positions that lie in it, even partly."""
    down, across = (like(_averages(side), maps) for side in maps.shape[2:])  # (7, H), (7, W)
    grid: Array = down @ maps @ across.swapaxes(0, 1)
    return grid


def _averages(side: int) -> npt.NDArray[np.float32]:
    """Return the matrix (7, side) whose rows average the positions of each place."""
    places = np.arange(GRID)
    first, last = places * side // GRID, -(-(places + 1) * side // GRID)
    inside = (np.arange(side) >= first[:, None]) & (np.arange(side) < last[:, None])
    matrix: npt.NDArray[np.float32] = inside.astype(np.float32) / inside.sum(1, keepdims=True)
    return matrix.astype(np.float32)
