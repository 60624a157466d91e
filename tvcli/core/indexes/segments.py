"""The rows that an index stores: those of its segment files, one after the other."""

from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.artifacts import Artifact, Columns
from tvcli.core.errors import BadInput
from tvcli.core.indexes.manifest import Manifest, Rows

Vectors = npt.NDArray[np.float32]


class Stored:
    """Open segments, read as one: columns by name, vectors as float32 of unit length."""

    def __init__(self, path: Path, manifest: Manifest, segments: list[Artifact]) -> None:
        for segment, declared in zip(segments, manifest.segments, strict=True):
            if (len(segment), segment.row_shape) != (declared.rows, (manifest.dimension,)):
                raise BadInput(f"{path}: its embeddings are not those it declares; index again")
        self._segments = segments
        self._starts = np.cumsum([0, *(len(segment) for segment in segments)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def names(self) -> list[str]:
        """The columns of a row but its vector."""
        return [name for name in self._segments[0].kind.datasets if name != "embeddings"]

    def vectors(self, rows: slice | Rows | None = None) -> Vectors:
        """Return some rows (all by default) as (n, D) float32 of unit length."""
        return unit(self.read("embeddings", rows))

    def columns(self, rows: Rows) -> Columns:
        """Return all that is known of some rows but their vectors, by name."""
        return {name: self.read(name, rows) for name in self.names}

    def read(self, name: str, rows: slice | Rows | None = None) -> Any:
        """Return rows of a column (all by default): an array, or a list of text."""
        if len(self._segments) == 1:
            return self._segments[0].read(name, rows)
        if rows is None or isinstance(rows, slice):
            return joined([s.read(name, part) for s, part in self._parts(rows or slice(None))])
        numbers = np.searchsorted(self._starts, rows, side="right") - 1
        order = np.argsort(numbers, kind="stable")
        found = [
            segment.read(name, rows[numbers == number] - self._starts[number])
            for number, segment in enumerate(self._segments)
            if (numbers == number).any()
        ]
        return _reordered(joined(found), np.argsort(order)) if found else self._nothing(name)

    def _parts(self, rows: slice) -> list[tuple[Artifact, slice]]:
        """Return which rows of which segments a slice covers; at least one, perhaps of none."""
        start, stop, _ = rows.indices(len(self))
        spans = zip(self._segments, pairwise(self._starts.tolist()), strict=True)
        parts = [
            (segment, slice(max(start - first, 0), stop - first))
            for segment, (first, end) in spans
            if start < end and stop > first
        ]
        return parts or [(self._segments[0], slice(0, 0))]

    def _nothing(self, name: str) -> Any:
        return self._segments[0].read(name, slice(0, 0))


def joined(parts: list[Any]) -> Any:
    """Return arrays, or lists of text, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return list(chain(*parts)) if isinstance(parts[0], list) else np.concatenate(parts)


def _reordered(values: Any, order: Rows) -> Any:
    return [values[place] for place in order] if isinstance(values, list) else values[order]


def unit(vectors: npt.NDArray[Any]) -> Vectors:
    """Return vectors as float32 of unit length; a zero vector stays zero."""
    values = vectors.astype(np.float32)
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    result: Vectors = values / np.maximum(norms, np.finfo(np.float32).tiny)
    return result
