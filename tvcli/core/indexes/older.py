"""Telling of indexes that an older generation of `mini` made."""

from tvcli.core.encoding.renewal import renewal
from tvcli.core.indexes.index import Index
from tvcli.core.reports import Report


def note_older(index: Index, report: Report) -> None:
    """Tell once how an index is made anew, in a line, if an older generation of mini made it."""
    manifest = index.manifest
    if line := renewal(index.path, manifest.settings, manifest.provenance, lambda: index.root):
        report.note_once(line)
