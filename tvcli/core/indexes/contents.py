"""Contents of rows: a photo's bytes and a region of it, by which what is kept of it is found."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box

Some = slice | npt.NDArray[np.intp]
Content = tuple[str, Box]  # the digest of a photo and the region of it


class Rows(Protocol):
    """Rows with columns: an index, or a file of what is kept of its photos."""

    def read(self, name: str, rows: Some) -> Any:
        """Return a column of some rows."""


def contents_of(rows: Rows, some: Some = slice(None)) -> list[Content]:
    """Return the content of each row, or of some."""
    regions = ((x0, y0, x1, y1) for x0, y0, x1, y1 in rows.read("region", some).tolist())
    return list(zip(rows.read("digest", some), regions, strict=True))
