import pytest

from tvcli.core.reports import number_of


@pytest.mark.parametrize(
    ("count", "noun", "expected"),
    [
        (0, ("photo",), "0 photos"),
        (1, ("photo",), "1 photo"),
        (2, ("held-out photo",), "2 held-out photos"),
        (1, ("box", "boxes"), "1 box"),
        (12, ("box", "boxes"), "12 boxes"),
    ],
)
def test_numbers_of_things_are_words(count: int, noun: tuple[str, ...], expected: str) -> None:
    assert number_of(count, *noun) == expected
