"""The vectors of an encodings file: its maps pooled, or the vectors it holds."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tvcli.core.encoding.pooling import pool_maps
from tvcli.core.errors import UsageError
from tvcli.core.files.artifacts import Artifact, Columns

ROWS_POOLED_AT_ONCE = 256  # rows pooled at a time

Vectors = npt.NDArray[np.float32]


def pool_for(encodings: Artifact, pool: str = "auto") -> str:
    """Return how the rows of a file become vectors; `auto` as suits the backbone.

    Raises:
        UsageError: pooling is asked for, but the file holds vectors.
    """
    spec = encodings.settings["encoder"]
    if len(encodings.row_shape) == 1:
        if pool not in ("auto", spec["pool"]):
            raise UsageError(
                f"--pool {pool}: {encodings.path} already holds vectors ({spec['pool']})"
            )
        return str(spec["pool"])
    return str(spec["backbone"]["pool"]) if pool == "auto" else pool


def pooled_columns(encodings: Artifact, how: str) -> Iterator[Columns]:
    """Yield blocks of rows with all their columns; `encodings` are (n, D)."""
    for rows in encodings.blocks(ROWS_POOLED_AT_ONCE):
        columns = encodings.read_columns(rows)
        if columns["encodings"].ndim == 4:  # (n, C, H, W) float16
            columns["encodings"] = pool_maps(columns["encodings"].astype(np.float32), how)
        yield columns


def unit_vectors(encodings: Artifact, how: str) -> Vectors:
    """Return the vectors of all rows: (N, D) float32 of unit length."""
    blocks = [columns["encodings"] for columns in pooled_columns(encodings, how)]
    vectors: Vectors = np.concatenate(blocks).astype(np.float32)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
    return unit
