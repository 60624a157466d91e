"""The vectors of an encodings file: its maps pooled, or the vectors it holds."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tvcli.core.encoding.finite import check_finite
from tvcli.core.encoding.pooling import AUTO, NONE, pool_maps, pooling_of
from tvcli.core.errors import UsageError
from tvcli.core.files.artifacts import Artifact, Columns
from tvcli.core.images.arrays import unit

ROWS_POOLED_AT_ONCE = 256  # rows pooled at a time

Vectors = npt.NDArray[np.float32]


def pool_for(encodings: Artifact, pool: str = AUTO) -> str:
    """Return how the rows of a file become vectors; `auto` as suits the backbone.

    Raises:
        UsageError: pooling is asked for, but the file holds vectors.
        Mismatch: no such pooling.
    """
    spec = encodings.settings["encoder"]
    if len(encodings.row_shape) == 1:
        if pool not in (AUTO, spec["pool"]):
            raise UsageError(
                f"--pool {pool}: {encodings.path} already holds vectors ({spec['pool']})"
            )
        how = str(spec["pool"])
    else:
        how = str(spec["backbone"]["pool"]) if pool == AUTO else pool
    if how != NONE:
        pooling_of(how)
    return how


def pooled_columns(encodings: Artifact, how: str) -> Iterator[Columns]:
    """Yield blocks of rows with all their columns; `encodings` are (n, D).

    Raises:
        BadInput: an encoding is not finite.
    """
    for rows in encodings.blocks(ROWS_POOLED_AT_ONCE):
        columns = encodings.read_columns(rows)
        images: list[str] = columns["image"]
        check_finite(columns["encodings"], lambda: images, encodings.path)  # noqa: B023 - at once
        if columns["encodings"].ndim == 4:  # (n, C, H, W) float16
            columns["encodings"] = pool_maps(columns["encodings"].astype(np.float32), how)
        yield columns


def unit_vectors(encodings: Artifact, how: str) -> Vectors:
    """Return the vectors of all rows: (N, D) float32 of unit length."""
    blocks = [columns["encodings"] for columns in pooled_columns(encodings, how)]
    vectors: Vectors = unit(np.concatenate(blocks))
    return vectors
