"""The search structure of an index: made, opened, and used together with the rows it lacks."""

from functools import cached_property
from pathlib import Path
from typing import Any

from tvcli.core import engines
from tvcli.core.engines import (
    Approximate,
    Engine,
    Exact,
    Found,
    Gallery,
    Mask,
    Structure,
    Vectors,
)
from tvcli.core.errors import BadInput
from tvcli.core.files.locks import Locked, writing
from tvcli.core.indexes.manifest import Manifest, read_manifest, write_manifest


class Grown:
    """A structure over the first rows of a gallery, and an exact scan of those added since."""

    def __init__(self, structure: Engine, tail: Engine) -> None:
        self._structure, self._tail = structure, tail
        self.name, self.takes_budget = structure.name, structure.takes_budget

    def search(
        self, queries: Vectors, k: int, allowed: Mask | None = None, budget: int | None = None
    ) -> Found:
        """Return similarities and rows of the k closest to each query."""
        found = self._structure.search(queries, k, allowed, budget)
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


class Tail:
    """The rows since, kept once they were read: every search scans them all."""

    def __init__(self, gallery: Gallery, first: int) -> None:
        self._gallery, self._first = gallery, first

    def __len__(self) -> int:
        return len(self._gallery)

    @cached_property
    def _kept(self) -> Vectors:
        return self._gallery.vectors(slice(self._first, len(self)))

    def vectors(self, rows: Any) -> Vectors:
        """Return some rows, none of the structure's, as (n, D) float32."""
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(len(self))
            return self._kept[start - self._first : stop - self._first]
        some: Vectors = self._kept[rows - self._first]
        return some


def engine_of(folder: Path, manifest: Manifest, gallery: Gallery) -> Engine:
    """Return what searches the stored rows of an index; a structure that is gone is made again.

    Where it cannot be made, or its library is not installed, everything is scanned.
    """
    if manifest.engine == "exact" or engines.why_not(manifest.engine):
        return Exact(gallery)
    base = Base(gallery, manifest.segments[0].rows)
    structure = _open(folder, manifest, base) or _made_again(folder, manifest, base)
    if structure is None:
        return Exact(gallery)
    near = Approximate(base, structure, manifest.ann["effort"])
    if len(base) == len(gallery):
        return near
    return Grown(near, Exact(Tail(gallery, len(base)), len(base)))


def build_ann(folder: Path, manifest: Manifest, gallery: Gallery) -> dict[str, Any]:
    """Build the structure of an index's first segment, and find the effort it needs."""
    base, engine = Base(gallery, manifest.segments[0].rows), manifest.engine
    seed = manifest.provenance.get("seed") or 0
    path = folder / manifest.ann_file
    made = engines.build_structure(engine, base, path, manifest.dimension, seed)
    structure = engines.open_structure(engine, path, manifest.dimension, len(base), made)
    if structure is None:
        raise BadInput(f"{path}: was written, but cannot be opened; is there room on the disk?")
    budget, recall = engines.choose_budget(base, structure, seed)
    return made | {"effort": budget, "recall@10": round(recall, 4)}


def _open(folder: Path, manifest: Manifest, base: Base) -> Structure | None:
    if not manifest.ann:
        return None
    path, described = folder / manifest.ann_file, manifest.ann
    return engines.open_structure(manifest.engine, path, manifest.dimension, len(base), described)


def _made_again(folder: Path, manifest: Manifest, base: Base) -> Structure | None:
    """Build the structure again; None where others write, or the folder cannot be written."""
    try:
        with writing(folder):
            if read_manifest(folder) != manifest:  # changed since it was opened
                return None
            manifest.ann = build_ann(folder, manifest, base)
            write_manifest(folder, manifest)
    except (OSError, BadInput, Locked):
        return None
    return _open(folder, manifest, base)
