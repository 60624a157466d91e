"""The rank head: a 1x1 convolution over an encoding, learned so that cosines mean similarity.

Used here as a matrix, by numpy or by torch; what trains it is in `refining`.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.errors import BadInput, Mismatch
from tvcli.core.heads import HeadFile, check_encoder, load_head
from tvcli.core.images.arrays import Array, float32, like, unit

Vectors = npt.NDArray[np.float32]


def load_rank(path: Path) -> "Ranker":
    """Read a rank head.

    Raises:
        BadInput: not there, damaged, or another kind of head.
        Mismatch: written by a newer version.
    """
    file = load_head(path, "rank")
    weight = file.state.get("weight")
    if weight is None or weight.ndim != 2 or not np.isfinite(weight).all():
        raise BadInput(f"{path}: its weight is missing or damaged; train it again")
    return Ranker(path, file, weight.astype(np.float32))


class Ranker:
    """A trained head with the settings it was trained under."""

    def __init__(self, path: Path, file: HeadFile, weight: Vectors) -> None:
        self.path, self.file, self.weight = path, file, weight  # (D, C)

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
        return self.maps(pooled)

    def maps(self, maps: Array) -> Array:
        """Map (N, C, ...) to (N, D, ...) float32, every position's vector of unit length.

        Raises:
            Mismatch: another number of channels than the head was trained on.
        """
        dimension, channels = self.weight.shape
        if maps.shape[1] != channels:
            raise Mismatch(f"{self.path}: maps {channels} channels, these have {maps.shape[1]}")
        vectors = unit(float32(maps)).reshape(len(maps), channels, -1)  # (N, C, H*W)
        mapped = unit(like(self.weight, maps) @ vectors)  # (N, D, H*W)
        found: Array = mapped.reshape(len(maps), dimension, *maps.shape[2:])
        return found
