"""What an artifact is, whatever its kind, as one record."""

import os
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from tvcli.core.backbones.mini_files import name_to_ask_for
from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import open_artifact
from tvcli.core.files.parquet import is_encodings_table
from tvcli.core.files.parquet_rows import rows_file
from tvcli.core.files.records import HDF5_MAGIC, Record, read_record_file
from tvcli.core.files.tables import is_table, read_table
from tvcli.core.indexes.index import open_index
from tvcli.core.indexes.manifest import REMOTE, read_manifest
from tvcli.core.reports import number_of

LABELS_SHOWN = 20


def describe(path: Path) -> dict[str, Any]:
    """Return what a file is: `type`, `version`, counts and shapes, `settings` and `provenance`.

    Of what a backbone made, `backbone` is the name to ask for it by: of mini, that of a generation.

    Raises:
        BadInput: not there, or not a file of tv's.
        Mismatch: written by a newer version.
    """
    about = _described(path)
    backbone = about.get("settings", {}).get("encoder", {}).get("backbone", {})
    if {"name", "weights"} <= backbone.keys():
        about["backbone"] = name_to_ask_for(backbone)
    return about


def photos_said(path: Path) -> str:
    """Return of how many photos an index or encodings are, in words; of parts of photos how many.

    Raises:
        BadInput, Mismatch: as `describe` does.
    """
    if path.is_dir():
        with open_index(path) as index:
            images = index.images
    else:
        with rows_file(path) as made, open_artifact(made, "encodings") as encodings:
            images = encodings.read("image")
    distinct = len(set(images))
    photos = number_of(distinct, "photo")
    return f"{len(images)} parts of {photos}" if distinct < len(images) else photos


def _described(path: Path) -> dict[str, Any]:
    if path.is_dir():
        return _describe_index(path)
    if not path.exists():
        raise BadInput(f"{path}: no such file")
    with path.open("rb") as stream:
        start = stream.read(512)
    if start.startswith(HDF5_MAGIC):
        return _describe_artifact(path)
    if is_encodings_table(path):
        with rows_file(path) as made:
            return _describe_artifact(made) | {"file": str(path), "bytes": path.stat().st_size}
    if is_table(path):
        return _describe_records(path, read_table(path))
    if start.lstrip()[:1] in (b"{", b"["):
        return _describe_records(path, read_record_file(path))
    raise BadInput(f"{path}: not a file of tv's (encodings, head, index or records)")


def _describe_artifact(path: Path) -> dict[str, Any]:
    with open_artifact(path) as artifact:
        about: dict[str, Any] = {
            "file": str(path),
            "type": artifact.kind.name,
            "version": artifact.version,
            "bytes": path.stat().st_size,
        }
        if artifact.kind.datasets:
            about |= {"rows": len(artifact), "shape": list(artifact.row_shape)}
            if "label" in artifact.kind.datasets:
                about["labels"] = _count(artifact.read("label"))
            if artifact.field_names:
                about["fields"] = artifact.field_names
        about["datasets"] = {name: [list(s), d] for name, (s, d) in artifact.shapes().items()}
        return about | {"settings": artifact.settings, "provenance": artifact.provenance}


def _describe_index(path: Path) -> dict[str, Any]:
    if (manifest := read_manifest(path)).engine == REMOTE:  # whose database is not asked
        return {
            "file": str(path),
            "type": "index",
            "version": manifest.version,
            "rows": manifest.rows,
            "shape": [manifest.dimension],
            "removed": 0,  # a database keeps none that was removed
            "engine": manifest.engine,
            "forest": manifest.ann,
            "settings": manifest.settings,
            "provenance": manifest.provenance,
        }
    with open_index(path) as index:
        manifest = index.manifest
        return {
            "file": str(path),
            "type": "index",
            "version": manifest.version,
            "bytes": sum(file.stat().st_size for file in path.iterdir() if file.is_file()),
            "rows": len(index),
            "shape": [manifest.dimension],
            "labels": _count(index.labels),
            "fields": list(index.store.field_types),
            "segments": len(manifest.segments),
            "removed": index.store.stored - len(index),
            "engine": manifest.engine,
            "forest": manifest.ann,
            "photos": os.path.relpath(index.root),
            "settings": manifest.settings,
            "provenance": manifest.provenance,
        }


def _describe_records(path: Path, records: Iterable[tuple[Record, str]]) -> dict[str, Any]:
    fields: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    count = 0
    for record, _ in records:
        count += 1
        fields.update(record.keys())
        label = record.get("label")
        labels.update(["" if label is None else str(label)])  # 0 is one
    return {
        "file": str(path),
        "type": "records",
        "bytes": path.stat().st_size,
        "rows": count,
        "fields": dict(fields),
        "labels": _count(labels.elements()),
    }


def _count(labels: Any) -> dict[str, int]:
    """Count labels, the most frequent first; those beyond `LABELS_SHOWN` are left out."""
    counted = Counter(label for label in labels if label)
    return dict(islice(sorted(counted.items(), key=lambda item: (-item[1], item[0])), LABELS_SHOWN))
