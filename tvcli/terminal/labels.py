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
    """Print labels as a table; of boxes and candidates only where there are any."""
    found = list(records)
    boxed = any("box" in record for record in found)
    unsure = any("candidate" in record for record in found)
    table = new_table()
    table.add_column("image", overflow="fold")
    if boxed:
        table.add_column("box")
    table.add_column("label", style="cyan")
    table.add_column("probability", justify="right")
    if unsure:
        table.add_column("candidate", style="dim")
    for record in found:
        row = [cell(record["image"])]
        if boxed:
            row.append(cell(",".join(f"{side:.0f}" for side in record.get("box", ()))))
        row += [cell(record["label"] or ""), cell(f"{record['probability']:.2f}")]
        if unsure:
            row.append(cell(record.get("candidate", "")))
        table.add_row(*row)
    show_table(table)
