"""Photos to encodings."""

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tvcli.api.choices import checks_choices
from tvcli.api.photos import PathLike, PhotoLike, as_path, is_photo_in_memory, region_of
from tvcli.api.records import Readable
from tvcli.api.reporting import made_by, report_of
from tvcli.api.sources import SourceLike, named
from tvcli.core.backbones.specs import Device, Precision, Runtime
from tvcli.core.encoding.checkpoints import encode_file, row_shape
from tvcli.core.encoding.encode import chunked, encode_chunks
from tvcli.core.encoding.encoder import Encoder as CoreEncoder
from tvcli.core.encoding.encoder import make_encoder
from tvcli.core.errors import BadInput
from tvcli.core.images.photo import Fit
from tvcli.core.reports import Report

EncoderPool = Literal["none", "mean", "gem", "spatial", "auto"]

TOGETHER = 64  # photos opened at a time


class Encoder:
    """A frozen backbone with its settings: turns photos into dense maps, or into vectors.

    Args:
        backbone: `mini` (inside the package), the name of a torchvision model, or `timm:NAME`.
        weights: a local file of weights; None: the published ones.
        layer: the layer whose output is used; None: the last convolutional map.
        size: the side of the square that the backbone sees, in pixels; None: what it prefers.
        fit: how a photo becomes square: `squash`, `pad` or `crop`.
        pool: how maps become vectors; `none` keeps the maps, `auto` is what suits the backbone.
        batch: photos a batch; None: 16 on a CPU, 128 on a GPU.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `fp32` or `bf16`.
        runtime: `auto`, `torch`, `onnx` or `openvino`.

    Shapes: `encode` returns (N, C, H, W) for `pool="none"`, else (N, D); `shape` is that of a row.
    Dtypes: float32, of values that float16 holds, as a file of encodings keeps them.
    Units: `size` is in pixels; encodings have none.

    Raises:
        UsageError: settings that do not go together, or a backbone that there is none of.
        BadInput: weights that cannot be read or downloaded.

    Source: OverFeat (Sermanet et al. 2014), section 3: one network, run over whole photos.
    """

    @checks_choices
    def __init__(
        self,
        backbone: str = "mini",
        *,
        weights: PathLike | None = None,
        layer: str | None = None,
        size: int | None = None,
        fit: Fit = "squash",
        pool: EncoderPool = "none",
        batch: int | None = None,
        device: Device = "auto",
        precision: Precision = "fp32",
        runtime: Runtime = "auto",
    ) -> None:
        self.core = make_encoder(
            backbone,
            weights=as_path(weights),
            layer=layer,
            size=size,
            fit=fit,
            pool=pool,
            batch=batch,
            device=device,
            precision=precision,
            runtime=runtime,
        )
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        settings = self.core.settings
        return (
            f"Encoder({self.core.network.spec.name!r}, size={settings.size}, "
            f"fit={settings.fit!r}, pool={settings.pool!r})"
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a row: (C, H, W) of a map, or (D,) of a vector."""
        return row_shape(self.core)

    @property
    def spec(self) -> dict[str, Any]:
        """What must be the same for two encodings to compare, as JSON can hold it."""
        return self.core.spec

    def encode(self, photos: PhotoLike | Iterable[PhotoLike]) -> npt.NDArray[np.float32]:
        """Encode photos into (N, C, H, W) or (N, D) float32, a row for each, in order.

        A single photo gives N = 1, an empty list N = 0. Several threads may ask one encoder; they
        take turns.

        Raises:
            BadInput: a photo that cannot be used; the message names it.
            UsageError: something that is no photo.
        """
        single = isinstance(photos, str | os.PathLike) or is_photo_in_memory(photos)
        items: Any = [photos] if single else photos
        regions = (region_of(photo, number) for number, photo in enumerate(items, 1))
        rows = []
        with self._lock:
            for encoded in encode_chunks(chunked(regions, TOGETHER), Path(), self.core):
                for image, _, reason in encoded.skips:
                    raise BadInput(f"{image}: {reason}")
                rows.append(encoded.columns["encodings"].astype(np.float32))
        return np.concatenate(rows) if rows else np.empty((0, *self.shape), np.float32)


@dataclass(frozen=True, slots=True, repr=False)
class EncodedFile(Readable):
    """A file of encodings: where it is, its rows, and the photos that were skipped."""

    path: Path
    rows: int
    skipped: int = 0


def encode(
    source: SourceLike,
    output: PathLike,
    encoder: "Encoder | str" = "mini",
    *,
    root: PathLike | None = None,
    report: Report | None = None,
) -> EncodedFile:
    """Encode photos, boxes, crops or detections into a file, as `tv encode` does.

    For arrays instead of a file see `Encoder.encode`. A job that was interrupted goes on where it
    stopped when it is asked for again.

    Args:
        source: a photo, a folder, a list of paths, a file of records, or records in memory.
        output: the .h5 file to write.
        encoder: an `Encoder`, or the name of a backbone, whose maps are then kept.
        root: the folder that the paths in the file are relative to; None: what all have in common.
        report: told of progress and of photos that are skipped; None: Python's `logging` is.

    Shapes: `encodings` (N, C, H, W) or (N, D), `region` and `box` (N, 4).
    Dtypes: `encodings` float16, boxes float32.
    Units: boxes are in pixels of the photo as displayed.

    Raises:
        UsageError: nothing is named.
        BadInput: not one photo could be encoded, or the file cannot be written.
        Mismatch: an interrupted job with other settings is in the way.

    Source: OverFeat (Sermanet et al. 2014), section 3: one network, run over whole photos.
    """
    known = report_of(report)
    with named(source, as_path(root)) as given:
        made = made_by("encode", source, output, encoder, inputs=given.inputs)
        before = known.skips
        rows = encode_file(
            given.open(known), core_encoder(encoder, "none"), Path(output), known, made
        )
    return EncodedFile(Path(output), rows, known.skips - before)


def core_encoder(encoder: "Encoder | str", pool: str) -> CoreEncoder:
    """Return core's encoder, with a pooling where none was asked for."""
    if isinstance(encoder, str):
        return make_encoder(encoder, pool=pool)
    core = encoder.core
    if core.settings.pool != "none" or pool == "none":
        return core
    own = core.network.spec.pool if pool == "auto" else pool
    return CoreEncoder(core.network, replace(core.settings, pool=own), core.batch)
