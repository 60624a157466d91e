"""Whether conditions can be met by the columns that there are."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tvcli.core.engines.conditions import COLUMNS, Comparison, Condition, comparisons_of
from tvcli.core.errors import UsageError
from tvcli.core.images.exif import EXIF_FIELDS

EXIF = "tv index SRC --update --exif"
KINDS = {"number": "a number", "truth": "true or false"}
TEXTS = {"text"}  # what the columns that are always there hold


def check_columns(
    conditions: Sequence[Condition], types: Mapping[str, set[str]], index: Path
) -> None:
    """See that conditions ask for columns that there are, and for values of their types.

    `types` are those (number, text, truth) that rows have each field in, by its name.

    Raises:
        UsageError: no row has a column, or none can meet a comparison with it.
    """
    for asked in (one for condition in conditions for one in comparisons_of(condition)):
        name = asked.column
        if name not in COLUMNS and name not in types:
            known = ", ".join([*COLUMNS, *types])
            exif = f"; photos with EXIF have {name} after {EXIF}" if name in EXIF_FIELDS else ""
            raise UsageError(f"--where: no column {name} in {index}; there are {known}{exif}")
        if reason := _never(asked, TEXTS if name in COLUMNS else types[name]):
            written = f"{name}{asked.operator}{asked.value}"
            raise UsageError(f"--where {written!r:.200}: {reason}")


def _never(asked: Comparison, types: set[str]) -> str:
    """Return why no row can meet a comparison with a column of some types, or an empty text."""
    name, is_order = asked.column, asked.operator not in ("=", "!=", "^=")
    if asked.value == "":
        return ""
    if "text" in types:
        if is_order and types == TEXTS and not asked.orders_texts:
            return f"{name} is a text, which is neither less nor more than a number"
        return ""
    if asked.operator == "^=":
        return f"{name} is no text: write {_example(name, types)}"
    if "number" in types and asked.number is not None:
        return ""
    if "truth" in types and asked.truth is not None and not is_order:
        return ""
    kind = " or ".join(word for type, word in KINDS.items() if type in types)
    return f"{name} is {kind or 'empty'}: write {_example(name, types)}"


def _example(name: str, types: set[str]) -> str:
    return f"{name}<50, or {name}=50" if "number" in types else f"{name}=true, or {name}=false"
