"""Tables of records as others write them: CSV with a header, typed as JSON would be."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tvcli.core.errors import BadInput
from tvcli.core.files.records import MAX_LINE, Record, read_record_file

CSV = ".csv"
TEXTS = frozenset(("image", "label", "split", "target"))  # texts whatever they look like
BOX = ("x0", "y0", "x1", "y1")  # columns that make the box of a record
NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?")  # no 007, which is an article's number
TRUTHS = {"true": True, "false": False}
MOST_COLUMNS = 1000


def read_table_or_records(path: Path) -> Iterator[tuple[Record, str]]:
    """Yield the records of a CSV file (by its name) or of JSON, each with its place.

    Raises:
        BadInput: as `read_csv` and `read_record_file` do.
    """
    return read_csv(path) if path.suffix.lower() == CSV else read_record_file(path)


def read_csv(path: Path) -> Iterator[tuple[Record, str]]:
    """Yield the rows of a CSV file as records, each with its place; its first line names columns.

    Cells are numbers, true or false where they look like it, else texts; an empty cell is None.
    Columns x0, y0, x1, y1 are the `box`.

    Raises:
        BadInput: it cannot be read, is no CSV of UTF-8, has no header, or a row of other length.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            rows = csv.reader(stream, strict=True)
            names = next(rows, [])
            _check_header(path, names)
            for cells in rows:
                where = f"{path}:{rows.line_num}"
                if len(cells) != len(names) and cells:
                    raise BadInput(f"{where}: {len(cells)} cells under {len(names)} columns")
                if sum(map(len, cells)) > MAX_LINE:
                    raise BadInput(f"{where}: a row longer than {MAX_LINE >> 20} MiB")
                if cells:
                    yield _record(names, cells), where
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    except csv.Error as error:
        raise BadInput(f"{path}: not CSV: {error}") from error


def _check_header(path: Path, names: list[str]) -> None:
    if "image" not in names:
        raise BadInput(f'{path}: its first line names columns, "image" among them')
    if len(names) > MOST_COLUMNS or len(set(names)) < len(names):
        raise BadInput(f"{path}: a column is there twice, or more than {MOST_COLUMNS} are")


def _record(names: list[str], cells: list[str]) -> Record:
    record: Record = {name: _typed(name, cell) for name, cell in zip(names, cells, strict=True)}
    if all(record.get(side) is not None for side in BOX):
        record["box"] = [record.pop(side) for side in BOX]
    return record


def _typed(name: str, cell: str) -> Any:
    if cell == "":
        return None
    if name in TEXTS:
        return cell
    if NUMBER.fullmatch(cell):
        return float(cell) if "." in cell else int(cell)
    return TRUTHS.get(cell.lower(), cell)
