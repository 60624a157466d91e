"""What a store of an index's rows is, wherever they lie: files of its folder, or a database."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from tvcli.core.engines import Found, Mask, Rows, Vectors
from tvcli.core.engines.conditions import Condition
from tvcli.core.files.artifacts import Columns
from tvcli.core.files.fields import Value
from tvcli.core.indexes.manifest import Manifest


class RowStore(Protocol):
    """The rows of an index by number, without those removed; a number holds while it is open."""

    def __len__(self) -> int: ...

    @property
    def engine_name(self) -> str:
        """What searches the rows: an engine of files, or the database."""
        ...

    @property
    def takes_budget(self) -> bool:
        """Whether a search budget changes how hard it looks."""
        ...

    @property
    def names(self) -> list[str]:
        """The columns that a row may have, its vector (`embeddings`) among them."""
        ...

    @property
    def field_types(self) -> dict[str, set[str]]:
        """The types (number, text, truth) that its rows have each field in, by name, in order."""
        ...

    @property
    def images(self) -> list[str]:
        """The image of every row, relative to the root; kept once they were read."""
        ...

    def read(self, name: str, rows: slice | Rows = slice(None)) -> Any:
        """Return rows of a column (all by default): an array, or a list of text."""
        ...

    def columns(self, rows: slice | Rows) -> Columns:
        """Return all columns of some rows, by name, with their vectors as they are stored."""
        ...

    def vectors(self, rows: slice | Rows) -> Vectors:
        """Return some rows as (n, D) float32 of unit length."""
        ...

    def search(
        self,
        queries: Vectors,
        k: int,
        allowed: Mask | None = None,
        where: Sequence[Condition] = (),
        budget: int | None = None,
    ) -> Found:
        """Return similarities and rows (Q, n) of the k closest to queries (Q, D) of unit length.

        Only rows that are `allowed` (N,) and meet all conditions are found, perhaps fewer than k;
        a query that finds fewer than another ends in -inf and rows -1.
        """
        ...

    def meeting(self, where: Sequence[Condition]) -> Rows:
        """Return the rows that meet all conditions, rising."""
        ...

    def find(self, images: set[str]) -> Rows:
        """Return the rows of images, by their names."""
        ...

    def some_images(self, count: int) -> list[str]:
        """Return about `count` of the images: enough to see where the photos lie."""
        ...

    @property
    def stored(self) -> int:
        """How many rows were stored: those removed since are among them."""
        ...

    def positions(self, rows: slice | Rows) -> slice | Rows:
        """Return where rows are in a file that holds something for each row stored."""
        ...

    def edit_fields(
        self, target: Path, manifest: Manifest, rows: Rows, fields: Sequence[dict[str, Value]]
    ) -> Manifest:
        """Give some rows other fields, then write the manifest; return it as it is after that.

        Raises:
            BadInput: it cannot be written; then nothing is changed.
        """
        ...

    def change(
        self, target: Path, manifest: Manifest, gone: Rows, blocks: Iterator[Columns]
    ) -> Manifest:
        """Take rows out and add others, then write the manifest; return it as it is after that.

        Those who have the index open keep what they have.

        Raises:
            BadInput: nothing would be left, or it cannot be written; then nothing is changed.
        """
        ...
