"""Fewer channels before anything is learned: the principal components of position vectors."""

import torch
from torch import Tensor, nn

CHANNELS = 128
SPREAD = 0.3  # of the first component: what becomes 1, so that most values are of that order


class Reduction(nn.Module):
    """A fixed linear map of position vectors: (N, C, H, W) float32 -> (N, D, H, W) float32."""

    def __init__(self, mean: Tensor, axes: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("axes", axes)

    def forward(self, maps: Tensor) -> Tensor:
        """Project every position: one 1x1 convolution."""
        mean, axes = self.get_buffer("mean"), self.get_buffer("axes")
        kernel = axes[:, :, None, None]  # (D, C, 1, 1)
        return nn.functional.conv2d(maps, kernel, -(axes @ mean))


def fit_reduction(positions: Tensor, channels: int = CHANNELS) -> Reduction:
    """Return the map onto the first principal components of position vectors (M, C) float32.

    All components are scaled alike, so distances are kept up to a factor (Jolliffe, 2002).
    """
    mean = positions.mean(0)
    centred = positions - mean
    covariance = (centred.T @ centred) / max(1, len(positions) - 1)  # (C, C)
    variances, vectors = torch.linalg.eigh(covariance)  # rising
    axes = vectors.flip(1)[:, : min(channels, len(mean))].T  # (D, C)
    scale = SPREAD * variances[-1].clamp(min=1e-12).sqrt()
    return Reduction(mean, (axes / scale).contiguous())


def reduction_of(state: dict[str, Tensor]) -> Reduction:
    """Return the reduction kept in a head's state."""
    return Reduction(state["reduction.mean"], state["reduction.axes"])
