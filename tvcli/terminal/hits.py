"""Hits on standard output, in the format asked for."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tvcli.core.files.records import Record, dump_record
from tvcli.terminal.harmless import as_argument, printable
from tvcli.terminal.lines import print_records, print_texts, tsv_field
from tvcli.terminal.tables import cell, new_table, show_table

if TYPE_CHECKING:  # it brings numpy, which tv --help does without
    from tvcli.core.searching.hits import Hit

HitFormat = Literal["table", "jsonl", "tsv", "paths", "html", "csv", "parquet"]


def print_hits(
    hits: "Iterable[Hit]", format: HitFormat | None, *, null: bool, allow: Sequence[Path]
) -> int:
    """Print hits and return how many; without a format, a table on a terminal, else JSON Lines.

    A page holds photos of the index's root and of the folders `allow` alone.
    """
    if format is None:
        format = "paths" if null else "table" if sys.stdout.isatty() else "jsonl"
    if format == "table":
        return _print_tables(hits)
    if format == "html":
        from tvcli.serve.page import hits_page

        found = list(hits)
        print_texts(hits_page(found, allow))
        return len(found)
    if format in ("csv", "parquet"):
        return print_records(map(_harmless, hits), format)
    return print_texts(_lines(hits, format, null))


def _harmless(hit: "Hit") -> Record:
    """Return a hit whose texts do not act on a terminal, if they go there."""
    record = hit.as_record()
    if not sys.stdout.isatty():
        return record
    return {n: printable(value) if isinstance(value, str) else value for n, value in record.items()}


def _lines(hits: "Iterable[Hit]", format: HitFormat, null: bool) -> Iterator[str]:
    shown = printable if sys.stdout.isatty() and not null else str
    for hit in hits:
        if format == "paths":
            yield shown(as_argument(hit.image)) + ("\0" if null else "\n")
        elif format == "tsv":
            fields = [hit.query, str(hit.rank), f"{hit.similarity:.6f}", hit.image, hit.label]
            fields += [f"{name}={value}" for name, value in hit.shown_fields.items()]
            yield "\t".join(shown(tsv_field(field)) for field in fields) + "\n"
        else:
            yield dump_record(hit.as_record()) + "\n"


def _print_tables(hits: "Iterable[Hit]") -> int:
    count = 0
    for (query, box), of_query in groupby(hits, key=lambda hit: hit.asked):
        found = list(of_query)
        part = "" if box is None else f"  [{', '.join(f'{side:.0f}' for side in box)}]"
        checked = found[0].check is not None
        probable = any(hit.probability is not None for hit in found)
        labelled = any(hit.label for hit in found)
        table = new_table(query + part)
        table.add_column("rank", justify="right", style="dim")
        table.add_column("similarity", justify="right")
        if probable:
            table.add_column("probability", justify="right")
        table.add_column("image", overflow="fold")
        if labelled:
            table.add_column("label", style="cyan")
        if checked:
            table.add_column("verified", style="green")
        names = sorted({name for hit in found for name in hit.fields})
        for field in names:
            table.add_column(cell(field), overflow="fold")
        for hit in found:
            count += 1
            name = cell(hit.image, "strike dim" if hit.missing else "")
            if hit.same_content:
                name.append(f" +{len(hit.same_content)}", style="dim")
            row: list[Any] = [str(hit.rank), f"{hit.similarity:.4f}"]
            if probable:
                row.append("" if hit.probability is None else f"{hit.probability:.4f}")
            row += [name, cell(hit.label)] if labelled else [name]
            if checked:
                row.append(hit.check.match.in_short if hit.check and hit.check.verified else "")
            row += [cell(hit.shown_fields.get(field, "")) for field in names]
            table.add_row(*row)
        show_table(table)
    return count
