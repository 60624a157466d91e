"""The rank head: a 1x1 convolution over an encoding, learned so that cosines mean similarity."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tvcli.core.errors import BadInput, Mismatch, UsageError
from tvcli.core.heads import HeadFile, check_encoder, load_head

Vectors = npt.NDArray[np.float32]


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


def identity_head(channels: int) -> RankHead:
    """Return a head that changes nothing yet: (C, C)."""
    return RankHead(torch.eye(channels))


def pca_head(vectors: Tensor, dim: int) -> RankHead:
    """Return a head (D, C) that keeps the directions in which (N, C) vectors are largest.

    The right singular vectors, uncentred, so that cosines stay what they were as far as D allows.

    Raises:
        UsageError: more dimensions are asked for than vectors or channels there are.
    """
    largest = min(vectors.shape)
    if dim > largest:
        raise UsageError(f"--dim {dim}: at most {largest} for these encodings")
    axes = torch.linalg.svd(F.normalize(vectors, dim=1), full_matrices=False)[2][:dim]
    places = axes.abs().argmax(dim=1, keepdim=True)
    return RankHead(axes * axes.gather(1, places).sign())  # a sign of SVD's own choice would vary


def load_rank(path: Path) -> "Ranker":
    """Read a rank head.

    Raises:
        BadInput: not there, damaged, or another kind of head.
        Mismatch: written by a newer version.
    """
    file = load_head(path, "rank")
    weight = file.state.get("weight")
    if weight is None or weight.ndim != 2 or not torch.isfinite(weight).all():
        raise BadInput(f"{path}: its weight is missing or damaged; train it again")
    return Ranker(path, file, RankHead(weight.float()).eval().requires_grad_(False))


class Ranker:
    """A trained head with the settings it was trained under."""

    def __init__(self, path: Path, file: HeadFile, head: RankHead) -> None:
        self.path, self.file, self.head = path, file, head

    @property
    def pool(self) -> str:
        """How maps become the vectors that the head was trained on."""
        return str(self.file.settings["pool"])

    def check(self, encoder: dict[str, Any]) -> None:
        """See that the head fits encodings; raises Mismatch, as `check_encoder` does."""
        check_encoder(self.file, encoder, self.path)
        if encoder["pool"] not in ("none", self.pool):
            raise Mismatch(
                f"{self.path}: trained on maps pooled by {self.pool}, these are pooled by "
                f"{encoder['pool']}: encode again without --pool, or with --pool {self.pool}"
            )

    def vectors(self, pooled: npt.NDArray[Any]) -> Vectors:
        """Map pooled vectors (N, C) to (N, D) float32 of unit length.

        Raises:
            Mismatch: another number of channels than the head was trained on.
        """
        channels = self.head.weight.shape[1]
        if pooled.shape[1] != channels:
            raise Mismatch(f"{self.path}: maps {channels} channels, these have {pooled.shape[1]}")
        result: Vectors = self.head(torch.from_numpy(pooled.astype(np.float32))).numpy()
        return result

    def maps(self, maps: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, D, H, W) float32, every position's vector of unit length."""
        mapped: Tensor = self.head(maps.float())
        return mapped
