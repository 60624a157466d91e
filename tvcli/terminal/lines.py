"""Records as JSON Lines, to a file or to standard output."""

import sys
from collections.abc import Iterable
from pathlib import Path

from tvcli.core.files.own_files import OwnKind, check_own
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.records import Record, dump_record, write_records
from tvcli.terminal.streams import STREAM


def emit(output: str, records: Iterable[Record], kind: OwnKind = "records") -> int:
    """Write records to a file, which appears when whole, or as they come to `-`; return how many.

    Raises:
        UsageError: a file is in the way that does not hold records of the kind.
        OSError: the file cannot be written.
    """
    if output != STREAM:
        check_own(Path(output), kind)
        return write_records(Path(output), records)
    return print_lines(map(dump_record, records))


def print_lines(lines: Iterable[str]) -> int:
    """Write lines to standard output as they come; return how many."""
    count = 0
    for count, line in enumerate(lines, 1):  # noqa: B007
        sys.stdout.buffer.write(line.encode("utf-8", "surrogateescape") + b"\n")
        sys.stdout.buffer.flush()
    return count


def tsv_field(field: str) -> str:
    """Return a field of tab-separated values, as PostgreSQL and others write them."""
    for character, code in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        field = field.replace(character, code)
    return field


def base_of(output: str) -> Path:
    """Return the folder that image paths in an output are relative to."""
    folder = Path.cwd() if output == STREAM else Path(output).parent
    return Path(absolute_path(folder))
