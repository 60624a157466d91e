"""Contents of rows: a photo's bytes and a region of it, by which what is kept of it is found."""

from typing import Any, Protocol

from tvcli.core.boxes import Box

Content = tuple[str, Box]  # the digest of a photo and the region of it


class Rows(Protocol):
    """Rows with columns: an index, or a file of what is kept of its photos."""

    def read(self, name: str) -> Any:
        """Return a column of all rows."""


def contents_of(rows: Rows) -> list[Content]:
    """Return the content of each row."""
    regions = ((x0, y0, x1, y1) for x0, y0, x1, y1 in rows.read("region").tolist())
    return list(zip(rows.read("digest"), regions, strict=True))
