"""Parquet by pyarrow (extra `parquet`): rows of records, in batches."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from tvcli.core.errors import BadInput
from tvcli.core.files.records import Record

MAGIC = b"PAR1"
ENCODINGS = b"tvcli.encodings"  # what metadata of encodings is called
ROWS_AT_ONCE = 4096
MOST_FOOTER = 2**26  # bytes
MOST_GROUP = 2**31  # bytes of a group of rows, uncompressed, as it is declared
MOST_COLUMNS = 1000


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

    Raises:
        BadInput: it cannot be read, is no Parquet, or its groups are too large to be held.
    """
    pa = arrow()
    try:
        with pa.parquet.ParquetFile(path) as file:
            about = file.metadata
            sizes = [about.row_group(n).total_byte_size for n in range(about.num_row_groups)]
            if max(sizes, default=0) > MOST_GROUP or about.num_columns > MOST_COLUMNS:
                raise BadInput(
                    f"{path}: groups of more than {MOST_GROUP >> 30} GiB, or more than "
                    f"{MOST_COLUMNS} columns: write it in smaller groups"
                )
            yield file
    except (OSError, pa.ArrowException) as error:
        reason = (str(error).splitlines() or ["damaged"])[0]
        raise BadInput(f"{path}: cannot be read as Parquet: {reason:.200}") from error


def read_parquet(path: Path) -> Iterator[Record]:
    """Yield the rows of a Parquet file as records; dates become texts (ISO 8601).

    Raises:
        BadInput: as `open_parquet` does, or it has no column `image`.
    """
    with open_parquet(path) as file:
        names = [name for name in file.schema_arrow.names if name != "encodings"]
        if "image" not in names:
            raise BadInput(f'{path}: no column "image"')
        for batch in file.iter_batches(ROWS_AT_ONCE, columns=names):
            yield from (
                {name: _plain(value) for name, value in row.items()} for row in batch.to_pylist()
            )


def write_parquet(
    stream: IO[bytes], columns: Mapping[str, set[type]], rows: Iterable[Record]
) -> None:
    """Write plain rows in groups; `columns` are their names, and the types of their values.

    Raises:
        BadInput: pyarrow is not installed, or a text is not UTF-8.
    """
    pa = arrow()
    schema = pa.schema([(name, _type_of(types)) for name, types in columns.items()])
    rest = iter(rows)
    with pa.parquet.ParquetWriter(stream, schema) as writer:
        while some := list(islice(rest, ROWS_AT_ONCE)):
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
