"""What a training sees: random windows of maps, mirrored or not, pooled into vectors."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from tvcli.core.encoding.finite import check_finite
from tvcli.core.encoding.pooling import pool_maps
from tvcli.core.errors import Mismatch
from tvcli.core.files.artifacts import Artifact

IN_MEMORY = 2 * 2**30  # bytes of maps kept; more are read from the file batch by batch
ROWS_POOLED_AT_ONCE = 256  # rows pooled at a time
SMALLEST = 0.4  # of a map's side that a window keeps
ASPECT = 0.3  # by how much, up or down, the logarithm of a window's aspect varies
WINDOWS = 8  # of one batch: each is cut from an eighth of its rows

Rows = npt.NDArray[np.intp]


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

    def __getitem__(self, rows: Rows) -> Tensor:
        """Return some rows as (n, C, H, W) or (n, D) float16."""
        return self._kept[torch.from_numpy(rows)] if self._kept is not None else self._read(rows)

    def _read(self, rows: Rows) -> Tensor:
        result = torch.empty((len(rows), *self.row_shape), dtype=torch.float16)
        for file, start in zip(self._files, self._starts, strict=False):
            inside = np.flatnonzero((rows >= start) & (rows < start + len(file)))
            if len(inside):
                own = rows[inside] - start
                values = file.read("encodings", own)
                check_finite(values, partial(file.read, "image", own), file.path)
                result[torch.from_numpy(inside)] = torch.from_numpy(values)
        return result

    def pooled(self, rows: Rows, how: str) -> Tensor:
        """Return the vectors of some rows: (n, C) float32 of unit length."""
        blocks = [
            rows[start : start + ROWS_POOLED_AT_ONCE]
            for start in range(0, len(rows), ROWS_POOLED_AT_ONCE)
        ]
        return torch.cat([_pool(self[block], how) for block in blocks])

    def views(self, rows: Rows, how: str, generator: torch.Generator) -> Tensor:
        """Return the vectors of random windows of some rows: (n, C) float32 of unit length.

        A window keeps at least `SMALLEST` of each side. Rows of vectors are their own only view.
        """
        if len(self.row_shape) == 1:
            return self.pooled(rows, how)
        order = torch.randperm(len(rows), generator=generator).numpy()
        vectors = torch.empty(len(rows), self.row_shape[0])
        for part in np.array_split(order, min(WINDOWS, len(rows))):
            down, across = _window(self.row_shape[1], self.row_shape[2], generator)
            vectors[torch.from_numpy(part)] = _pool(self[rows[part]][:, :, down, across], how)
        return vectors


def _pool(encodings: Tensor, how: str) -> Tensor:
    vectors = encodings.float()
    return F.normalize(pool_maps(vectors, how) if vectors.ndim == 4 else vectors, dim=1)


def _window(height: int, width: int, generator: torch.Generator) -> tuple[slice, slice]:
    """Return the rows and columns of a random window of a map."""
    scale, aspect, top, left = torch.rand(4, generator=generator).tolist()
    scale, stretch = SMALLEST + (1 - SMALLEST) * scale, np.exp((2 * aspect - 1) * ASPECT / 2)
    down = _side(height, scale * stretch)
    across = _side(width, scale / stretch)
    y, x = int(top * (height - down + 1)), int(left * (width - across + 1))
    return slice(y, y + down), slice(x, x + across)


def _side(length: int, share: float) -> int:
    return int(np.clip(round(length * share), min(2, length), length))
