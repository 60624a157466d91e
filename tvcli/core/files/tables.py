"""Records as tables, for pandas, DuckDB, Spark and spreadsheets: CSV with a header, and Parquet.

A box is four columns, x0, y0, x1, y1; what is no number, text, true or false is a text of JSON.

Spreadsheets take a cell of CSV that begins with = + - or @ for a formula, whose texts may be
anybody's: such a text gets an apostrophe before it, which is taken off again where CSV is read. A
path gets `./`, with which it is the same file. Numbers are never touched.
Source: OWASP, "CSV Injection".
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Literal

from tvcli.core.errors import BadInput
from tvcli.core.files.external_sort import spilled
from tvcli.core.files.parquet import is_parquet, read_parquet, write_parquet
from tvcli.core.files.records import MAX_LINE, Record, read_record_file

TableFormat = Literal["csv", "parquet"]
CSV = ".csv"
TEXTS = frozenset(("image", "label", "split", "target"))  # texts whatever they look like
BOX = ("x0", "y0", "x1", "y1")  # columns that make the box of a record
NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?")  # no 007, which is an article's number
FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
GUARDED = re.compile("'" + FORMULA.pattern)
TRUTHS = {"true": True, "false": False}
MOST_COLUMNS = 1000


def table_format(name: str) -> TableFormat | None:
    """Return the format of a table by the name of its file; None for other files."""
    suffix = Path(name).suffix.lower()
    return "csv" if suffix == CSV else "parquet" if suffix == ".parquet" else None


def is_table(path: Path) -> bool:
    """Tell whether a file is a table of records: Parquet, or CSV (by its name) with an `image`."""
    if not path.is_file():
        return False
    if path.suffix.lower() != CSV:
        return is_parquet(path)
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            return "image" in next(csv.reader([stream.readline(MAX_LINE)]), [])
    except (OSError, csv.Error):
        return False


def read_table(path: Path) -> Iterator[tuple[Record, str]]:
    """Yield the rows of a table as records, each with its place.

    Raises:
        BadInput: as `read_csv` and `read_parquet` do.
    """
    if path.suffix.lower() == CSV:
        yield from read_csv(path)
        return
    for number, row in enumerate(read_parquet(path), 1):
        yield _with_box(row), f"{path}: row {number}"


def read_table_or_records(path: Path) -> Iterator[tuple[Record, str]]:
    """Yield the records of a table (by the file's name) or of JSON, each with its place.

    Raises:
        BadInput: as `read_table` and `read_record_file` do.
    """
    return read_table(path) if table_format(path.name) else read_record_file(path)


def write_table(stream: IO[bytes], format: TableFormat, records: Iterable[Record]) -> int:
    """Write records as a table, with a column for each name that any of them has; return how many.

    They are kept in a temporary file until all columns are known.

    Raises:
        BadInput: a name is not UTF-8, which Parquet needs, or pyarrow is not installed.
    """
    columns: dict[str, set[type]] = {}
    with spilled(_noted(map(flat, records), columns)) as rows:
        if format == "csv":
            _write_csv(stream, list(columns), rows)
        else:
            write_parquet(stream, columns, rows)
        return len(rows)


def _noted(rows: Iterable[Record], columns: dict[str, set[type]]) -> Iterator[Record]:
    """Yield rows, noting which columns they have, and the types of their values."""
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, set()).add(type(value))
        yield row


def flat(record: Record) -> Record:
    """Return a record whose box is four numbers, and whose other values are none but plain ones."""
    row: Record = {}
    for name, value in record.items():
        if name == "box" and value is not None:
            row |= zip(BOX, value, strict=True)
        elif isinstance(value, list | dict):
            row[name] = json.dumps(value)
        elif value is not None:
            row[name] = value
    return row


def _write_csv(stream: IO[bytes], names: list[str], rows: Iterable[Record]) -> None:
    text = io.TextIOWrapper(stream, "utf-8", "surrogateescape", newline="")
    try:
        plain = csv.writer(text, lineterminator="\n")
        quoting = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)

        def write(cells: list[Any]) -> None:
            broken = any(isinstance(cell, str) and "\r" in cell for cell in cells)
            (quoting if broken else plain).writerow(cells)  # CR alone ends a row for many readers

        if names:
            write([_harmless(name) for name in names])
        for row in rows:
            write([_cell(name, row.get(name)) for name in names])
    finally:
        text.detach()


def _cell(name: str, value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return value
    is_formula = FORMULA.match(value) is not None
    return f"./{value}" if is_formula and name == "image" else _harmless(value)


def _harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def _unguarded(text: str) -> str:
    """Return a text as it was before `_harmless`."""
    return text[1:] if GUARDED.match(text) else text


def read_csv(path: Path) -> Iterator[tuple[Record, str]]:
    """Yield the rows of a CSV file as records, each with its place; its first line names columns.

    Cells are numbers, true or false where they look like it, else texts; an empty cell is None. An
    apostrophe before = + - or @, which keeps a text from being a formula, is no part of the text.
    Columns x0, y0, x1, y1 are the `box`.

    Raises:
        BadInput: it cannot be read, is no CSV of UTF-8, has no header, or a row of other length.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            rows = csv.reader(stream, strict=True)
            names = [_unguarded(name) for name in next(rows, [])]
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
    return _with_box({n: _typed(n, cell) for n, cell in zip(names, cells, strict=True)})


def _with_box(record: Record) -> Record:
    """Return a record whose four columns of a box are its `box`."""
    sides = [record.pop(side, None) for side in BOX]
    return record if None in sides else record | {"box": sides}


def _typed(name: str, cell: str) -> Any:
    if cell == "":
        return None
    if name in TEXTS or GUARDED.match(cell):
        return _unguarded(cell)
    if NUMBER.fullmatch(cell):
        return float(cell) if "." in cell else int(cell)
    return TRUTHS.get(cell.lower(), cell)
