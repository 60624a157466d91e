"""Writing files: block by block beside the target, which appears only when whole."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts.columns import Columns
from tvcli.core.files.artifacts.field_columns import GROUP, MOST_COLUMNS, stored_columns
from tvcli.core.files.artifacts.kinds import (
    CHUNK_BYTES,
    COLUMN_CHUNK,
    FIELDS,
    KINDS,
    TEXT,
    Dataset,
)
from tvcli.core.files.artifacts.sink import Sink
from tvcli.core.files.atomic_write import atomic_write, told_unwritable
from tvcli.core.files.locks import writing


class Writer:
    """Appends rows to a file of a kind; `settings` and `provenance` become its attributes."""

    def __init__(
        self, path: Path, kind: str, settings: dict[str, Any], provenance: dict[str, Any]
    ) -> None:
        self.path, self.kind = path, KINDS[kind]
        self.settings, self.provenance = settings, provenance
        self.rows = 0
        self._sink = Sink(path)
        # The oldest format: `headers` reads no other.
        self._file = h5py.File(self._sink, "w", libver="earliest", track_order=False)
        self._file.attrs["type"] = kind
        self._file.attrs["version"] = self.kind.version

    def append(self, columns: Columns) -> None:
        """Write one block of rows; an optional column is made at its first value known."""
        count = len(columns["image"])
        if count == 0:
            return
        for name, declared in self.kind.datasets.items():
            values = columns.get(name)
            if values is None:
                continue
            if declared.dtype == FIELDS:
                for field, (typed, column) in stored_columns(values).items():
                    self._append(field, typed, column, count)
            elif declared.required or not _is_blank(declared, values):
                self._append(name, declared, values, count)
        self.rows += count
        self._sink.check()

    def _append(self, name: str, declared: Dataset, values: Any, count: int) -> None:
        dataset = self._dataset(name, declared, values)
        dataset.resize(self.rows + count, axis=0)
        dataset[self.rows :] = _stored(declared, values)

    def declare(self, tail: tuple[int, ...]) -> None:
        """Make the columns of a file without rows, whose rows would have this shape."""
        for name, declared in self.kind.datasets.items():
            if declared.required:
                self._dataset(name, declared, np.zeros((0, *tail)))

    def write_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Write the arrays of a head under `state/`."""
        group = self._file.create_group("state")
        for name, values in state.items():
            group.create_dataset(name, data=values)

    def close(self) -> None:
        """Bring all columns to the same length, write the attributes, flush and close."""
        self._file.attrs["settings"] = json.dumps(self.settings, sort_keys=True)
        self._file.attrs["provenance"] = json.dumps(self.provenance, sort_keys=True)
        for dataset in [*self._file.values(), *self._file.get(GROUP, {}).values()]:
            if isinstance(dataset, h5py.Dataset):
                dataset.resize(self.rows, axis=0)
        self.give_up()
        self._sink.check()

    def give_up(self) -> None:
        """Close the file as it is."""
        self._file.close()
        self._sink.close()

    def _dataset(self, name: str, declared: Dataset, values: Any) -> h5py.Dataset:
        if name in self._file:
            return self._file[name]
        if name.startswith(f"{GROUP}/") and len(self._file.get(GROUP, ())) == MOST_COLUMNS:
            raise BadInput(f"{self.path}: more than {MOST_COLUMNS} columns of fields")
        text = declared.dtype == TEXT
        tail = tuple(np.shape(values)[1:]) if declared.tail is None else declared.tail
        large = np.prod(tail) > 4096 or len(tail) == 2  # maps and tables of key points
        size = np.dtype(declared.dtype).itemsize * int(np.prod(tail)) if large else 1
        per_chunk = max(CHUNK_BYTES // size, 1) if declared.tail is None and large else COLUMN_CHUNK
        return self._file.create_dataset(
            name,
            shape=(self.rows, *tail),
            maxshape=(None, *tail),
            chunks=(per_chunk, *tail),
            dtype=h5py.string_dtype() if text else declared.dtype,
            fillvalue=None if text else declared.blank,
        )


@contextmanager
def write_artifact(
    path: Path,
    kind: str,
    settings: dict[str, Any],
    provenance: dict[str, Any],
    *,
    durable: bool = True,
) -> Iterator[Writer]:
    """Write a file beside `path` and rename it when all went well; else `path` stays as it was.

    Not `durable` it survives a kill, but perhaps not a power cut.

    Raises:
        BadInput: the folder cannot be written to, the disk is full, or others are writing it.
    """
    with writing(path), told_unwritable(path), atomic_write(path) as partial:
        with _closing(Writer(partial, kind, settings, provenance)) as writer:
            yield writer
        if durable:
            sync(partial)


@contextmanager
def _closing(writer: Writer) -> Iterator[Writer]:
    try:
        yield writer
    except BaseException:
        writer.give_up()
        raise
    writer.close()


def sync(path: Path) -> None:
    """Have the system put a file on disk before it gets its name."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _stored(declared: Dataset, values: Any) -> Any:
    if declared.dtype == TEXT:
        return np.array([os.fsencode(value) for value in values], dtype=object)
    return np.asarray(values, dtype=declared.dtype)


def _is_blank(declared: Dataset, values: Any) -> bool:
    if declared.dtype == TEXT:
        return not any(values)
    if np.isnan(declared.blank):
        return bool(np.isnan(values).all())
    return bool((np.asarray(values) == declared.blank).all())
