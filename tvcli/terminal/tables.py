"""Tables on a terminal that may be too narrow for one, with text of others made harmless."""

from typing import TYPE_CHECKING

from tvcli.terminal.harmless import printable
from tvcli.terminal.progress import make_way

if TYPE_CHECKING:  # it takes a while to load, which tv --help does without
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

LEAST_FOLD = 16  # columns left for a path, which may be folded
GAP = 2


def new_table(title: str = "") -> "Table":
    """Return a table without lines, to be filled."""
    from rich.table import Table

    return Table(title=cell(title), title_justify="left", box=None, pad_edge=False)


def cell(text: str, style: str = "") -> "Text":
    """Return any text as it may stand in a table."""
    from rich.text import Text

    return Text(printable(text), style)


def show_table(table: "Table") -> None:
    """Print a table on standard output, as `print_table` does."""
    from rich.console import Console

    make_way()
    print_table(Console(), table)


def print_table(console: "Console", table: "Table") -> None:
    """Print a table; where its words would be broken, a line for each cell, row by row."""
    least = sum(_least_width(column) for column in table.columns) + GAP * (len(table.columns) - 1)
    if least <= console.width:
        console.print(table)
        return
    if table.title:
        console.print(table.title, soft_wrap=True)
    rows = zip(*(column.cells for column in table.columns), strict=True)
    for row in rows:
        for column, cell in zip(table.columns, row, strict=True):
            if str(cell):
                console.print(column.header, cell, soft_wrap=True)
        console.print()


def _least_width(column: "Column") -> int:
    """Return the width below which a word of a column is broken, which paths may be."""
    texts = [str(column.header), *map(str, column.cells)]
    longest = max((len(word) for text in texts for word in text.split()), default=0)
    if column.overflow != "fold":
        return longest
    return min(longest, max(LEAST_FOLD, len(str(column.header))))
