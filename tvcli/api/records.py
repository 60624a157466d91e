"""Results as small frozen records that print as one reads them."""

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields
from textwrap import indent
from typing import Any, TypeVar, overload

T = TypeVar("T")

MOST_LINES = 20  # of a sequence's repr
DIGITS = 4  # after the point


class Readable:
    """A dataclass whose repr leaves out what is as by default, and rounds numbers."""

    __slots__ = ()

    def __repr__(self) -> str:
        known: Any = self
        shown = [
            f"{field.name}={_short(value)}"
            for field in fields(known)
            if not _is_default(field, value := getattr(self, field.name)) and field.repr
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


class Results(Sequence[T]):
    """Results in order; indexed, sliced and iterated over like a tuple."""

    __slots__ = ("_items",)

    def __init__(self, items: Sequence[T]) -> None:
        self._items = tuple(items)

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[T, ...]: ...

    def __getitem__(self, place: int | slice) -> T | tuple[T, ...]:
        return self._items[place]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._items == getattr(other, "_items", None)

    def __hash__(self) -> int:
        return hash(self._items)

    def __repr__(self) -> str:
        lines = [repr(item) for item in self._items[:MOST_LINES]]
        if len(self) > MOST_LINES:
            lines.append(f"... and {len(self) - MOST_LINES} more")
        return "\n".join([f"{type(self).__name__} ({len(self)})", indent("\n".join(lines), "  ")])


def _is_default(field: Any, value: object) -> bool:
    return field.default is not MISSING and bool(field.default == value)


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{round(value, DIGITS):g}" if abs(value) < 1e6 else repr(value)
    if isinstance(value, tuple):
        inner = ", ".join(_short(part) for part in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)
