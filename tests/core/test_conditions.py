"""Conditions on rows: their grammar, and what they hold for, against a naive reading of rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvcli.core.engines.condition_grammar import MOST_DEPTH, parse_condition
from tvcli.core.engines.condition_types import check_columns
from tvcli.core.engines.conditions import (
    And,
    Comparison,
    Condition,
    Not,
    Or,
    columns_of,
    rows_meeting,
)
from tvcli.core.errors import UsageError
from tvcli.core.files.artifacts import column_of

A, B, C = (Comparison(name, "=", "1") for name in "abc")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("label=dress", Comparison("label", "=", "dress")),
        (" label != a=b ", Comparison("label", "!=", "a=b")),
        ("label=evening dress", Comparison("label", "=", "evening dress")),
        ("label=black and white", Comparison("label", "=", "black and white")),
        ("label=R&B", Comparison("label", "=", "R&B")),
        ("label='a = b'", Comparison("label", "=", "a = b")),
        ("image^=shop (1)/", Comparison("image", "^=", "shop (1)/")),
        ("label=", Comparison("label", "=", "")),
        ("label='it''s'", Comparison("label", "=", "it's")),
        ('"w/h" >= 1.5', Comparison("w/h", ">=", "1.5")),
        ('"a ""b"""=1', Comparison('a "b"', "=", "1")),
        ("taken>=2024-06", Comparison("taken", ">=", "2024-06")),
        ("a=1 or b=1 and c=1", Or((A, And((B, C))))),
        ("(a=1 or b=1) and c=1", And((Or((A, B)), C))),
        ("not a=1 AND b=1", And((Not(A), B))),
        ("not (a=1 or not b=1)", Not(Or((A, Not(B))))),
        ("not(a=1)", Not(A)),
        ("a in (1)", A),
        ("a in (1, '2, 3', x y)", Or(tuple(Comparison("a", "=", v) for v in ("1", "2, 3", "x y")))),
        ("a not in (1)", Not(A)),
        ("nothing=1", Comparison("nothing", "=", "1")),
        ("not=1", Comparison("not", "=", "1")),
        ("and=1 and or=2", And((Comparison("and", "=", "1"), Comparison("or", "=", "2")))),
        ("größe<5", Comparison("größe", "<", "5")),
        ("a=1 and not b=1 or (c=1)", Or((And((A, Not(B))), C))),
    ],
)
def test_what_a_person_writes(text: str, expected: Condition) -> None:
    assert parse_condition(text) == expected


@pytest.mark.parametrize(
    "text, told",
    [
        ("", "at its end: a condition is missing"),
        ("label", "at its end: after label: write COLUMN=VALUE"),
        ("5<price", "at '5<price': a condition is missing"),
        ("price<", "at its end: a value is missing"),
        ("price< and a=1", "at 'and a=1': a value is missing"),
        ("a=1 and", "at its end: a condition is missing"),
        ("(a=1 and b=1", "at '(a=1 and b=1': this ( is never closed"),
        ("(a=1) b=1", "at 'b=1': and, or, or the end comes here"),
        ("a in (1, ", "at its end: a value is missing"),
        ("a in (1,2", "at '(1,2': this ( is never closed"),
        ("a in ()", "at ')': a value is missing"),
        ("price==5", "at '==5': write ="),
        ("price<>5", "at '<>5': write !="),
        ("a='1' b", "at 'b': and, or, or the end comes here"),
        ("price<50 an sold=true", "at 'an sold=true': write and, or, or quotes"),
        ("label=dress, price<50", "at 'price<50': write and, or, or quotes"),
        ("a=1 price in (1, 2)", "at 'price in (1, 2)': write and, or, or quotes"),
        ("a=1 && b=2", "at '&& b=2': write and"),
        ("a=1||b=2", "at '||b=2': write or"),
        ("label='a", 'at "\'a": this quote is never closed'),
        ('label="a and b=1', "this quote is never closed"),
        ("label in (a, 'b)", 'at "\'b)": this quote is never closed'),
        ("(" * (MOST_DEPTH + 1) + "a=1" + ")" * (MOST_DEPTH + 1), "nested more than"),
        ("not " * 300 + "a=1", "nested more than"),
        ("a=" + "x" * 3000, "more than 2000 characters"),
    ],
)
def test_what_is_wrong_is_shown_in_one_line(text: str, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_condition(text)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


@given(st.text(alphabet="ab=<>!^()'\" ,notandori1.", max_size=60))
def test_nothing_else_is_raised(text: str) -> None:
    try:
        parse_condition(text)
    except UsageError:
        return


TYPES = {
    "price": {"number"},
    "sold": {"truth"},
    "sku": {"text"},
    "size": {"number", "text"},
    "odd": {"number", "truth"},
}


@pytest.mark.parametrize(
    "text, told",
    [
        ("price<abc", "'price<abc': price is a number: write price<50"),
        ("not (sku=1 or price=cheap)", "'price=cheap': price is a number"),
        ("price^=5", "'price^=5': price is no text: write price<50"),
        ("price=true", "price is a number"),
        ("sold=maybe", "'sold=maybe': sold is true or false: write sold=true, or sold=false"),
        ("sold>false", "sold is true or false"),
        ("sold in (true, no)", "'sold=no': sold is true or false"),
        ("odd=x", "odd is a number or true or false"),
        ("sku<50", "sku is a text, which is neither less nor more than a number"),
        ("label>1e3", "label is a text"),
        ("prize<5", "no column prize in a.tvx; there are image, label, split, target, price, sold"),
        ("taken>=2024", "photos with EXIF have taken after tv index SRC --update --exif"),
    ],
)
def test_what_no_row_can_meet_is_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError, match="--where") as raised:
        check_columns([parse_condition(text)], TYPES, Path("a.tvx"))
    assert told in str(raised.value)


@pytest.mark.parametrize(
    "text",
    ["price<=50", "price=", "price!=1e3", "sold!=TRUE", "sold=", "sku=50", "sku>2024", "size<abc",
     "size<5", "size^=X", "odd=true", "odd<5", "image^=5", "label=true"],
)  # fmt: skip
def test_what_a_row_may_meet_is_taken(text: str) -> None:
    check_columns([parse_condition(text)], TYPES, Path("a.tvx"))


VALUES: list[Any] = [None, 0.0, 1.0, 50.0, -3.5, "", "1", "50", "dress", "2024-06-01", True, False]


@pytest.mark.parametrize("nested", ["not((", "not (", "(", "not "])
def test_what_is_nested_is_read_in_linear_time(nested: str) -> None:
    text = ("a=x and " + nested * 390)[:1980] + "!"  # a reader that tries all ways never ends
    assert parse_condition(text) == Comparison("a", "=", text.removeprefix("a="))


def holds(condition: Condition, row: dict[str, Any]) -> bool:
    """Tell whether a condition holds for a row, read anew from what the guide says."""
    match condition:
        case Not(part):
            return not holds(part, row)
        case And(parts):
            return all(holds(part, row) for part in parts)
        case Or(parts):
            return any(holds(part, row) for part in parts)
    known, sign, text = row.get(condition.column), condition.operator, condition.value
    try:
        number: float | None = float(text)
    except ValueError:
        number = None
    if sign in ("=", "!="):
        if isinstance(known, bool):
            same = text.lower() == str(known).lower()
        elif isinstance(known, float):
            same = number == known
        else:
            same = (known or "") == text
        return same == (sign == "=")
    if isinstance(known, bool) or known in (None, ""):
        return False
    if sign == "^=":
        return isinstance(known, str) and known.startswith(text)
    if isinstance(known, str):
        is_year = len(text) == 4 and text.isdecimal()
        if number is not None and not (is_year and known[:4].isdecimal() and known[4:5] == "-"):
            return False
        left, right = known, text
    elif number is None:
        return False
    else:
        left, right = known, number
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign]


comparisons = st.builds(
    Comparison,
    st.sampled_from(["price", "sku"]),
    st.sampled_from(["=", "!=", "^=", "<", "<=", ">", ">="]),
    st.sampled_from(["1", "50", "-3.5", "dress", "2024", "2024-06", "true", "False", "d"]),
)
conditions = st.recursive(
    comparisons,
    lambda part: st.one_of(
        st.builds(Not, part),
        st.builds(And, st.lists(part, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(part, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)


@given(conditions, st.lists(st.tuples(*[st.sampled_from(VALUES)] * 2), min_size=1, max_size=8))
def test_rows_meet_what_a_naive_reading_says(
    condition: Condition, values: list[tuple[Any, Any]]
) -> None:
    rows = [{"price": price, "sku": sku} for price, sku in values]
    met = rows_meeting(condition, lambda name: column_of([row[name] for row in rows]))
    assert met.tolist() == [holds(condition, row) for row in rows]
    assert set(columns_of([condition])) <= {"price", "sku"}


def test_what_is_not_known_is_the_empty_value() -> None:
    column = column_of([None, 1.0, "a", True, ""])
    assert np.flatnonzero(rows_meeting(Comparison("x", "=", ""), lambda _: column)).tolist() == [
        0,
        4,
    ]
    assert rows_meeting(Comparison("x", "!=", ""), lambda _: column).sum() == 3
