"""The search structure of an index: made, opened, and used together with the rows it lacks."""

import os
from pathlib import Path
from typing import Any

from tvcli.core import engines
from tvcli.core.engines import Annoy, Engine, Exact, Found, Gallery, Mask, Vectors
from tvcli.core.errors import BadInput
from tvcli.core.indexes.manifest import Manifest, read_manifest, write_manifest
from tvcli.core.locks import Locked, writing


class Grown:
    """A structure over the first rows of a gallery, and an exact scan of those added since."""

    def __init__(self, structure: Engine, tail: Engine) -> None:
        self._structure, self._tail, self.name = structure, tail, structure.name

    @property
    def effort(self) -> int:
        """How many candidates annoy inspects."""
        return int(getattr(self._structure, "effort", 0))

    @effort.setter
    def effort(self, effort: int) -> None:
        self._structure.effort = effort  # type: ignore[attr-defined]

    def search(self, queries: Vectors, k: int, allowed: Mask | None = None) -> Found:
        """Return similarities and rows of the k closest to each query."""
        found = self._structure.search(queries, k, allowed)
        return engines.merge(found, self._tail.search(queries, k, allowed), k)


class Base:
    """The rows that a structure covers, as the gallery it is built over."""

    def __init__(self, gallery: Gallery, rows: int) -> None:
        self._gallery, self._rows = gallery, rows

    def __len__(self) -> int:
        return self._rows

    def vectors(self, rows: Any) -> Vectors:
        """Return some rows as (n, D) float32."""
        if isinstance(rows, slice):
            rows = slice(*rows.indices(self._rows))
        return self._gallery.vectors(rows)


def engine_of(folder: Path, manifest: Manifest, gallery: Gallery) -> Engine:
    """Return what searches the stored rows of an index; an annoy file that is gone is made again.

    Where it cannot be made, everything is scanned.
    """
    if manifest.engine == "exact":
        return Exact(gallery)
    base = Base(gallery, manifest.segments[0].rows)
    forest = _open(folder, manifest, base) or _made_again(folder, manifest, base)
    if forest is None:
        return Exact(gallery)
    annoy = Annoy(base, forest, manifest.forest["effort"])
    return annoy if len(base) == len(gallery) else Grown(annoy, Exact(gallery, len(base)))


def plant(folder: Path, manifest: Manifest, gallery: Gallery) -> dict[str, Any]:
    """Build the annoy file of an index's first segment, and find the effort it needs."""
    base = Base(gallery, manifest.segments[0].rows)
    seed = manifest.provenance.get("seed") or 0
    path = folder / manifest.forest_file
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        engines.build_forest(base, partial, manifest.dimension, seed)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    size = path.stat().st_size
    stamp = engines.stamp_of(path)
    forest = engines.open_forest(path, manifest.dimension, len(base), size, stamp)
    effort, recall = engines.choose_effort(base, forest, seed)
    return {
        "file": path.name,
        "bytes": size,
        "stamp": stamp,
        "trees": engines.TREES,
        "effort": effort,
        "recall@10": round(recall, 4),
    }


def _open(folder: Path, manifest: Manifest, base: Base) -> Any | None:
    if not manifest.forest:
        return None
    path, known = folder / manifest.forest_file, manifest.forest
    return engines.open_forest(
        path, manifest.dimension, len(base), known["bytes"], known.get("stamp")
    )


def _made_again(folder: Path, manifest: Manifest, base: Base) -> Any | None:
    """Build the annoy file again; None where others write, or the folder cannot be written."""
    try:
        with writing(folder):
            if read_manifest(folder) != manifest:  # changed since it was opened
                return None
            manifest.forest = plant(folder, manifest, base)
            write_manifest(folder, manifest)
    except (OSError, BadInput, Locked):
        return None
    return _open(folder, manifest, base)
