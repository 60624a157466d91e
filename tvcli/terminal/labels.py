"""Labels on standard output, as a table."""

from collections import Counter
from collections.abc import Iterable, Iterator

from tvcli.core.files.records import Record
from tvcli.terminal.tables import cell, new_table, show_table


def counted(records: Iterable[Record], given: Counter[bool]) -> Iterator[Record]:
    """Pass records on, and count those with a label and those without."""
    for record in records:
        if "image" in record:  # no note of a shard
            given[record["label"] is not None] += 1
        yield record


def print_labels(records: Iterable[Record]) -> None:
    """Print labels as a table."""
    table = new_table()
    table.add_column("image", overflow="fold")
    table.add_column("box")
    table.add_column("label", style="cyan")
    table.add_column("probability", justify="right")
    table.add_column("candidate", style="dim")
    for record in records:
        box = ",".join(f"{side:.0f}" for side in record.get("box", ()))
        image, label = cell(record["image"]), cell(record["label"] or "")
        candidate = cell(record.get("candidate", ""))
        table.add_row(image, box, label, f"{record['probability']:.2f}", candidate)
    show_table(table)
