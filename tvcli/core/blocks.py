"""A stream in blocks, of which none is lost where the stream fails."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def blocks_of(
    items: Iterable[T], size: int, size_of: Callable[[T], int] = lambda _: 1
) -> Iterator[list[T]]:
    """Yield items in lists, each as soon as it has a size, the last of what is left.

    An error of the items is raised after a list of those before it: where line 9 of standard input
    is none, the lines before it are answered.
    """
    block: list[T] = []
    held = 0
    try:
        for item in items:
            block.append(item)
            held += size_of(item)
            if held >= size:
                yield block
                block, held = [], 0
    except Exception:
        if block:
            yield block
        raise
    if block:
        yield block
