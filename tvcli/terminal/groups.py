"""Groups of duplicates on standard output, in the format asked for."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tvcli.core.files.records import dump_record
from tvcli.terminal.harmless import as_argument, printable
from tvcli.terminal.lines import print_texts
from tvcli.terminal.tables import cell, new_table, show_table

if TYPE_CHECKING:  # it brings numpy, which tv --help does without
    from tvcli.core.deduping.dedupe import Group

GroupFormat = Literal["table", "jsonl", "paths", "html"]


def print_groups(
    groups: "Iterable[Group]", format: GroupFormat | None, *, null: bool, allow: Sequence[Path]
) -> tuple[int, int]:
    """Print groups; return how many there are, and how many photos are proposed to be dropped.

    Without a format: a table on a terminal, else JSON Lines. Paths are those to
    drop. A page holds photos of the folders `allow` alone.
    """
    if format is None:
        format = "paths" if null else "table" if sys.stdout.isatty() else "jsonl"
    found = list(groups)
    if format == "table":
        _print_tables(found)
    else:
        print_texts(_texts(found, format, null, allow))
    return len(found), sum(len(group.to_drop) for group in found)


def _texts(
    groups: "list[Group]", format: GroupFormat, null: bool, allow: Sequence[Path]
) -> Iterator[str]:
    if format == "html":
        from tvcli.serve.groups_page import groups_page

        yield from groups_page(groups, allow)
    for group in groups:
        if format == "jsonl":
            yield dump_record(group.as_record()) + "\n"
        elif format == "paths":
            shown = printable if sys.stdout.isatty() and not null else str
            yield from (
                shown(as_argument(image)) + ("\0" if null else "\n") for image in group.dropped
            )


def _print_tables(groups: "list[Group]") -> None:
    for group in groups:
        table = new_table(f"group {group.number}")
        table.add_column("", no_wrap=True)
        table.add_column("image", overflow="fold", ratio=2)
        table.add_column("pixels", justify="right", no_wrap=True)
        table.add_column("why", style="dim", overflow="fold", ratio=3)
        for member in group.members:
            action = cell(member.action, "green" if member.action == "keep" else "red")
            links = [f"also linked as {link}" for link in member.facts.links]
            why = "; ".join(
                part for part in (member.reason, member.transform_description, *links) if part
            )
            pixels = f"{member.facts.width}x{member.facts.height}"
            table.add_row(action, cell(member.facts.image), pixels, cell(why))
        show_table(table)
