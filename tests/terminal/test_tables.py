"""Tables on terminals of any width."""

import io

import pytest
from rich.console import Console
from rich.table import Table

from tvcli.terminal.tables import print_table


def printed(width: int) -> str:
    table = Table(box=None, pad_edge=False, title="query.jpg")
    table.add_column("rank", justify="right")
    table.add_column("similarity", justify="right")
    table.add_column("image", overflow="fold")
    table.add_column("label")
    table.add_row("1", "0.9876", "photos/a-long-folder/of-many-words/image.jpg", "evening dress")
    table.add_row("2", "0.5", "b.jpg", "")
    stream = io.StringIO()
    print_table(Console(file=stream, width=width), table)
    return stream.getvalue()


@pytest.mark.parametrize("width", [1, 20, 30, 60, 80, 200])
def test_no_word_is_broken(width: int) -> None:
    words = printed(width).split()
    for word in ("rank", "similarity", "label", "0.9876", "0.5", "evening", "dress", "b.jpg"):
        assert word in words, width
    path = "photos/a-long-folder/of-many-words/image.jpg"
    assert (path in words) == (width != 60)  # where there is room for a table a path is folded


def test_a_table_that_fits_is_one() -> None:
    lines = printed(80).splitlines()
    assert lines[1].split() == ["rank", "similarity", "image", "label"]
    assert len(lines) == 4
