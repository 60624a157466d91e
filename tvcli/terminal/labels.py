"""Labels on standard output, as a table."""

from collections import Counter
from collections.abc import Iterable, Iterator

from tvcli.core.files.records import Record
from tvcli.terminal.harmless import printable
from tvcli.terminal.tables import print_table


def counted(records: Iterable[Record], given: Counter[bool]) -> Iterator[Record]:
    """Pass records on, and count those with a label and those without."""
    for record in records:
        if "image" in record:  # no note of a shard
            given[record["label"] is not None] += 1
        yield record


def print_labels(records: Iterable[Record]) -> int:
    """Print labels as a table; return how many there are."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    table.add_column("image", overflow="fold")
    table.add_column("box")
    table.add_column("label", style="cyan")
    table.add_column("probability", justify="right")
    table.add_column("candidate", style="dim")
    count = 0
    for count, record in enumerate(records, 1):  # noqa: B007
        box = ",".join(f"{side:.0f}" for side in record.get("box", ()))
        named = (printable(record[name] or "") for name in ("image", "label"))
        image, label = map(Text, named)
        candidate = Text(printable(record.get("candidate", "")))
        table.add_row(image, box, label, f"{record['probability']:.2f}", candidate)
    print_table(Console(), table)
    return count
