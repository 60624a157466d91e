"""Metrics on standard output: a table on a terminal, JSON Lines in a pipe."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from tvcli.core.files.records import dump_record
from tvcli.terminal.harmless import printable
from tvcli.terminal.lines import print_lines
from tvcli.terminal.logs import tell
from tvcli.terminal.tables import cell, new_table, show_table

if TYPE_CHECKING:  # it brings torch, which tv --help does without
    from tvcli.core.ranking.rank_training import Trained
    from tvcli.terminal.progress import TerminalReport

MetricFormat = Literal["table", "jsonl"]


def print_metrics(records: Sequence[dict[str, Any]], format: MetricFormat | None = None) -> None:
    """Print records of metrics; without a format, a table on a terminal, else JSON Lines."""
    if format is None:
        format = "table" if sys.stdout.isatty() else "jsonl"
    if format == "table":
        _print_table(records)
        return
    print_lines(map(dump_record, records))


def print_compared(
    records: Sequence[dict[str, Any]], first: str, second: str, format: MetricFormat | None = None
) -> None:
    """Print the metrics of two indexes; their names, which may be long, are above a table."""
    if format == "jsonl" or (format is None and not sys.stdout.isatty()):
        print_metrics(records, "jsonl")
        return
    rows = [
        {
            "metric": record["metric"],
            "first": record["value"],
            "second": record["other"],
            "second - first": f"{record['difference']:+z.4f}",
            "95 % interval": f"{record['low']:+z.4f} to {record['high']:+z.4f}",
        }
        for record in records
    ]
    print_lines(
        printable(f"{name}: {path}") for name, path in (("first", first), ("second", second))
    )
    print_metrics(rows, "table")


def explain_metrics() -> None:
    """Say on stderr what each metric means."""
    from tvcli.core.ranking.metrics import DEFINITIONS

    for name, meaning in DEFINITIONS.items():
        tell(f"{name}: {meaning}", event="definition")


def print_learned(trained: "Trained", report: "TerminalReport") -> None:
    """Print the metrics of held-out photos before and after; warn of each that fell.

    The starts that were tried are told beside, as a table.
    """
    if tried := trained.choice():
        report.note("starts that were tried, by the first hits of held-out photos and classes:")
    for line in _aligned([_tried(row) for row in tried]):
        report.note(line)
    report.note(trained.basis)
    records = [
        {"metric": name, "before": round(before, 4), "after": round(trained.after[name], 4)}
        for name, before in trained.before.items()
    ]
    print_metrics(records)
    fallen = [name for name, before in trained.before.items() if trained.after[name] < before]
    if fallen:
        report.note(
            f"warning: {' and '.join(fallen)} of held-out photos fell: more or other triplets, "
            f"a higher --hold or --start wccn may help"
        )


TRIED = {  # which measure a column of the starts holds, by what a head's file calls it
    "held-out photos": "hits of photos",
    "held-out classes": "hits of classes",
    "triplets": "triplets in order",
}


def _tried(row: dict[str, Any]) -> dict[str, str]:
    """Return a row of the starts that were tried, as text."""
    values = {TRIED.get(n, n): _text(value) for n, value in row.items() if n != "chosen"}
    return values | {"": "chosen" if row["chosen"] else ""}


def _aligned(rows: Sequence[dict[str, str]]) -> list[str]:
    """Return rows of text as lines of a table, with a first line of names."""
    if not rows:
        return []
    table = [{name: name for name in rows[0]}, *rows]
    widths = {name: max(len(row[name]) for row in table) for name in rows[0]}
    return ["  ".join(row[n].ljust(w) for n, w in widths.items()).rstrip() for row in table]


def _print_table(records: Sequence[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for record in records for name in record))
    table = new_table()
    for name in names:
        table.add_column(name, justify="left" if name == "metric" else "right")
    for record in records:
        table.add_row(*(cell(_text(record.get(name))) for name in names))
    show_table(table)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)
