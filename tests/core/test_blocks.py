from collections.abc import Iterator
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvcli.core.blocks import blocks_of


@given(st.lists(st.integers(0, 5)), st.integers(1, 7))
def test_blocks_are_the_items_each_as_large_as_it_must_be(items: list[int], size: int) -> None:
    assert [len(block) for block in blocks_of(items, size)][:-1] == [size] * (
        (len(items) - 1) // size if items else 0
    )
    blocks = list(blocks_of(items, size, size_of=lambda item: item))
    assert list(chain.from_iterable(blocks)) == items
    for block in blocks[:-1]:
        assert sum(block) >= size > sum(block[:-1])


def test_what_came_before_an_error_is_given_before_it_is_raised() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise ValueError("line 6")

    blocks = blocks_of(items(), 3)
    assert [next(blocks), next(blocks)] == [[0, 1, 2], [3, 4]]
    with pytest.raises(ValueError, match="line 6"):
        next(blocks)
