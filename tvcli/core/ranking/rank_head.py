"""The rank head as it is trained: a linear map of vectors, with where it began."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class RankHead(nn.Module):
    """A linear map of every position's vector, the same at each: (N, C, H, W) -> (N, D, H, W).

    A pooled vector (N, C) is a map of one position. Vectors are of unit length before and after.
    """

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)  # (D, C)
        self.start: Tensor
        self.register_buffer("start", weight.clone(), persistent=False)

    def forward(self, encodings: Tensor) -> Tensor:
        """Map encodings (N, C, ...) float32 to (N, D, ...) float32 of unit length along D."""
        mapped = torch.einsum("dc,nc...->nd...", self.weight, F.normalize(encodings, dim=1))
        return F.normalize(mapped, dim=1)

    def drift(self) -> Tensor:
        """Return how far the weights are from where they began: squared distance per channel."""
        return (self.weight - self.start).square().sum() / self.weight.shape[1]
