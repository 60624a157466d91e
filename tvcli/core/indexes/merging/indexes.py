"""Merging indexes: the rows of parts joined as they are stored, the search structure made anew."""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tvcli.core.errors import UsageError
from tvcli.core.files.artifacts import slices
from tvcli.core.indexes.building import build_index
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.indexes.manifest import ATTACHED, BY_ROW, Manifest
from tvcli.core.indexes.merging.belonging import Part, check_parts
from tvcli.core.indexes.merging.encodings import APART, made_alike, merged_settings
from tvcli.core.indexes.merging.ordering import in_order, rows_at_once


def merge_indexes(
    paths: Sequence[Path], target: Path, provenance: dict[str, Any], *, changed: bool = False
) -> Manifest:
    """Write the rows of indexes into one, as a run over the whole list would have.

    Raises:
        UsageError: an index keeps maps, or its rows in a database, which are not merged.
        BadInput: not indexes, damaged, or the target cannot be written.
        Mismatch: parts that do not belong together.
    """
    with ExitStack() as stack:
        indexes = [stack.enter_context(open_index(path)) for path in paths]
        parts = [_part(index) for index in indexes]
        sharded = check_parts(parts, changed=changed)
        rows = rows_at_once(len(parts))
        read = [map(index.store.columns, slices(len(index), rows)) for index in indexes]
        blocks = in_order(parts, read, sharded=sharded)
        first = indexes[0]
        return build_index(
            target,
            blocks,
            merged_settings(first.settings, first.path.absolute(), target / "in"),
            provenance,
            engine="auto" if first.manifest.auto else first.manifest.engine,
            seed=int(first.manifest.provenance.get("seed") or 0),
            attach=lambda folder: _attach(first, folder),
            stored=True,
        )


def _part(index: Index) -> Part:
    manifest = index.manifest
    if not manifest.segments:
        raise UsageError(
            f"{index.path}: its rows lie in a database: put all there by tv index --add"
        )
    if kept := [name for name in BY_ROW if name in manifest.settings]:
        raise UsageError(f"{index.path}: keeps {kept[0]}: merge the encodings, and index those")
    files = {name: _content(manifest.settings.get(name)) for name in ATTACHED if name not in APART}
    made = {
        "root": str(index.root.resolve()),
        "dimension": manifest.dimension,
        "engine": "auto" if manifest.auto else manifest.engine,
        **made_alike(manifest.settings),
        **files,
    }
    return Part(index.path, made, dict(manifest.settings.get("shard", {})))


def _content(attached: dict[str, Any] | None) -> str | None:
    """Return the name of a file kept, which tells its content; not where it was copied from."""
    return str(attached["file"]) if attached else None


def _attach(index: Index, folder: Path) -> None:
    for name in ATTACHED:
        if name in index.settings:
            file = index.settings[name]["file"]
            shutil.copyfile(index.path / file, folder / file)
