"""Where the rows of an index lie, as its manifest tells."""

from contextlib import ExitStack
from pathlib import Path

from tvcli.core.errors import BadInput
from tvcli.core.indexes.manifest import REMOTE, Manifest, read_manifest
from tvcli.core.indexes.row_store import RowStore
from tvcli.core.indexes.segment_files import open_segments
from tvcli.core.indexes.segment_rows import SegmentRows
from tvcli.core.indexes.table_rows import TableRows


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
