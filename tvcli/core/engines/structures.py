"""The structures by name: built into a file, and opened when the file is the one built."""

from pathlib import Path
from typing import Any

from tvcli.core.engines import annoy, faiss
from tvcli.core.engines.annoy_file import stamp_of
from tvcli.core.engines.approximate import Kind, Structure
from tvcli.core.engines.interface import Gallery
from tvcli.core.errors import BadInput
from tvcli.core.files.atomic_write import atomic_write

STRUCTURES: dict[str, Kind] = {
    "annoy": annoy.KIND,
    "faiss-hnsw": faiss.HNSW,
    "faiss-ivfpq": faiss.IVFPQ,
}


def why_not(engine: str) -> str:
    """Return why a structure cannot be used here, empty if it can: its library is not installed."""
    try:
        STRUCTURES[engine].check()
    except BadInput as error:
        return str(error)
    return ""


def build_structure(
    engine: str, gallery: Gallery, path: Path, dimension: int, seed: int
) -> dict[str, Any]:
    """Write a structure over all vectors; return what it was made with, and what its file is.

    Raises:
        BadInput: its library is not installed.
    """
    with atomic_write(path) as partial:
        made = STRUCTURES[engine].build(gallery, partial, dimension, seed)
    return {"file": path.name, "bytes": path.stat().st_size, "stamp": stamp_of(path), **made}


def open_structure(
    engine: str, path: Path, dimension: int, rows: int, described: dict[str, Any]
) -> Structure | None:
    """Open a structure, or return None if its file is not the one described.

    annoy and faiss follow whatever numbers a file holds: one whose stamp shows that it was not
    written here is checked whole.

    Raises:
        BadInput: its library is not installed.
    """
    size = described.get("bytes")
    if not path.is_file() or path.stat().st_size != size or size == 0:
        return None
    kind = STRUCTURES[engine]
    written_here = described.get("stamp") == stamp_of(path)
    if not written_here and not kind.is_sound(path, dimension, rows, described):
        return None
    return kind.load(path, dimension, rows)
