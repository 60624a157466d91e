"""Conditions on rows: which of them a search may find.

A row has columns of its own (image, label, split, target), which are texts, and any fields.
"""

import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tvcli.core.engines.interface import Mask
from tvcli.core.files.artifacts import FieldColumn

COLUMNS = ("image", "label", "split", "target")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
YEAR = re.compile(r"\d{4}")
DATE = re.compile(r"\d{4}-")
ORDERS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

ColumnReader = Callable[[str], FieldColumn]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a column of a row must be: `=`, `!=`, `^=` (begins with), `<`, `<=`, `>`, `>=`.

    A value is compared as a number with numbers, and as a text with texts. An empty value stands
    for what is not known.
    """

    column: str
    operator: str
    value: str

    @property
    def number(self) -> float | None:
        """The value as a number, if it is one."""
        if NUMBER.fullmatch(self.value) and math.isfinite(number := float(self.value)):
            return number
        return None

    @property
    def truth(self) -> bool | None:
        """The value as true or false, if it is one."""
        return {"true": True, "false": False}.get(self.value.lower())

    @property
    def orders_texts(self) -> bool:
        """Whether `<` and its like look at texts: not for a number, unless that is a year."""
        return self.number is None or self.is_year

    @property
    def is_year(self) -> bool:
        """Whether the value may be a year, which is compared with dates."""
        return YEAR.fullmatch(self.value) is not None


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    part: "Condition"


@dataclass(frozen=True, slots=True)
class And:
    """Several conditions, all of which must hold."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Several conditions, one of which must hold."""

    parts: tuple["Condition", ...]


Condition = Comparison | Not | And | Or


def columns_of(conditions: Sequence[Condition]) -> list[str]:
    """Return the names that conditions ask for, in order, each once."""
    return list(dict.fromkeys(one.column for part in conditions for one in comparisons_of(part)))


def comparisons_of(condition: Condition) -> Iterator[Comparison]:
    """Yield the comparisons that a condition is made of, in order."""
    if isinstance(condition, Comparison):
        yield condition
    elif isinstance(condition, Not):
        yield from comparisons_of(condition.part)
    else:
        for part in condition.parts:
            yield from comparisons_of(part)


def rows_meeting(condition: Condition, read: ColumnReader) -> Mask:
    """Return for each row (N,) whether it meets a condition; `read` gives a column by its name."""
    if isinstance(condition, Not):
        return ~rows_meeting(condition.part, read)
    if isinstance(condition, Comparison):
        return _compared(condition, read(condition.column))
    parts = [rows_meeting(part, read) for part in condition.parts]
    joined = np.logical_and if isinstance(condition, And) else np.logical_or
    met: Mask = joined.reduce(parts)
    return met


def _compared(asked: Comparison, column: FieldColumn) -> Mask:
    if asked.operator == "=":
        return _equal(asked, column)
    if asked.operator == "!=":
        return ~_equal(asked, column)
    if asked.operator == "^=":
        return _texts(column, lambda text: text.startswith(asked.value))
    order = ORDERS[asked.operator]
    met = np.zeros(len(column), bool)
    if asked.number is not None:
        met |= order(column.numbers, asked.number)  # NaN, for what is not known, never holds
    if asked.orders_texts:
        is_date = DATE.match if asked.is_year else bool
        met |= _texts(column, lambda text: bool(is_date(text)) and order(text, asked.value))
    return met


def _equal(asked: Comparison, column: FieldColumn) -> Mask:
    if asked.value == "":
        unknown = np.isnan(column.numbers) & (column.truths < 0)
        return unknown & _texts(column, lambda text: text == "")
    met = _texts(column, lambda text: text == asked.value)
    if asked.number is not None:
        met |= column.numbers == asked.number
    if asked.truth is not None:
        met |= column.truths == asked.truth
    return met


def _texts(column: FieldColumn, holds: Callable[[str], bool]) -> Mask:
    return np.fromiter((holds(text) for text in column.texts), bool, len(column))
