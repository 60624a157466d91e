"""The encoder: a backbone with its settings, the one way by which pictures become rows."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tvcli.core.encoding.pooling import pool_maps
from tvcli.core.errors import UsageError
from tvcli.core.images import Fit, Photo, Pixels, view
from tvcli.core.networks.backbones import (
    Backbone,
    Device,
    Precision,
    load_backbone,
    reload_backbone,
)
from tvcli.core.records import Region

CPU_BATCH, GPU_BATCH = 16, 128  # on a CPU more leaves the cache: 32 is a fifth slower
SMALLEST = 32  # pixels: below this the deeper maps have no position left


@dataclass(frozen=True, slots=True)
class EncodeSettings:
    """How photos are brought to a backbone and its maps to rows; recorded with every encoding."""

    size: int
    fit: Fit = "squash"
    pool: str = "none"
    precision: Precision = "fp32"


class Encoder:
    """Turns regions of photos into rows; a query's encoder is made from its gallery's record."""

    def __init__(
        self, backbone: Backbone, settings: EncodeSettings, batch: int | None = None
    ) -> None:
        if settings.size < SMALLEST:
            raise UsageError(f"--size {settings.size}: at least {SMALLEST} pixels")
        self.backbone, self.settings = backbone, settings
        self.batch = batch or (CPU_BATCH if backbone.device.type == "cpu" else GPU_BATCH)

    @property
    def spec(self) -> dict[str, Any]:
        """What must be the same for two rows to compare, as JSON can hold it."""
        backbone = {**self.backbone.spec.as_settings()}
        return {"backbone": backbone, **asdict(self.settings)}

    @property
    def weights_file(self) -> str | None:
        """Where the weights came from, if from a local file."""
        file = self.backbone.weights_file
        return str(file) if file else None

    def look(self, photo: Photo, region: Region) -> Pixels:
        """Return what the backbone sees of a region: (size, size, 3) uint8."""
        return view(photo, region.crop, self.settings.size, self.settings.fit, flip=region.flip)

    def encode(self, pixels: list[Pixels]) -> npt.NDArray[np.float32]:
        """Encode pictures of (size, size, 3) uint8 into (N, C, H, W) or (N, D) float32.

        Raises:
            UsageError: pooling is asked of a layer that gives vectors.
        """
        rows = []
        for start in range(0, len(pixels), self.batch):
            block = torch.from_numpy(np.stack(pixels[start : start + self.batch]))
            maps = self.backbone(block)  # (N, C, H, W), or (N, D)
            if maps.ndim == 2 and self.settings.pool != "none":
                raise UsageError("--pool: this layer gives vectors; there is nothing to pool")
            rows.append(pool_maps(maps, self.settings.pool).cpu().numpy())
        return np.concatenate(rows)


def make_encoder(
    name: str,
    *,
    weights: Path | None = None,
    layer: str | None = None,
    size: int | None = None,
    fit: Fit = "squash",
    pool: str = "none",
    batch: int | None = None,
    device: Device = "auto",
    precision: Precision = "fp32",
) -> Encoder:
    """Return an encoder by the name of its backbone; raises as `load_backbone` does.

    `size` defaults to the backbone's own; `pool` may be `auto`, the backbone's best.
    """
    backbone = load_backbone(name, layer=layer, weights=weights).to(device, precision)
    if pool == "auto":
        pool = "none" if layer else backbone.spec.pool
    settings = EncodeSettings(size or backbone.spec.size, fit, pool, precision)
    return Encoder(backbone, settings, batch)


def encoder_of(
    spec: dict[str, Any],
    weights_file: str | None,
    *,
    weights: Path | None = None,
    device: Device = "auto",
) -> Encoder:
    """Return the encoder that an artifact records; raises as `reload_backbone` does."""
    backbone = reload_backbone(spec["backbone"], weights, weights_file)
    settings = EncodeSettings(**{key: value for key, value in spec.items() if key != "backbone"})
    return Encoder(backbone.to(device, settings.precision), settings)
