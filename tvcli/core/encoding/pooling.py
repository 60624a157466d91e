"""From dense maps to vectors."""

import torch.nn.functional as F
from torch import Tensor

GEM_POWER = 3.0
GRID = 7  # positions per side that `spatial` keeps


def pool_maps(maps: Tensor, how: str) -> Tensor:
    """Pool maps (N, C, H, W) float32 into vectors (N, D) float32; `none` leaves them.

    `mean` averages over positions. `gem` is the generalised mean with power 3 of the positive part
    (Radenovic et al. 2018, eq. 3). `spatial` averages onto a 7 x 7 grid and L2-normalises each
    position, so that the dot product of two vectors is the mean cosine over positions.
    """
    if how == "mean":
        return maps.mean(dim=(2, 3))
    if how == "gem":
        return maps.clamp(min=1e-6).pow(GEM_POWER).mean(dim=(2, 3)).pow(1 / GEM_POWER)
    if how == "spatial":
        grid = F.adaptive_avg_pool2d(maps, GRID)  # (N, C, 7, 7)
        return F.normalize(grid, dim=1).flatten(1) / GRID
    return maps
