"""Records as JSON Lines, to a file or to standard output."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tvcli.core.errors import UsageError
from tvcli.core.files.atomic_write import atomic_write, is_stream
from tvcli.core.files.locks import writing
from tvcli.core.files.own_files import OwnKind, check_own
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.records import Record, dump_record, write_records
from tvcli.terminal.progress import make_way
from tvcli.terminal.streams import STREAM

if TYPE_CHECKING:
    from tvcli.core.files.tables import TableFormat


def emit(
    output: str,
    records: Iterable[Record],
    kind: OwnKind = "records",
    table: "TableFormat | None" = None,
) -> int:
    """Write records to a file, which appears when whole, or as they come to `-`; return how many.

    As a `table` they are CSV or Parquet, with a column for each name.

    Raises:
        UsageError: a file is in the way that does not hold records of the kind.
        OSError: the file cannot be written.
    """
    if table is not None:
        return _emit_table(output, records, table)
    if output != STREAM:
        check_own(Path(output), kind)
        return write_records(Path(output), records)
    return print_lines(map(dump_record, records))


def _emit_table(output: str, records: Iterable[Record], table: "TableFormat") -> int:
    from tvcli.core.files.tables import write_table

    if output == STREAM:
        return print_records(records, table)
    check_own(Path(output), "table")
    path = Path(output)
    with writing(path), atomic_write(path) as partial, partial.open("wb") as stream:
        return write_table(stream, table, records)


def print_records(records: Iterable[Record], table: "TableFormat") -> int:
    """Write records to standard output as a table; return how many.

    Raises:
        UsageError: Parquet would go to a terminal.
    """
    from tvcli.core.files.tables import write_table

    if table == "parquet" and sys.stdout.isatty():
        raise UsageError("--format parquet: does not go to a terminal; pipe it on, or redirect it")
    count = write_table(sys.stdout.buffer, table, _then_make_way(records))
    sys.stdout.buffer.flush()
    return count


def _then_make_way(records: Iterable[Record]) -> Iterator[Record]:
    """Pass records on, which become a table when there are no more."""
    yield from records
    make_way()


def print_lines(lines: Iterable[str]) -> int:
    """Write lines to standard output as they come; return how many."""
    return print_texts(f"{line}\n" for line in lines)


def print_texts(texts: Iterable[str]) -> int:
    """Write texts to standard output as they come, each as it is; return how many."""
    count = 0
    for count, text in enumerate(texts, 1):  # noqa: B007
        make_way()
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    return count


def tsv_field(field: str) -> str:
    """Return a field of tab-separated values, as PostgreSQL and others write them."""
    for character, code in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        field = field.replace(character, code)
    return field


def base_of(output: str) -> Path:
    """Return the folder that image paths in an output are relative to."""
    to_stream = output == STREAM or is_stream(Path(output))
    folder = Path.cwd() if to_stream else Path(output).parent
    return Path(absolute_path(folder))
