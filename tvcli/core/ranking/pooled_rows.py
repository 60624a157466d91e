"""The rows of some encodings files as one table, for random access: as they are, or pooled."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.encoding.finite import check_finite
from tvcli.core.encoding.pooling import pool_maps
from tvcli.core.errors import Mismatch
from tvcli.core.files.artifacts import Artifact
from tvcli.core.images.arrays import unit
from tvcli.core.images.float16 import as_float32
from tvcli.core.parallel import Mapper

IN_MEMORY = 2 * 2**30  # bytes of maps kept; more are read from the file block by block
POOLED_AT_ONCE = 2 * 2**20  # values of rows pooled at a time by one core

Rows = npt.NDArray[np.intp]
Vectors = npt.NDArray[np.float32]


class Encodings:
    """The rows of some encodings files, one after the other, for random access.

    BadInput is raised where one that is read is not finite.
    """

    def __init__(self, files: Sequence[Artifact]) -> None:
        self._files = files
        self._starts = np.cumsum([0, *(len(file) for file in files)])
        shapes = {file.row_shape for file in files}
        if len(shapes) > 1:
            raise Mismatch(f"{files[0].path}: encodings of {shapes}: encode all at one --size")
        self.row_shape = shapes.pop()
        size = int(self._starts[-1]) * int(np.prod(self.row_shape)) * 2
        self._kept = self._read(np.arange(len(self))) if size <= IN_MEMORY else None

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, rows: Rows) -> npt.NDArray[Any]:
        """Return some rows as (n, C, H, W) or (n, D) float16."""
        return self._kept[rows] if self._kept is not None else self._read(rows)

    def _read(self, rows: Rows) -> npt.NDArray[Any]:
        result = np.empty((len(rows), *self.row_shape), np.float16)
        for file, start in zip(self._files, self._starts, strict=False):
            inside = np.flatnonzero((rows >= start) & (rows < start + len(file)))
            if len(inside):
                own = rows[inside] - start
                values = file.read("encodings", own)
                check_finite(values, partial(file.read, "image", own), file.path)
                result[inside] = values
        return result

    def pooled(self, rows: Rows, how: str) -> Vectors:
        """Return the vectors of some rows: (n, D) float32 of unit length."""
        return self.pooled_by(rows, [how])[how]

    def pooled_by(self, rows: Rows, hows: Sequence[str], each: Mapper = map) -> dict[str, Vectors]:
        """Return the vectors of some rows, (n, D) float32 of unit length, by each pooling.

        Rows of vectors are what they are by whatever name. `each` maps a function over some of the
        rows at a time, as `map` does.
        """

        def pooled(some: Rows) -> list[Vectors]:
            values = as_float32(self[some])
            return [unit(pool_maps(values, how) if values.ndim == 4 else values) for how in hows]

        count = max(1, POOLED_AT_ONCE // max(1, int(np.prod(self.row_shape))))
        blocks = [rows[start : start + count] for start in range(0, max(1, len(rows)), count)]
        parts = zip(*each(pooled, blocks), strict=True)
        return {how: np.concatenate(part) for how, part in zip(hows, parts, strict=True)}


class VectorRows:
    """Vectors (N, D) float32 of unit length in memory, as a table of rows like `Encodings`."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self.row_shape: tuple[int, ...] = vectors.shape[1:]

    def pooled(self, rows: Rows, how: str) -> Vectors:
        """Return some rows: (n, D) float32, by whatever name."""
        return self._vectors[rows]

    def pooled_by(self, rows: Rows, hows: Sequence[str], each: Mapper = map) -> dict[str, Vectors]:
        """Return some rows, (n, D) float32, by each name."""
        return dict.fromkeys(hows, self._vectors[rows])
