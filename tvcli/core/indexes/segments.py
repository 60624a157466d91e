"""The rows that an index stores: those of its segment files, one after the other."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import Artifact, Joined
from tvcli.core.images.float16 import as_float32
from tvcli.core.indexes.manifest import Manifest, Rows

TINY = np.finfo(np.float32).tiny  # what a length is at least, to be divided by

Vectors = npt.NDArray[np.float32]


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


def unit(vectors: npt.NDArray[Any]) -> Vectors:
    """Return vectors as float32 of unit length; a zero vector stays zero."""
    values = as_float32(vectors) if vectors.dtype == np.float16 else vectors.astype(np.float32)
    norms = np.sqrt(np.einsum("nd,nd->n", values, values))
    values /= np.maximum(norms, TINY)[:, None]
    return values
