"""Conditions on rows, as a person writes them: which ones a search may find.

    label=dress    label!=shoe    image^=shop/    split=test

A condition is a column, an operator and a value: `=` the same, `!=` another, `^=` begins with.
All conditions of a search must hold. Images are as the index has them, relative to its root.
"""

import re
from dataclasses import dataclass

from tvcli.core.errors import UsageError

COLUMNS = ("image", "label", "split", "target")
GRAMMAR = re.compile(r"\s*(\w+)\s*(!=|\^=|=)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Condition:
    """What a column of a row must be."""

    column: str
    operator: str  # = != ^=
    value: str

    def holds(self, known: str) -> bool:
        """Tell whether it holds for what a row has in the column, empty where not known."""
        if self.operator == "^=":
            return known.startswith(self.value)
        return (known == self.value) == (self.operator == "=")


def parse_condition(text: str) -> Condition:
    """Read a condition such as `label=dress`.

    Raises:
        UsageError: no condition, or of a column that there is not.
    """
    match = GRAMMAR.fullmatch(text)
    if match is None:
        raise UsageError(f"--where {text!r}: write COLUMN=VALUE, COLUMN!=VALUE or COLUMN^=START")
    column, operator, value = match.groups()
    if column not in COLUMNS:
        raise UsageError(f"--where {text!r}: no column {column}; there are {', '.join(COLUMNS)}")
    return Condition(column, operator, value.strip())
