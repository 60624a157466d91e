"""Parquet by pyarrow (extra `parquet`): rows of records, in batches."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from tvcli.core.blocks import blocks_of
from tvcli.core.errors import BadInput
from tvcli.core.files.records import MAX_LINE, Record

MAGIC = b"PAR1"
ENCODINGS = b"tvcli.encodings"  # what metadata of encodings is called
ROWS_AT_ONCE = 4096
MOST_FOOTER = 2**26  # bytes
MOST_GROUP = 2**31  # bytes of a group of rows, uncompressed, as it is declared
MOST_COLUMNS = 1000
MOST_TEXT = 2**26  # bytes of the texts of rows in memory at once
BOXES = ("box", "crop")  # columns that may be lists


def arrow() -> Any:
    """Return the module pyarrow with its `parquet`; raises BadInput where it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise BadInput("pyarrow is not installed: pip install 'tvcli[parquet]'") from error
    return pyarrow


def is_parquet(path: Path) -> bool:
    """Tell whether a file is Parquet, by how it begins."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def is_encodings_table(path: str | Path) -> bool:
    """Tell whether a file is Parquet that `tv encode` wrote, by its metadata."""
    if not is_parquet(Path(path)):
        return False
    with Path(path).open("rb") as stream:
        end = stream.seek(0, 2)
        stream.seek(max(0, end - 8))
        length = min(int.from_bytes(stream.read(4), "little"), MOST_FOOTER)
        stream.seek(max(0, end - 8 - length))
        return ENCODINGS in stream.read(length)


@contextmanager
def open_parquet(path: Path) -> Iterator[Any]:
    """Open a Parquet file after checking how large it says its groups of rows are.

    Texts come as dictionaries: where one text stands in many rows, it is in memory once.

    Raises:
        BadInput: it cannot be read, is no Parquet, or its groups are too large to be held.
    """
    pa = arrow()
    try:
        with pa.parquet.ParquetFile(path) as file:
            about = file.metadata
            _check_sizes(path, about)
            texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
        with pa.parquet.ParquetFile(path, metadata=about, read_dictionary=texts) as file:
            yield file
    except (OSError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or ["damaged"])[0]
        raise BadInput(f"{path}: cannot be read as Parquet: {reason:.200}") from error


def _check_sizes(path: Path, about: Any) -> None:
    groups = [about.row_group(number) for number in range(about.num_row_groups)]
    if about.num_columns > MOST_COLUMNS or any(g.total_byte_size > MOST_GROUP for g in groups):
        raise BadInput(
            f"{path}: groups of more than {MOST_GROUP >> 30} GiB, or more than "
            f"{MOST_COLUMNS} columns: write it in smaller groups"
        )


def read_parquet(path: Path) -> Iterator[Record]:
    """Yield the rows of a Parquet file as records; dates become texts (ISO 8601).

    Columns of what can be no field, such as lists other than boxes, are not read: all of their
    values are `[]`.

    Raises:
        BadInput: as `open_parquet` does, it has no column `image`, a row is longer than `MAX_LINE`,
            or a date is of no year from 1 to 9999.
    """
    with open_parquet(path) as file:
        schema = file.schema_arrow
        if "image" not in schema.names:
            raise BadInput(f'{path}: no column "image"')
        known = [field.name for field in schema if _is_plain(field.type) or _is_box(field)]
        left: Record = {name: [] for name in schema.names if name not in (*known, "encodings")}
        _check_boxes(path, file, [field.name for field in schema if _is_box(field)])
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=known):
            for some in bounded(path, batch):
                yield from (left | row for row in plain_rows(path, some))


def bounded(path: Path, batch: Any) -> Iterator[Any]:
    """Yield the rows of a batch in parts whose texts are `MOST_TEXT` bytes at most, written out.

    A few bytes of Parquet may stand for one long text in thousands of rows.

    Raises:
        BadInput: those of one row are longer than `MAX_LINE`.
    """
    sizes = np.zeros(batch.num_rows, np.int64)
    for column in batch.columns:
        if arrow().types.is_dictionary(column.type):
            sizes += _sizes_of_texts(column)
    if sizes.max(initial=0) > MAX_LINE:
        raise BadInput(f"{path}: a row longer than {MAX_LINE >> 20} MiB")
    start = 0
    while start < len(sizes):
        count = max(1, int(np.searchsorted(np.cumsum(sizes[start:]), MOST_TEXT, "right")))
        yield batch.slice(start, count)
        start += count


def _sizes_of_texts(column: Any) -> npt.NDArray[np.int64]:
    """Return the bytes (n,) of each text of a column that is a dictionary; 0 for none."""
    import pyarrow.compute

    lengths = pyarrow.compute.binary_length(column.dictionary)
    sizes = pyarrow.compute.take(lengths, column.indices).fill_null(0)
    return np.asarray(sizes.to_numpy(zero_copy_only=False), np.int64)


def plain_rows(path: Path, batch: Any) -> list[Record]:
    """Return the rows of a batch by column; raises BadInput for dates of no year that there is."""
    columns = {
        name: _values(path, name, column)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _values(path: Path, name: str, column: Any) -> list[Any]:
    pa = arrow()
    try:
        if pa.types.is_timestamp(column.type):  # Python's have no nanoseconds
            column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
        return [_plain(value) for value in column.to_pylist()]
    except (OverflowError, ValueError, LookupError) as error:
        raise BadInput(f"{path}: column {name:.80}: {error}") from error


def _is_text(kind: Any) -> bool:
    types = arrow().types
    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _is_plain(kind: Any) -> bool:
    """Tell whether values of a type are numbers, texts, truths, dates or nothing."""
    types = arrow().types
    simple = (types.is_boolean, types.is_integer, types.is_floating, types.is_null)
    return _is_text(kind) or any(
        is_it(kind) for is_it in (*simple, types.is_date, types.is_timestamp)
    )


def _is_box(field: Any) -> bool:
    types = arrow().types
    is_list = types.is_list(field.type) or types.is_fixed_size_list(field.type)
    return field.name in BOXES and is_list and _is_plain(field.type.value_type)


def _check_boxes(path: Path, file: Any, names: list[str]) -> None:
    """See that lists of numbers that are boxes have the four of them; raises BadInput."""
    about = file.metadata
    for number in range(about.num_row_groups):
        group = about.row_group(number)
        for place in range(group.num_columns):
            column = group.column(place)
            top = column.path_in_schema.partition(".")[0]
            if top in names and column.num_values > 4 * group.num_rows:
                raise BadInput(f"{path}: column {top}: a box has four numbers")


def write_parquet(
    stream: IO[bytes], columns: Mapping[str, set[type]], rows: Iterable[Record]
) -> None:
    """Write plain rows in groups; `columns` are their names, and the types of their values.

    Raises:
        BadInput: pyarrow is not installed, or a text is not UTF-8.
    """
    pa = arrow()
    schema = pa.schema([(name, _type_of(types)) for name, types in columns.items()])
    with pa.parquet.ParquetWriter(stream, schema) as writer:
        for some in blocks_of(rows, ROWS_AT_ONCE):
            arrays = [
                [_fitting(row.get(name), types) for row in some] for name, types in columns.items()
            ]
            writer.write_batch(utf8(lambda: pa.record_batch(arrays, schema=schema)))  # noqa: B023


def utf8(make: Any) -> Any:
    """Return what a function makes of texts; raises BadInput where one is not UTF-8."""
    try:
        return make()
    except UnicodeEncodeError as error:
        raise BadInput(f"{error.object!r}: no UTF-8, which Parquet needs: rename it") from error


def _type_of(types: set[type]) -> Any:
    pa = arrow()
    if types <= {bool}:
        return pa.bool_()
    if types <= {int}:
        return pa.int64()
    return pa.float64() if types <= {int, float} else pa.string()


def _fitting(value: Any, types: set[type]) -> Any:
    """Return a value as its column has it: a text where the column has others, too."""
    mixed = not (types <= {bool} or types <= {int, float})
    if value is None or not mixed or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
