"""From dense maps to vectors; the same lines for arrays of numpy and tensors of torch."""

from typing import Any, TypeVar

import numpy as np

GEM_POWER = 3.0
GRID = 7  # positions per side that `spatial` keeps
TINY = 1e-12  # what a length is at least, to be divided by

Maps = TypeVar("Maps", bound=Any)  # (N, C, H, W) float32, an array or a tensor on any device


def pool_maps(maps: Maps, how: str) -> Maps:
    """Pool maps (N, C, H, W) float32 into vectors (N, D) float32; `none` leaves them.

    `mean` averages over positions. `gem` is the generalised mean with power 3 of the positive part
    (Radenovic et al. 2018, eq. 3). `spatial` averages onto a 7 x 7 grid and L2-normalises each
    position, so that the dot product of two vectors is the mean cosine over positions.
    """
    if how == "mean":
        vectors: Maps = maps.mean(axis=(2, 3))
    elif how == "gem":
        positive = maps.clip(min=1e-6)
        vectors = (positive * positive * positive).mean(axis=(2, 3)) ** (1 / GEM_POWER)
    elif how == "spatial":
        grid = _grid(maps)  # (N, C, 7, 7)
        lengths = ((grid * grid).sum(axis=1, keepdims=True) ** 0.5).clip(min=TINY)
        vectors = (grid / lengths).reshape(len(grid), -1) / GRID
    else:
        return maps
    return vectors


def _grid(maps: Maps) -> Maps:
    """Average maps onto the grid: each place over the positions that lie in it, even partly."""
    down, across = (_averages(side, maps) for side in maps.shape[2:])  # (7, H), (7, W)
    grid: Maps = down @ maps @ across.swapaxes(0, 1)
    return grid


def _averages(side: int, like: Any) -> Any:
    """Return the matrix (7, side) of the averages, of the kind that `like` is."""
    places = np.arange(GRID)
    first, last = places * side // GRID, -(-(places + 1) * side // GRID)
    inside = (np.arange(side) >= first[:, None]) & (np.arange(side) < last[:, None])
    matrix = (inside / inside.sum(axis=1, keepdims=True)).astype(np.float32)
    return matrix if isinstance(like, np.ndarray) else like.new_tensor(matrix)
