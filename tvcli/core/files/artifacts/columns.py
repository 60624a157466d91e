"""Rows by column: arrays of numbers and lists of text, cut, joined and put in order alike."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Columns = dict[str, Any]  # the columns of a block of rows, by name
Rows = npt.NDArray[np.intp]
Some = slice | Rows
ALL = slice(None)


class Table(Protocol):
    """Rows that can be read by column: a file of them, several as one, or an index."""

    def read(self, name: str, rows: Some = ALL) -> Any:
        """Return a column of some rows: an array, or a list of text."""
        ...


def slices(count: int, size: int) -> Iterator[slice]:
    """Yield slices of at most `size` rows that cover `count` of them."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def some_values(values: Any, rows: Some) -> Any:
    """Return the values that a column has in some rows."""
    if isinstance(values, list) and not isinstance(rows, slice):
        return [values[row] for row in rows]
    return values[rows]


def some_rows(block: Columns, rows: Some) -> Columns:
    """Return some rows of a block."""
    return {name: some_values(values, rows) for name, values in block.items()}


def joined_values(parts: Sequence[Any]) -> Any:
    """Return the values of a column in several blocks, at least one, as one column."""
    if len(parts) == 1:
        return parts[0]
    return list(chain(*parts)) if isinstance(parts[0], list) else np.concatenate(parts)


def joined_rows(blocks: Sequence[Columns]) -> Columns:
    """Return blocks of rows as one; some may be empty."""
    filled = [block for block in blocks if block and block["image"]] or [{}]
    return {name: joined_values([block[name] for block in filled]) for name in filled[0]}
