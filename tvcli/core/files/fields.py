"""Fields: what records say of a photo besides what tv knows, such as `price`, `sku` or `taken`.

A value is a number, a text, or true or false. Records come from anyone, so names, texts and the
number of fields are bounded: what is no field is left out, and told once.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from tvcli.core.reports import unheard

Value = float | str | bool
Fields = tuple[tuple[str, Value | None], ...]  # None: to be taken out of what is known

MOST_FIELDS = 64  # that one list of records brings
MOST_NAME = 64  # characters of a field's name
MOST_VALUE = 4096  # characters of a text
MOST_EXACT = 2**53  # an integer beyond is kept as its digits: as a number it would be another

# What records of tv say by these names is something else.
RESERVED = frozenset(
    (
        *("image", "width", "height", "box", "crop", "label", "split", "target", "flip", "score"),
        *("empty", "position", "shard", "query", "rank", "similarity", "missing", "candidate"),
        *("nearest", "explain", "same_content", "verified", "inliers", "probability", "whole"),
        *("mirrored", "transform", "outline", "agreement", "even", "covered", "relevant"),
        *("anchor", "positive", "negative"),
    )
)


def is_field_name(name: object) -> bool:
    """Tell whether a field may have this name: short, printable, and not one that tv uses."""
    return (
        isinstance(name, str)
        and 0 < len(name) <= MOST_NAME
        and name == name.strip()
        and name.isprintable()
        and name not in RESERVED
    )


class FieldReader:
    """Reads the fields of one list of records, and tells through `note` once what is left out."""

    def __init__(self, note: Callable[[str], None] = unheard) -> None:
        self._note = note
        self._names: set[str] = set()
        self._told: set[str] = set()

    def read(self, record: Mapping[str, Any]) -> Fields:
        """Return the fields of a record by name; null and an empty text are None."""
        found = []
        for name, value in record.items():
            if name in RESERVED:
                continue
            kept, fault = _kept(name, value)
            if not fault and name not in self._names and len(self._names) == MOST_FIELDS:
                fault = f"more than {MOST_FIELDS} fields"
            if fault:
                self._tell(name, fault)
                continue
            self._names.add(name)
            found.append((name, kept))
        return tuple(sorted(found))

    def _tell(self, name: str, fault: str) -> None:
        if name not in self._told and len(self._told) < MOST_FIELDS:
            self._told.add(name)
            self._note(f"field {name[:MOST_NAME]}: {fault}; it is left out")


def _kept(name: str, value: Any) -> tuple[Value | None, str]:
    """Return a value as it is kept, and what is wrong with it or with its name."""
    if not is_field_name(name):
        return None, f"its name is not 1 to {MOST_NAME} printable characters"
    if value is None or value == "":
        return None, ""
    if isinstance(value, bool):
        return value, ""
    if isinstance(value, int):
        return (float(value) if abs(value) <= MOST_EXACT else str(value)[:MOST_VALUE]), ""
    if isinstance(value, float):
        return value, "" if math.isfinite(value) else "not a finite number"
    if not isinstance(value, str):
        return None, "neither a number, a text, nor true or false"
    return value, _fault_of(value)


def _fault_of(text: str) -> str:
    if len(text) > MOST_VALUE:
        return f"longer than {MOST_VALUE} characters"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "not UTF-8"
    return "holds NUL" if "\0" in text else ""


def merged(known: Mapping[str, Value], fields: Fields) -> dict[str, Value]:
    """Return what is known after fields were set, or (None) taken out."""
    both = {**known, **dict(fields)}
    return {name: value for name, value in both.items() if value is not None}


def changes(known: Mapping[str, Value], fields: Fields) -> bool:
    """Tell whether fields say something else than is known."""
    return any(known.get(name) != value for name, value in fields)


def as_json(fields: Mapping[str, Value]) -> dict[str, Any]:
    """Return fields as a record has them: whole numbers without a point."""
    return {
        name: _whole(value) if isinstance(value, float) else value for name, value in fields.items()
    }


def shown(value: Value) -> str:
    """Return a value as a text: whole numbers without a point, true and false as JSON has them."""
    if isinstance(value, str):
        return value
    return json.dumps(_whole(value) if isinstance(value, float) else value)


def _whole(value: float) -> float:
    """Return a whole number without its point, if it is not so large that digits would be made up.

    Infinite values do not get here: they are no fields.
    """
    return int(value) if value.is_integer() and abs(value) <= MOST_EXACT else value
