"""Where the rows of an index lie, as its manifest or the name of an engine tells."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tvcli.core.engines.names import checked_engine
from tvcli.core.engines.postgres import is_url
from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import Columns
from tvcli.core.indexes.manifest import REMOTE, Manifest, read_manifest
from tvcli.core.indexes.row_store import RowStore
from tvcli.core.indexes.segment_files import build_segments, open_segments
from tvcli.core.indexes.segment_rows import SegmentRows
from tvcli.core.indexes.table_rows import TableRows, build_table


def open_store(path: Path, stack: ExitStack) -> tuple[Manifest, RowStore]:
    """Open the rows that the manifest of an index names, for as long as the stack is.

    Raises:
        BadInput: no index, or damaged.
        Mismatch: written by a newer version.
    """
    while True:
        manifest = read_manifest(path)
        if manifest.engine == REMOTE:
            return manifest, stack.enter_context(TableRows(path, manifest))
        try:
            return manifest, SegmentRows(path, manifest, open_segments(path, manifest, stack))
        except BadInput:
            if read_manifest(path) == manifest:  # it was not replaced before all was open
                raise


def build_rows(
    folder: Path,
    stem: str,
    blocks: Iterator[Columns],
    engine: str,
    settings: dict[str, Any],
    provenance: dict[str, Any],
    seed: int,
) -> Manifest:
    """Put blocks of rows where an engine has them, and write the manifest into a folder.

    `stem` is the name of the index, for what is to be named after it.

    Raises:
        UsageError: there is no such engine.
        BadInput: no rows, or they cannot be written there.
    """
    if is_url(engine):
        return build_table(folder, engine, stem, blocks, settings, {**provenance, "seed": seed})
    return build_segments(folder, blocks, checked_engine(engine), settings, provenance, seed)
