"""Reading files: rows and columns by name, the tensors of a head."""

import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts.attributes import read_attribute
from tvcli.core.files.artifacts.checks import check
from tvcli.core.files.artifacts.columns import ALL, Columns, Rows, Some, slices
from tvcli.core.files.artifacts.field_columns import (
    GROUP,
    TYPES,
    FieldColumn,
    parse_dataset_name,
    rows_of,
)
from tvcli.core.files.artifacts.kinds import FIELDS, TEXT, Dataset, Kind
from tvcli.core.files.artifacts.mapped import MappedRows, map_array, map_rows
from tvcli.core.files.artifacts.settings import read_settings
from tvcli.core.files.artifacts.source import Source
from tvcli.core.files.artifacts.texts import check_texts
from tvcli.core.files.paths import said_of_folder
from tvcli.core.files.pipes import told_unreadable


class Artifact:
    """An open file of a known kind; use it in a `with`."""

    def __init__(self, path: Path, file: h5py.File, source: Source, kind: Kind) -> None:
        self.path, self.kind, self._file, self._source = path, kind, file, source
        self.settings: dict[str, Any] = _json_attribute(file, "settings", path)
        self.provenance: dict[str, Any] = _json_attribute(file, "provenance", path)
        self._mapped: dict[str, MappedRows | None] = {}  # rows of datasets that are plain

    def __enter__(self) -> "Artifact":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return int(self._file[self.vectors].shape[0])

    @property
    def vectors(self) -> str:
        """The name of the main dataset: `encodings` or `embeddings`."""
        return next(iter(self.kind.datasets))

    @property
    def version(self) -> int:
        """The version that the file was written with."""
        return int(self._file.attrs["version"])

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of one row of the main dataset: (C, H, W) or (D,)."""
        return tuple(int(side) for side in self._file[self.vectors].shape[1:])

    @property
    def columns(self) -> list[str]:
        """The names of the datasets that the file has, in their declared order."""
        return [name for name in self.kind.datasets if name in self._file]

    def shapes(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Return the shape and dtype of every dataset, by name, groups included."""
        return dict(_shapes(self._file, ""))

    def read(self, name: str, rows: Some = ALL) -> Any:
        """Return rows of a column (all of them by default): an array, or a list of text.

        Row numbers may come in any order and repeat. A column the file lacks is all blank.

        Raises:
            BadInput: the data cannot be read.
        """
        declared = self.kind.datasets[name]
        if declared.dtype == FIELDS:
            typed = [(*key, self._column(path, TYPES[key[0]], rows)) for key, path in self._fields]
            return rows_of(typed, self._count(rows))
        if name not in self._present:
            return _blank(declared, self._count(rows))
        return self._column(name, declared, rows)

    def field(self, name: str, rows: Some = ALL) -> FieldColumn:
        """Return a field of some rows (all by default); raises BadInput as `read` does."""
        paths = {kind: path for (kind, field), path in self._fields if field == name}
        parts = [
            self._column(paths[kind], declared, rows)
            if kind in paths
            else _blank(declared, self._count(rows))
            for kind, declared in TYPES.items()
        ]
        return FieldColumn(*parts)

    @property
    def field_names(self) -> list[str]:
        """The names of its fields, in order."""
        return sorted({name for (_, name), _ in self._fields})

    @property
    def field_types(self) -> dict[str, set[str]]:
        """The types (number, text, truth) that rows have each field in, by its name."""
        found: dict[str, set[str]] = {name: set() for name in self.field_names}
        for (kind, name), _ in self._fields:
            found[name].add(kind)
        return found

    @cached_property
    def _fields(self) -> list[tuple[tuple[str, str], str]]:
        """The columns of fields: type, name, and the dataset's path."""
        if "fields" not in self.kind.datasets:
            return []
        return [(parse_dataset_name(key), f"{GROUP}/{key}") for key in self._file.get(GROUP, ())]

    def _column(self, name: str, declared: Dataset, rows: Some) -> Any:
        try:
            values = self._values(name, declared, rows)
        except Exception as error:  # h5py raises nearly anything on damaged files
            raise BadInput(f"{self.path}: {name} is damaged: {error}") from error
        if declared.dtype == TEXT:
            return [os.fsdecode(value) for value in values]
        return values

    def _count(self, rows: Some) -> int:
        return len(np.arange(len(self))[rows])

    @cached_property
    def _present(self) -> frozenset[str]:
        """The columns that the file has: to ask HDF5 takes as long as to read ten rows."""
        return frozenset(self.columns)

    def _values(self, name: str, declared: Dataset, rows: Some) -> Any:
        dataset = self._file[name]
        if declared.dtype == TEXT:
            check_texts(dataset, rows, self._source)
        if isinstance(rows, slice):
            return dataset[rows]
        if name not in self._mapped:
            self._mapped[name] = map_rows(self._source.fileno(), dataset)
        mapped = self._mapped[name]
        return _scattered(dataset, rows) if mapped is None else mapped.read(rows)

    def read_columns(self, rows: Some) -> Columns:
        """Return rows of every declared column, by name."""
        return {name: self.read(name, rows) for name in self.kind.datasets}

    def blocks(self, rows: int) -> Iterator[slice]:
        """Yield slices of at most `rows` rows that cover the file."""
        return slices(len(self), rows)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays under `state/` of a head; raises BadInput where they are damaged."""
        try:
            return {name: node[()] for name, node in self._file.get("state", {}).items()}
        except Exception as error:  # h5py raises nearly anything on damaged files
            raise BadInput(f"{self.path}: its state is damaged: {error}") from error

    def map_state(self, names: Iterable[str]) -> dict[str, npt.NDArray[Any]]:
        """Return those of some arrays under `state/` that are there, as maps of the file.

        Raises:
            BadInput: one of them is damaged.
        """
        try:
            state, descriptor = self._file.get("state", {}), self._source.fileno()
            return {name: map_array(descriptor, state[name]) for name in names if name in state}
        except Exception as error:  # h5py raises nearly anything on damaged files
            raise BadInput(f"{self.path}: its state is damaged: {error}") from error


KINDS_WANTED = {
    "encodings": "a file of tv encode (.h5)",
    "head": "a head that a training wrote (.h5)",
}


@contextmanager
def open_artifact(path: Path, *kinds: str) -> Iterator[Artifact]:
    """Open a file of one of some kinds (none named: any) after checking all that it declares.

    Raises:
        BadInput: not there, not HDF5, truncated, of another kind, or not as declared.
        Mismatch: written by a newer version.
    """
    if not path.exists():
        raise BadInput(f"{path}: no such file")
    if path.is_dir():
        wanted = " or ".join(KINDS_WANTED.get(kind, kind) for kind in kinds) or "an HDF5 file"
        raise BadInput(f"{path}: {said_of_folder(path)}, where {wanted} is needed")
    with told_unreadable(path):
        source = Source(path)
    with source, _open(path, source, kinds) as file:
        yield Artifact(path, file, source, check(path, file, source, kinds))


def _open(path: Path, source: Source, kinds: Sequence[str]) -> h5py.File:
    try:
        return h5py.File(source, "r")
    except Exception as error:  # h5py raises nearly anything on damaged files
        if kinds and (begin := _records_in(path)):
            if "encodings" in kinds and b'"anchor"' in begin:
                raise BadInput(f"{path}: triplets, where encodings are needed") from error
            encode = f"encode them first: tv encode {shlex.quote(str(path))} -o FILE.h5"
            how = encode if "encodings" in kinds else "name the head that a training wrote"
            raise BadInput(f"{path}: not an HDF5 file, but records; {how}") from error
        what = "truncated" if "truncated" in str(error) else "not an HDF5 file, or damaged"
        raise BadInput(f"{path}: {what}; make it again") from error


def _records_in(path: Path) -> bytes:
    """Return how a file of records begins, an object or an array of JSON; of another nothing."""
    with path.open("rb") as stream:
        begin = stream.read(4096)
    return begin if begin.startswith((b"{", b"[")) else b""


def _shapes(group: h5py.Group, before: str) -> Iterator[tuple[str, tuple[tuple[int, ...], str]]]:
    for name, node in group.items():  # h5py's own visitor follows trees that are not checked
        if isinstance(node, h5py.Dataset):
            kind = "text" if h5py.check_string_dtype(node.dtype) else str(node.dtype)
            yield before + name, (tuple(node.shape), kind)
        else:
            yield from _shapes(node, f"{before}{name}/")


def _json_attribute(file: h5py.File, name: str, path: Path) -> dict[str, Any]:
    try:
        text = str(read_attribute(file, name) or "{}")
    except Exception as error:  # h5py raises nearly anything on damaged files
        raise BadInput(f"{path}: its {name} cannot be read; make it again") from error
    return read_settings(text, path)


def _scattered(dataset: h5py.Dataset, rows: Rows) -> Any:
    wanted, places = np.unique(rows, return_inverse=True)  # h5py wants rising, unique numbers
    if dataset.ndim > 2:  # maps are a chunk each: one by one is 50 times faster than a selection
        return np.stack([dataset[row] for row in wanted])[places] if len(wanted) else dataset[:0]
    return dataset[wanted][places]


def _blank(declared: Dataset, count: int) -> Any:
    if declared.dtype == TEXT:
        return [""] * count
    return np.full((count, *(declared.tail or ())), declared.blank, dtype=declared.dtype)
