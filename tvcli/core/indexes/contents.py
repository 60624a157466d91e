"""Contents of rows: a photo's bytes and a region of it, by which what is kept of it is found."""

from tvcli.core.boxes import Box
from tvcli.core.files.artifacts import ALL, Some, Table

Content = tuple[str, Box]  # the digest of a photo and the region of it


def contents_of(table: Table, rows: Some = ALL) -> list[Content]:
    """Return the content of each row, or of some."""
    regions = ((x0, y0, x1, y1) for x0, y0, x1, y1 in table.read("region", rows).tolist())
    return list(zip(table.read("digest", rows), regions, strict=True))
