"""Files of HDF5: what each kind holds, declared as data, checked on open, written atomically.

The only module that imports h5py. Nothing in a file is ever unpickled, and links that lead out of
a file are refused.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import h5py  # noqa: TID251 - the one module that may
import numpy as np
import numpy.typing as npt

from tvcli.core.errors import BadInput, Mismatch, TvError

TEXT = "text"
COLUMN_CHUNK = 1024  # rows per chunk of the narrow columns


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset of a kind: its dtype (or TEXT), its shape after the rows, whether it must be."""

    dtype: str
    tail: tuple[int, ...] | None = ()  # None: any, and then each row is a chunk of its own
    required: bool = True
    blank: Any = None  # the value that means "not known"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: its name, the version written today, and its datasets."""

    name: str
    version: int
    datasets: dict[str, Dataset] = field(default_factory=dict)


ROW_COLUMNS = {
    "image": Dataset(TEXT, blank=""),
    "region": Dataset("f4", (4,)),
    "digest": Dataset(TEXT, blank=""),
    "box": Dataset("f4", (4,), required=False, blank=np.nan),
    "label": Dataset(TEXT, required=False, blank=""),
    "split": Dataset(TEXT, required=False, blank=""),
    "flip": Dataset("?", required=False, blank=False),
    "target": Dataset(TEXT, required=False, blank=""),
}
KINDS = {
    kind.name: kind
    for kind in (
        Kind("encodings", 1, {"encodings": Dataset("f2", None), **ROW_COLUMNS}),
        Kind("embeddings", 1, {"embeddings": Dataset("f2", None), **ROW_COLUMNS}),
        Kind("head", 1),
    )
}
# (kind, version of the file) -> what brings it to the next version; none are needed yet.
MIGRATIONS: dict[tuple[str, int], str] = {}

Columns = dict[str, Any]


class Artifact:
    """An open file of a known kind; use it in a `with`."""

    def __init__(self, path: Path, file: h5py.File, kind: Kind) -> None:
        self.path, self.kind, self._file = path, kind, file
        self.settings: dict[str, Any] = _json_attribute(file, "settings", path)
        self.provenance: dict[str, Any] = _json_attribute(file, "provenance", path)

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
        found: dict[str, tuple[tuple[int, ...], str]] = {}

        def visit(name: str, node: Any) -> None:
            if isinstance(node, h5py.Dataset):
                kind = "text" if h5py.check_string_dtype(node.dtype) else str(node.dtype)
                found[name] = (tuple(node.shape), kind)

        self._file.visititems(visit)
        return found

    def read(self, name: str, rows: slice | npt.NDArray[np.intp] | None = None) -> Any:
        """Return rows of a column (all of them by default): an array, or a list of text.

        Row numbers may come in any order and repeat. A column the file lacks is all blank.

        Raises:
            BadInput: the data cannot be read.
        """
        declared = self.kind.datasets[name]
        if name not in self._file:
            asked = np.arange(len(self))[slice(None) if rows is None else rows]
            return _blank(declared, len(asked))
        try:
            values = _fetch(self._file[name], rows)
        except (OSError, RuntimeError) as error:
            raise BadInput(f"{self.path}: {name} cannot be read: {error}") from error
        if declared.dtype == TEXT:
            return [os.fsdecode(value) for value in values]
        return values

    def read_columns(self, rows: slice | npt.NDArray[np.intp]) -> Columns:
        """Return rows of every declared column, by name."""
        return {name: self.read(name, rows) for name in self.kind.datasets}

    def blocks(self, rows: int) -> Iterator[slice]:
        """Yield slices of at most `rows` rows that cover the file."""
        for start in range(0, len(self), rows):
            yield slice(start, min(start + rows, len(self)))

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays under `state/` of a head."""
        if "state" not in self._file:
            return {}
        return {name: node[()] for name, node in self._file["state"].items()}


class Writer:
    """Appends rows to a file of a kind; `settings` and `provenance` become its attributes."""

    def __init__(
        self, path: Path, kind: str, settings: dict[str, Any], provenance: dict[str, Any]
    ) -> None:
        self.path, self.kind = path, KINDS[kind]
        self.settings, self.provenance = settings, provenance
        self.rows = 0
        self._file = h5py.File(path, "w", track_order=False)
        self._file.attrs["type"] = kind
        self._file.attrs["version"] = self.kind.version

    def append(self, columns: Columns) -> None:
        """Write one block of rows; an optional column is made at its first value known."""
        count = len(columns["image"])
        if count == 0:
            return
        for name, declared in self.kind.datasets.items():
            values = columns.get(name)
            if values is None or (not declared.required and _is_blank(declared, values)):
                continue
            dataset = self._dataset(name, declared, values)
            dataset.resize(self.rows + count, axis=0)
            dataset[self.rows :] = _stored(declared, values)
        self.rows += count

    def write_state(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Write the arrays of a head under `state/`."""
        group = self._file.create_group("state")
        for name, values in state.items():
            group.create_dataset(name, data=values)

    def close(self) -> None:
        """Bring all columns to the same length, write the attributes, flush and close."""
        self._file.attrs["settings"] = json.dumps(self.settings, sort_keys=True)
        self._file.attrs["provenance"] = json.dumps(self.provenance, sort_keys=True)
        for dataset in self._file.values():
            if isinstance(dataset, h5py.Dataset):
                dataset.resize(self.rows, axis=0)
        self._file.close()

    def _dataset(self, name: str, declared: Dataset, values: Any) -> h5py.Dataset:
        if name in self._file:
            return self._file[name]
        text = declared.dtype == TEXT
        tail = tuple(np.shape(values)[1:]) if declared.tail is None else declared.tail
        per_chunk = 1 if declared.tail is None and np.prod(tail) > 4096 else COLUMN_CHUNK
        return self._file.create_dataset(
            name,
            shape=(self.rows, *tail),
            maxshape=(None, *tail),
            chunks=(per_chunk, *tail),
            dtype=h5py.string_dtype() if text else declared.dtype,
            fillvalue=None if text else declared.blank,
        )


@contextmanager
def open_artifact(path: Path, *kinds: str) -> Iterator[Artifact]:
    """Open a file of one of some kinds (none named: any) after checking all that it declares.

    Raises:
        BadInput: not there, not HDF5, truncated, of another kind, or not as declared.
        Mismatch: written by a newer version.
    """
    file = _open(path)
    with file:
        yield Artifact(path, file, _check(path, file, kinds))


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
        BadInput: the folder cannot be written to, or the disk is full.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with _closing(Writer(partial, kind, settings, provenance)) as writer:
            yield writer
        if durable:
            sync(partial)
        partial.replace(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _closing(writer: Writer) -> Iterator[Writer]:
    try:
        yield writer
    except BaseException:
        writer._file.close()
        raise
    writer.close()


def sync(path: Path) -> None:
    """Have the system put a file on disk before it gets its name."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


@contextmanager
def spooled(stream: IO[bytes]) -> Iterator[Path]:
    """Keep an HDF5 file that comes through a pipe in a temporary file meanwhile."""
    with tempfile.NamedTemporaryFile(prefix="tv-", suffix=".h5") as file:
        while block := stream.read(2**20):
            file.write(block)
        file.flush()
        yield Path(file.name)


def _open(path: Path) -> h5py.File:
    if not path.exists():
        raise BadInput(f"{path}: no such file")
    if path.is_dir():
        raise BadInput(f"{path}: a folder where an HDF5 file is needed")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        what = "truncated" if "truncated" in str(error) else "not an HDF5 file, or damaged"
        raise BadInput(f"{path}: {what}; make it again") from error


def _check(path: Path, file: h5py.File, kinds: Sequence[str]) -> Kind:
    name = file.attrs.get("type")
    if not isinstance(name, str) or name not in KINDS:
        raise BadInput(f"{path}: HDF5, but not written by tv")
    kind = KINDS[name]
    if kinds and name not in kinds:
        raise BadInput(f"{path}: holds {name}, where {' or '.join(kinds)} are needed")
    version = file.attrs.get("version")
    if not isinstance(version, int | np.integer) or version < 1:
        raise BadInput(f"{path}: no version; make it again")
    if version > kind.version:
        raise Mismatch(f"{path}: version {version} of {name}, written by a newer tv: upgrade tvcli")
    try:
        _check_links(path, file)
        _check_datasets(path, file, kind)
    except TvError:
        raise
    except Exception as error:  # h5py raises nearly anything on damaged files
        raise BadInput(f"{path}: damaged: {error}") from error
    return kind


def _check_links(path: Path, group: h5py.Group, depth: int = 0) -> None:
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise BadInput(f"{path}: {name} is a link that leads elsewhere")
        node = group[name]
        if isinstance(node, h5py.Group):
            if depth > 2:
                raise BadInput(f"{path}: groups nested too deeply")
            _check_links(path, node, depth + 1)
        elif node.external or node.is_virtual:
            raise BadInput(f"{path}: {name} keeps its data in another file")


def _check_datasets(path: Path, file: h5py.File, kind: Kind) -> None:
    rows = None
    for name, declared in kind.datasets.items():
        if name not in file:
            if declared.required:
                raise BadInput(f"{path}: {name} is missing")
            continue
        dataset = file[name]
        _check_dataset(path, name, dataset, declared)
        rows = dataset.shape[0] if rows is None else rows
        if dataset.shape[0] != rows:
            raise BadInput(f"{path}: {name} has {dataset.shape[0]} rows where others have {rows}")


def _check_dataset(path: Path, name: str, dataset: Any, declared: Dataset) -> None:
    if not isinstance(dataset, h5py.Dataset) or dataset.ndim < 1:
        raise BadInput(f"{path}: {name} is not a dataset of rows")
    text = h5py.check_string_dtype(dataset.dtype) is not None
    if text != (declared.dtype == TEXT) or not (text or dataset.dtype == np.dtype(declared.dtype)):
        raise BadInput(f"{path}: {name} is {dataset.dtype}, not {declared.dtype}")
    if declared.tail is not None and dataset.shape[1:] != declared.tail:
        raise BadInput(f"{path}: {name} has shape {dataset.shape}")
    if declared.required and dataset.id.get_storage_size() < dataset.nbytes:
        raise BadInput(f"{path}: {name} declares more rows than the file holds")


def _json_attribute(file: h5py.File, name: str, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(str(file.attrs.get(name, "{}")))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BadInput(f"{path}: its {name} cannot be read")
    return value


def _fetch(dataset: h5py.Dataset, rows: slice | npt.NDArray[np.intp] | None) -> Any:
    if rows is None or isinstance(rows, slice):
        return dataset[rows if rows is not None else slice(None)]
    wanted, places = np.unique(rows, return_inverse=True)  # h5py wants rising, unique numbers
    return dataset[wanted][places]


def _stored(declared: Dataset, values: Any) -> Any:
    if declared.dtype == TEXT:
        return np.array([os.fsencode(value) for value in values], dtype=object)
    return np.asarray(values, dtype=declared.dtype)


def _is_blank(declared: Dataset, values: Any) -> bool:
    if declared.dtype == TEXT:
        return not any(values)
    if declared.dtype == "?":
        return not np.any(values)
    return bool(np.isnan(values).all())


def _blank(declared: Dataset, count: int) -> Any:
    if declared.dtype == TEXT:
        return [""] * count
    return np.full((count, *(declared.tail or ())), declared.blank, dtype=declared.dtype)
