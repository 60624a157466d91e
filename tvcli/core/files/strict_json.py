"""JSON of anybody's making: strict, or lenient as to numbers that no float holds."""

import json
import math
from typing import Any, NoReturn

MOST_DIGITS = 308  # of a whole number: all of them are less than the largest float, 1.8e308


def parse_json(text: bytes | str) -> Any:
    """Return what a text of JSON says.

    Raises:
        ValueError: no JSON, nested too deeply, NaN, or a number beyond 1.8e308 (RFC 8259, section
            6, leaves its range to the reader).
    """
    try:
        if isinstance(text, bytes):
            usual = text[:1] == b"{" and text[1:2] != b"\0"  # as a record in UTF-8 begins
            encoding = "utf-8" if usual else json.detect_encoding(text)
            text = text.decode(encoding, "surrogatepass")
        return STRICT.decode(text)
    except UnicodeDecodeError:
        raise ValueError("it is no text") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parse_lenient_json(text: str) -> Any:
    """Return what a text of JSON says, NaN and infinite numbers among it, as others write them.

    Raises:
        ValueError: no JSON, or nested too deeply.
    """
    try:
        return json.loads(text, parse_int=lambda d: int(d) if len(d) <= MOST_DIGITS else float(d))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _finite(digits: str) -> float:
    value = float(digits)
    if -math.inf < value < math.inf:
        return value
    raise ValueError(f"{digits:.20} is too large a number")


def _short_enough(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits is too large")
    return int(digits)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


# Made once: json.loads makes one anew for each text, which takes as long as a short record.
STRICT = json.JSONDecoder(parse_constant=_no_number, parse_float=_finite, parse_int=_short_enough)
