"""The rows that an index stores in files: those of its segments, one after the other."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.engines import Vectors
from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import (
    ALL,
    Artifact,
    FieldColumn,
    Joined,
    Some,
    joined_columns,
    joined_types,
)
from tvcli.core.images.arrays import unit
from tvcli.core.indexes.manifest import Manifest

IN_MEMORY = 2**30  # bytes of float32 vectors that an index keeps once it has read them


class Stored(Joined):
    """Open segments, read as one: columns by name, vectors as float32 of unit length.

    Fields of the first rows come from the file of those `edited` since, if there is one.
    """

    def __init__(
        self, path: Path, manifest: Manifest, segments: list[Artifact], edited: Artifact | None
    ) -> None:
        for segment, declared in zip(segments, manifest.segments, strict=True):
            if (len(segment), segment.row_shape) != (declared.rows, (manifest.dimension,)):
                raise BadInput(f"{path}: its embeddings are not those it declares; index again")
        super().__init__(segments)
        self._edited = edited
        self._edited_rows = manifest.edited_fields["rows"] if edited else 0
        if edited is not None and len(edited) < self._edited_rows:
            raise BadInput(f"{path}: its fields are not of its rows; index again")

    def read(self, name: str, rows: Some = ALL) -> Any:
        """Return rows of a column (all by default): an array, or a list of text."""
        if name != "fields" or self._edited is None:
            return super().read(name, rows)
        numbers = np.arange(len(self))[rows]
        first = numbers < self._edited_rows
        edited = iter(self._edited.read(name, numbers[first]))
        others = iter(super().read(name, numbers[~first]))
        return [next(edited if is_first else others) for is_first in first]

    @property
    def field_types(self) -> dict[str, set[str]]:
        """The types (number, text, truth) that rows may have each field in, by name, in order."""
        edited = [self._edited.field_types] if self._edited else []
        return joined_types([super().field_types, *edited])

    def field(self, name: str) -> FieldColumn:
        """Return a field of all rows; raises BadInput where it cannot be read."""
        if self._edited is None:
            return super().field(name)
        first = self._edited.field(name, slice(0, self._edited_rows))
        rest = super().field(name).rows(slice(self._edited_rows, None))
        return joined_columns([first, rest])

    def vectors(self, rows: Some = ALL) -> Vectors:
        """Return some rows (all by default) as (n, D) float32 of unit length."""
        return unit(self.read("embeddings", rows))


class StoredVectors:
    """The vectors of all rows stored; few that are all scanned are kept once they were read."""

    def __init__(self, stored: Stored, manifest: Manifest) -> None:
        few = len(stored) * manifest.dimension * 4 <= IN_MEMORY
        self._stored, self._kept = stored, few and manifest.engine == "exact"

    def __len__(self) -> int:
        return len(self._stored)

    def vectors(self, rows: Some) -> Vectors:
        """Return some rows as (n, D) float32 of unit length."""
        whole = self._kept and (isinstance(rows, slice) or "_matrix" in self.__dict__)
        return self._matrix[rows] if whole else self._stored.vectors(rows)

    @cached_property
    def _matrix(self) -> Vectors:
        return self._stored.vectors()
