"""The rows that an index stores in files: those of its segments, one after the other."""

from functools import cached_property
from pathlib import Path

from tvcli.core.engines import Rows, Vectors
from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import Artifact, Joined
from tvcli.core.images.arrays import unit
from tvcli.core.indexes.manifest import Manifest

IN_MEMORY = 2**30  # bytes of float32 vectors that an index keeps once it has read them


class Stored(Joined):
    """Open segments, read as one: columns by name, vectors as float32 of unit length."""

    def __init__(self, path: Path, manifest: Manifest, segments: list[Artifact]) -> None:
        for segment, declared in zip(segments, manifest.segments, strict=True):
            if (len(segment), segment.row_shape) != (declared.rows, (manifest.dimension,)):
                raise BadInput(f"{path}: its embeddings are not those it declares; index again")
        super().__init__(segments)

    def vectors(self, rows: slice | Rows | None = None) -> Vectors:
        """Return some rows (all by default) as (n, D) float32 of unit length."""
        return unit(self.read("embeddings", rows))


class StoredVectors:
    """The vectors of all rows stored; few that are all scanned are kept once they were read."""

    def __init__(self, stored: Stored, manifest: Manifest) -> None:
        few = len(stored) * manifest.dimension * 4 <= IN_MEMORY
        self._stored, self._kept = stored, few and manifest.engine == "exact"

    def __len__(self) -> int:
        return len(self._stored)

    def vectors(self, rows: slice | Rows) -> Vectors:
        """Return some rows as (n, D) float32 of unit length."""
        whole = self._kept and (isinstance(rows, slice) or "_matrix" in self.__dict__)
        return self._matrix[rows] if whole else self._stored.vectors(rows)

    @cached_property
    def _matrix(self) -> Vectors:
        return self._stored.vectors()
