"""Making indexes: straight from photos, or from an encodings file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tvcli.core.artifacts import Artifact, Columns, open_artifact
from tvcli.core.checkpoints import encoded_parts, encoding_settings, part_columns, root_settings
from tvcli.core.encoder import Encoder
from tvcli.core.errors import UsageError
from tvcli.core.index import EngineName, build_index
from tvcli.core.manifest import Manifest
from tvcli.core.pooling import pool_maps
from tvcli.core.reports import Report
from tvcli.core.sources import Source

BLOCK = 256  # rows pooled at a time


def index_photos(
    source: Source,
    encoder: Encoder,
    target: Path,
    report: Report,
    provenance: dict[str, Any],
    *,
    engine: EngineName = "auto",
    seed: int = 0,
) -> Manifest:
    """Encode photos into vectors and index them; a killed job goes on where it stopped.

    Raises:
        UsageError: the encoder gives maps, not vectors.
        BadInput: no photo could be encoded, or the target cannot be written.
        Mismatch: an interrupted job with other settings is in the way.
    """
    settings = encoding_settings(encoder, source.root, target / "in")
    target.absolute().parent.mkdir(parents=True, exist_ok=True)
    with encoded_parts(source, encoder, target, report) as parts:
        blocks = (_named_embeddings(block) for block in part_columns(parts))
        return build_index(target, blocks, settings, provenance, engine=engine, seed=seed)


def index_encodings(
    path: Path,
    target: Path,
    provenance: dict[str, Any],
    *,
    pool: str = "auto",
    engine: EngineName = "auto",
    seed: int = 0,
    name: Path | None = None,
) -> Manifest:
    """Index an encodings file; maps are pooled into vectors, `auto` as suits the backbone.

    `name` is where the file would lie if it were not a temporary one.

    Raises:
        UsageError: pooling is asked for, but the file holds vectors.
        BadInput: not an encodings file, or the target cannot be written.
    """
    target.absolute().parent.mkdir(parents=True, exist_ok=True)
    with open_artifact(path, "encodings") as encodings:
        settings = dict(encodings.settings)
        how = _pool_for(encodings, pool)
        settings["encoder"] = {**settings["encoder"], "pool": how}
        root = _root_of(encodings, (name or path).absolute().parent)
        settings |= root_settings(root, target / "in")
        blocks = _pooled(encodings, how)
        return build_index(target, blocks, settings, provenance, engine=engine, seed=seed)


def _pool_for(encodings: Artifact, pool: str) -> str:
    spec = encodings.settings["encoder"]
    if len(encodings.row_shape) == 1:
        if pool not in ("auto", spec["pool"]):
            raise UsageError(f"--pool {pool}: {encodings.path} already holds vectors")
        return str(spec["pool"])
    return str(spec["backbone"]["pool"]) if pool == "auto" else pool


def _root_of(encodings: Artifact, folder: Path) -> Path:
    moved = folder / encodings.settings["root"]
    return moved if moved.exists() else Path(encodings.settings["root_absolute"])


def _pooled(encodings: Artifact, how: str) -> Iterator[Columns]:
    for rows in encodings.blocks(BLOCK):
        columns = encodings.read_columns(rows)
        if columns["encodings"].ndim == 4:  # (n, C, H, W) float16
            maps = torch.from_numpy(columns["encodings"].astype(np.float32))
            columns["encodings"] = pool_maps(maps, how).numpy()
        yield _named_embeddings(columns)


def _named_embeddings(columns: Columns) -> Columns:
    return {
        ("embeddings" if name == "encodings" else name): values for name, values in columns.items()
    }
