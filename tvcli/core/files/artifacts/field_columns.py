"""Fields of rows as typed columns: `fields/number:price`, `fields/text:sku`, `fields/truth:sold`.

A field that is a number in one row and a text in another has two columns; a row has one of them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts.columns import Some, some_values
from tvcli.core.files.artifacts.kinds import TEXT, Dataset
from tvcli.core.files.fields import Value, is_field_name

GROUP = "fields"
MOST_COLUMNS = 256  # of a file
TYPES = {
    "number": Dataset("f8", required=False, blank=np.nan),
    "text": Dataset(TEXT, required=False, blank=""),
    "truth": Dataset("i1", required=False, blank=-1),
}


@dataclass(frozen=True, slots=True)
class FieldColumn:
    """A field of some rows: `numbers` (n,) float64, `texts`, and `truths` (n,) int8.

    A row has at most one of them; NaN, the empty text and -1 mean that it has not.
    """

    numbers: npt.NDArray[np.float64]
    texts: list[str]
    truths: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.texts)

    def rows(self, rows: Some) -> "FieldColumn":
        """Return some of the rows."""
        return FieldColumn(self.numbers[rows], some_values(self.texts, rows), self.truths[rows])


def column_of(values: Sequence[Value | None]) -> FieldColumn:
    """Return a field as a column, from what each row has of it (None: nothing)."""
    texts = [value if isinstance(value, str) else "" for value in values]
    truths = [int(value) if isinstance(value, bool) else -1 for value in values]
    numbers = [value if type(value) in (int, float) else math.nan for value in values]
    return FieldColumn(np.array(numbers, np.float64), texts, np.array(truths, np.int8))


def joined_columns(columns: Sequence[FieldColumn]) -> FieldColumn:
    """Return the columns of rows one after the other as one."""
    return FieldColumn(
        np.concatenate([column.numbers for column in columns]),
        [text for column in columns for text in column.texts],
        np.concatenate([column.truths for column in columns]),
    )


def joined_types(parts: Sequence[Mapping[str, set[str]]]) -> dict[str, set[str]]:
    """Return the types of the fields of several parts, by name, in order."""
    names = sorted({name for part in parts for name in part})
    return {name: set().union(*(part.get(name, ()) for part in parts)) for name in names}


def stored_columns(rows: Sequence[Mapping[str, Value]]) -> dict[str, tuple[Dataset, Any]]:
    """Return the datasets that hold the fields of some rows, by name, each with its values."""
    names = sorted({name for row in rows for name in row})
    found: dict[str, tuple[Dataset, Any]] = {}
    for name in names:
        column = column_of([row.get(name) for row in rows])
        parts: dict[str, tuple[Any, bool]] = {
            "number": (column.numbers, not np.isnan(column.numbers).all()),
            "text": (column.texts, any(column.texts)),
            "truth": (column.truths, bool((column.truths >= 0).any())),
        }
        for kind, (values, known) in parts.items():
            if known:
                found[dataset_name(kind, name)] = TYPES[kind], values
    return found


def dataset_name(kind: str, name: str) -> str:
    """Return the name of the dataset of a field, whose name may have a slash."""
    return f"{GROUP}/{kind}:{name.replace('%', '%25').replace('/', '%2F')}"


def parse_dataset_name(key: str) -> tuple[str, str]:
    """Return type and field of a dataset of the group, the last part of its name.

    Raises:
        BadInput: no name of a field; the message is the reason alone.
    """
    kind, _, name = key.partition(":")
    name = name.replace("%2F", "/").replace("%25", "%")
    if kind not in TYPES or not is_field_name(name):
        raise BadInput(f"{key[:100]!r} is no column of a field")
    return kind, name


def rows_of(columns: Iterable[tuple[str, str, Any]], count: int) -> list[dict[str, Value]]:
    """Return the fields of `count` rows, from (type, name, values) of their columns."""
    rows: list[dict[str, Value]] = [{} for _ in range(count)]
    for kind, name, values in sorted(columns, key=lambda column: column[1]):
        for row, value in zip(rows, values, strict=True):
            if kind == "text" and value != "":
                row[name] = value
            elif kind == "truth" and value >= 0:
                row[name] = bool(value)
            elif kind == "number" and math.isfinite(value):
                row[name] = float(value)
    return rows
