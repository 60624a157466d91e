"""Examples of what is liked or not, and how much each counts: `NAME`, or `NAME:WEIGHT`."""

import re
from collections.abc import Callable

from tvcli.core.errors import UsageError

MOST_WEIGHT = 1000  # of an example, where a query has 1
NUMBER = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?|\.[0-9]{1,6}")


def parse_example(option: str, text: str, is_known: Callable[[str], bool]) -> tuple[str, float]:
    """Return the name and the weight of an example; what is known by the whole text is no weight.

    Raises:
        UsageError: a weight that is none; the message starts with `option`.
    """
    name, colon, weight = text.rpartition(":")
    if not (colon and name and NUMBER.fullmatch(weight)) or is_known(text):
        return text, 1.0
    return name, checked_weight(float(weight), f"{option} {text}")


def checked_weight(weight: float, where: str) -> float:
    """Return a weight; raises UsageError, with `where` in the message, if it is none."""
    if not 0 < weight <= MOST_WEIGHT:
        raise UsageError(f"{where}: a weight is above 0 and at most {MOST_WEIGHT}")
    return weight
