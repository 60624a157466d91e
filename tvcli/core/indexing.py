"""Making indexes: straight from photos, or from an encodings file."""

from pathlib import Path
from typing import Any

from tvcli.core.artifacts import Columns, open_artifact
from tvcli.core.checkpoints import (
    encoded_parts,
    encoding_settings,
    part_columns,
    photos_root,
    root_settings,
)
from tvcli.core.encoder import Encoder
from tvcli.core.index import EngineName, build_index
from tvcli.core.manifest import Manifest
from tvcli.core.reports import Report
from tvcli.core.sources import Source
from tvcli.core.vectors import pool_for, pooled_columns


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
        how = pool_for(encodings, pool)
        settings["encoder"] = {**settings["encoder"], "pool": how}
        root = photos_root(encodings.settings, (name or path).absolute().parent)
        settings |= root_settings(root, target / "in")
        blocks = map(_named_embeddings, pooled_columns(encodings, how))
        return build_index(target, blocks, settings, provenance, engine=engine, seed=seed)


def _named_embeddings(columns: Columns) -> Columns:
    return {
        ("embeddings" if name == "encodings" else name): values for name, values in columns.items()
    }
