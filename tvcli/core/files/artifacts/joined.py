"""Several files of rows, read as if they were one."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tvcli.core.files.artifacts.columns import ALL, Columns, Some, joined_values, some_values
from tvcli.core.files.artifacts.field_columns import FieldColumn, joined_columns, joined_types
from tvcli.core.files.artifacts.reader import Artifact


class Joined:
    """The rows of open files, one file after the other; at least one file."""

    def __init__(self, files: Sequence[Artifact]) -> None:
        self._files = list(files)
        self._starts = np.cumsum([0, *(len(file) for file in files)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def names(self) -> list[str]:
        """The columns that a row may have."""
        return list(self._files[0].kind.datasets)

    def read(self, name: str, rows: Some = ALL) -> Any:
        """Return rows of a column (all by default): an array, or a list of text.

        Raises:
            BadInput: the data cannot be read.
        """
        if len(self._files) == 1:
            return self._files[0].read(name, rows)
        if isinstance(rows, slice):
            return joined_values([file.read(name, part) for file, part in self._parts(rows)])
        numbers = np.searchsorted(self._starts, rows, side="right") - 1
        used = np.unique(numbers) if len(rows) else np.zeros(1, np.intp)
        found = [self._files[n].read(name, rows[numbers == n] - self._starts[n]) for n in used]
        return some_values(joined_values(found), np.argsort(np.argsort(numbers, kind="stable")))

    @property
    def field_types(self) -> dict[str, set[str]]:
        """The types (number, text, truth) that rows may have each field in, by name, in order."""
        return joined_types([file.field_types for file in self._files])

    def field(self, name: str) -> FieldColumn:
        """Return a field of all rows; raises BadInput where it cannot be read."""
        return joined_columns([file.field(name) for file in self._files])

    def columns(self, rows: Some) -> Columns:
        """Return all columns of some rows, by name."""
        return {name: self.read(name, rows) for name in self.names}

    def _parts(self, rows: slice) -> list[tuple[Artifact, slice]]:
        """Return which rows of which files a slice covers; at least one file, perhaps no row."""
        start, stop, _ = rows.indices(len(self))
        spans = zip(self._files, pairwise(self._starts.tolist()), strict=True)
        parts = [
            (file, slice(max(start - first, 0), stop - first))
            for file, (first, end) in spans
            if start < end and stop > first
        ]
        return parts or [(self._files[0], slice(0, 0))]
