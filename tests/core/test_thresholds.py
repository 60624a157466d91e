"""Thresholds of labels, as a command line says them."""

import pytest

from tvcli.core.errors import UsageError
from tvcli.core.location.thresholds import check_labels, parse_thresholds


def test_a_plain_value_is_for_all_and_a_label_has_its_own() -> None:
    assert parse_thresholds([]) == (None, {})
    assert parse_thresholds(["0.5"]) == (0.5, {})
    texts = ["red dress=0.8", "0.25", "a=b=1"]
    assert parse_thresholds(texts) == (0.25, {"red dress": 0.8, "a=b": 1.0})


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["dress"], "not a number, nor LABEL=NUMBER"),
        (["dress="], "not a number"),
        (["=0.5"], "no label"),
        (["1.5"], "not from 0 to 1"),
        (["dress=nan"], "not from 0 to 1"),
        (["0.1", "0.2"], "a plain value is given already"),
        (["a=0.1", "0.2", "a=0.2"], "that of a is given already"),
    ],
)
def test_what_is_no_threshold_is_named(texts: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_thresholds(texts)


def test_a_label_that_was_not_learned_is_refused_with_those_that_were() -> None:
    check_labels(["cat"], ["dog", "cat"])
    with pytest.raises(UsageError, match=r"cow=VALUE: not a label .* cat, dog"):
        check_labels(["cat", "cow"], ["dog", "cat"])
    with pytest.raises(UsageError, match="no labels"):
        check_labels(["cat"], [""])
