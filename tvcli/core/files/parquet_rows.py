"""Encodings as Parquet: `encodings` as lists of a fixed size, and what is known of each row.

The file's metadata has what an encodings file records, so that it can be read back.
"""

import json
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import Columns, open_artifact, write_artifact
from tvcli.core.files.artifacts.settings import read_settings
from tvcli.core.files.atomic_write import atomic_write, told_unwritable
from tvcli.core.files.fields import FieldReader, merged, shown
from tvcli.core.files.parquet import (
    ENCODINGS,
    ROWS_AT_ONCE,
    arrow,
    bounded,
    is_encodings_table,
    open_parquet,
    plain_rows,
    utf8,
)
from tvcli.core.files.paths import photos_root

BOXES = ("region", "box")
TEXTS = ("image", "digest", "label", "split", "target", "asked")
MOST_ROW = 2**27  # bytes of the encodings of a row, and of those read at once
FIXED = (*TEXTS, *BOXES, "flip", "position", "encodings")


def write_encodings_table(source: Path, target: Path) -> int:
    """Write an encodings file as Parquet, whole or not at all; return its rows.

    Raises:
        BadInput: pyarrow is not installed, a name is not UTF-8, or it cannot be written.
    """
    pa = arrow()
    with (
        open_artifact(source, "encodings") as rows,
        told_unwritable(target),
        atomic_write(target) as partial,
    ):
        shape = rows.row_shape
        about = {"settings": rows.settings, "provenance": rows.provenance, "shape": shape}
        fields = rows.field_types
        schema = _schema(fields, int(np.prod(shape)), json.dumps(about))
        with pa.parquet.ParquetWriter(partial, schema) as writer:
            for block in rows.blocks(ROWS_AT_ONCE):
                writer.write_batch(_batch(schema, fields, rows.read_columns(block)))
        return len(rows)


@contextmanager
def rows_file(path: Path) -> Iterator[Path]:
    """Give an encodings file: the path itself, or a temporary one made of a table of encodings.

    Raises:
        BadInput: as `read_encodings_table` does.
    """
    if not (path.is_file() and is_encodings_table(path)):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="tv-") as folder:
        made = Path(folder) / "rows.h5"
        read_encodings_table(path, made)
        yield made


def read_encodings_table(path: Path, target: Path) -> None:
    """Write an encodings file of what `write_encodings_table` wrote, its photos where they are.

    Raises:
        BadInput: it is none such, damaged, or larger than can be held.
    """
    with open_parquet(path) as file:
        text = (file.schema_arrow.metadata or {}).get(ENCODINGS, b"")
        about = read_settings(text.decode("utf-8", "replace"), path)
        shape = about["shape"]
        sound = isinstance(shape, list) and len(shape) in (1, 3)
        if not (sound and all(type(n) is int and n >= 0 for n in shape)):
            raise BadInput(f"{path}: its shape is damaged; make it again")
        size = 2 * math.prod(shape)
        if size > MOST_ROW or not _are_rows(file.schema_arrow, math.prod(shape)):
            raise BadInput(f"{path}: not as tv writes encodings, or rows of more than 128 MiB")
        settings = about["settings"]
        if all(isinstance(settings.get(name), str) for name in ("root", "root_absolute")):
            settings |= {"root": str(photos_root(settings, path.absolute().parent))}
        with write_artifact(target, "encodings", settings, about["provenance"]) as writer:
            for batch in file.iter_batches(min(ROWS_AT_ONCE, MOST_ROW // max(1, size))):
                for some in bounded(path, batch):
                    writer.append(_columns(path, some, tuple(shape)))
            if writer.rows == 0:
                writer.declare(tuple(shape))


def _are_rows(schema: Any, size: int) -> bool:
    """Tell whether the columns are those of encodings, with so many values a row."""
    pa = arrow()
    if any(schema.get_field_index(name) < 0 for name in FIXED):
        return False
    of_boxes = all(pa.types.is_fixed_size_list(schema.field(name).type) for name in BOXES)
    return of_boxes and schema.field("encodings").type == pa.list_(pa.float16(), size)


def _schema(fields: dict[str, set[str]], size: int, about: str) -> Any:
    pa = arrow()
    typed = {"number": pa.float64(), "truth": pa.bool_()}
    columns = [(name, pa.string()) for name in TEXTS]
    columns += [("flip", pa.bool_()), ("position", pa.int64())]
    columns += [(name, pa.list_(pa.float32(), 4)) for name in BOXES]
    for name, kinds in fields.items():
        kind = next(iter(kinds)) if len(kinds) == 1 else "text"
        columns.append((column_of_field(name), typed.get(kind, pa.string())))
    columns.append(("encodings", pa.list_(pa.float16(), size)))
    return pa.schema(columns, metadata={ENCODINGS: about.encode()})


def column_of_field(name: str) -> str:
    """Return what the column of a field is called, which may be named as another column is."""
    return f"field {name}" if name in FIXED or name.startswith("field ") else name


def _batch(schema: Any, fields: dict[str, set[str]], columns: Columns) -> Any:
    pa = arrow()
    values: dict[str, Any] = {name: columns[name] for name in (*TEXTS, "flip", "position")}
    for name in BOXES:
        known = [None if np.isnan(box).any() else box for box in columns[name]]
        values[name] = pa.array(known, schema.field(name).type)
    for name in fields:
        column = column_of_field(name)
        found = [row.get(name) for row in columns["fields"]]
        if schema.field(column).type == pa.string():
            found = [value if value is None else shown(value) for value in found]
        values[column] = found
    encodings = columns["encodings"]
    flat = pa.array(np.ascontiguousarray(encodings, np.float16).ravel())
    values["encodings"] = pa.FixedSizeListArray.from_arrays(flat, math.prod(encodings.shape[1:]))
    return utf8(lambda: pa.record_batch([values[name] for name in schema.names], schema=schema))


def _columns(path: Path, batch: Any, shape: tuple[int, ...]) -> Columns:
    """Return a batch of rows as an encodings file has them; raises BadInput for other ones."""
    try:
        found = {name: batch.column(name) for name in FIXED}
        count, size = batch.num_rows, int(np.prod(shape))
        values = found["encodings"].flatten().to_numpy(zero_copy_only=False)
        if values.dtype != np.float16 or found["encodings"].null_count:
            raise ValueError("its encodings are of another type")
        plain = {name: found[name].to_pylist() for name in FIXED if name != "encodings"}
        columns: Columns = {name: [text or "" for text in plain[name]] for name in TEXTS}
        columns["flip"] = np.array([bool(flip) for flip in plain["flip"]])
        columns["position"] = np.array([-1 if n is None else n for n in plain["position"]])
        for name in BOXES:
            boxes = [[np.nan] * 4 if box is None else box for box in plain[name]]
            columns[name] = np.array(boxes, np.float32).reshape(count, 4)
        columns["encodings"] = values.reshape(count, *shape) if size else values
    except (KeyError, ValueError, TypeError) as error:
        raise BadInput(f"{path}: not as tv writes encodings: {error}") from error
    reader = FieldReader()
    others = [name for name in batch.schema.names if name not in FIXED]
    rows = plain_rows(path, batch.select(others)) if others else [{}] * count
    columns["fields"] = [
        merged({}, reader.read({n.removeprefix("field "): v for n, v in row.items()}))
        for row in rows
    ]
    return columns
