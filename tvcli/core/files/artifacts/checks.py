"""Checks of a file before anything in it is trusted: its kind, version, links, shapes, dtypes."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tvcli.core.errors import BadInput, Mismatch, Outdated, TvError
from tvcli.core.files.artifacts.attributes import check_attributes, read_attribute
from tvcli.core.files.artifacts.field_columns import MOST_COLUMNS, TYPES, parse_dataset_name
from tvcli.core.files.artifacts.headers import FILL, OLD_FILL, address_of, messages
from tvcli.core.files.artifacts.kinds import FIELDS, KINDS, TEXT, Dataset, Kind
from tvcli.core.files.artifacts.source import Source

MOST_NODES = 10_000  # groups and datasets of a file; a head has some dozens
NO_FILL = 8  # bytes of a message without a value


def check(path: Path, file: h5py.File, source: Source, kinds: Sequence[str]) -> Kind:
    """Return the kind of a file open on a source, one of `kinds` (none named: any).

    Raises:
        BadInput: of another kind, damaged, or not as declared.
        Mismatch: written by a newer version.
        Outdated: written by one too old.
    """
    try:
        check_attributes(path, file, source)
        kind = _kind_of(path, file, kinds)
        _check_links(path, file, {address_of(file["/"])}, source)
        _check_datasets(path, file, kind, source.length)
        _check_state(path, file, source.length)
    except TvError:
        raise
    except Exception as error:  # h5py raises nearly anything on damaged files
        raise BadInput(f"{path}: damaged: {error}") from error
    return kind


def _spoken(kind: str) -> str:
    return "a head" if kind == "head" else kind


def _kind_of(path: Path, file: h5py.File, kinds: Sequence[str]) -> Kind:
    name = read_attribute(file, "type")
    if not isinstance(name, str) or name not in KINDS:
        raise BadInput(f"{path}: HDF5, but not written by tv")
    kind = KINDS[name]
    if kinds and name not in kinds:
        raise BadInput(f"{path}: holds {_spoken(name)}, not {' or '.join(map(_spoken, kinds))}")
    version = read_attribute(file, "version")
    if not isinstance(version, int | np.integer) or version < 1:
        raise BadInput(f"{path}: no version; make it again")
    if version > kind.version:
        raise Mismatch(f"{path}: version {version} of {name}, written by a newer tv: upgrade tvcli")
    if version < kind.oldest:
        raise Outdated(f"{path}: version {version} of {name}, of an older tv; make it again")
    return kind


def _check_links(path: Path, group: h5py.Group, seen: set[int], source: Source) -> None:
    """See that all is inside the file, and in it once: no link leads elsewhere or back."""
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise BadInput(f"{path}: {name} is a link that leads elsewhere")
        node = group[name]
        address = address_of(node)
        if address in seen or len(seen) > MOST_NODES:
            raise BadInput(f"{path}: {name} is there twice, or among far too many")
        seen.add(address)
        if isinstance(node, h5py.Group):
            _check_links(path, node, seen, source)
        else:
            _check_storage(path, name, node, source)


def _check_state(path: Path, file: h5py.File, length: int) -> None:
    """See that a head's state holds the numbers it declares, and nothing but numbers."""
    state = file.get("state", {})
    for name, node in state.items():
        if not isinstance(node, h5py.Dataset) or node.dtype.kind not in "fiub":
            raise BadInput(f"{path}: state/{name} is not an array of numbers")
        if not _is_held(node, length):
            raise BadInput(f"{path}: state/{name} declares more than the file holds")


def _check_datasets(path: Path, file: h5py.File, kind: Kind, length: int) -> None:
    rows = None
    for name, declared in kind.datasets.items():
        if name not in file:
            if declared.required:
                raise BadInput(f"{path}: {name} is missing")
            continue
        parts = {name: (file[name], declared)}
        if declared.dtype == FIELDS:
            parts = _field_datasets(path, name, file[name])
        for part, (dataset, typed) in parts.items():
            _check_dataset(path, part, dataset, typed, length)
            rows = dataset.shape[0] if rows is None else rows
            if dataset.shape[0] != rows:
                raise BadInput(
                    f"{path}: {part} has {dataset.shape[0]} rows where others have {rows}"
                )


def _field_datasets(path: Path, name: str, group: Any) -> dict[str, tuple[Any, Dataset]]:
    """Return the datasets of fields, each with what it should be; raises BadInput for others."""
    if not isinstance(group, h5py.Group) or len(group) > MOST_COLUMNS:
        raise BadInput(f"{path}: {name} is not a group of at most {MOST_COLUMNS} columns")
    try:
        return {f"{name}/{key}": (group[key], TYPES[parse_dataset_name(key)[0]]) for key in group}
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None


def _check_dataset(path: Path, name: str, dataset: Any, declared: Dataset, length: int) -> None:
    if not isinstance(dataset, h5py.Dataset) or dataset.ndim < 1:
        raise BadInput(f"{path}: {name} is not a dataset of rows")
    text = h5py.check_string_dtype(dataset.dtype) is not None
    if text != (declared.dtype == TEXT) or not (text or dataset.dtype == np.dtype(declared.dtype)):
        raise BadInput(f"{path}: {name} is {dataset.dtype}, not {declared.dtype}")
    if declared.tail is not None and dataset.shape[1:] != declared.tail:
        raise BadInput(f"{path}: {name} has shape {dataset.shape}")
    if declared.required and not _is_held(dataset, length):
        raise BadInput(f"{path}: {name} declares more rows than the file holds")


def _check_storage(path: Path, name: str, dataset: h5py.Dataset, source: Source) -> None:
    """See that a dataset is in its file, and plain: HDF5 makes room for whatever is declared."""
    text = h5py.check_string_dtype(dataset.dtype) is not None
    if text and any(len(fill) > NO_FILL for fill in messages(dataset, source, FILL, OLD_FILL)):
        raise BadInput(f"{path}: {name} has a text for rows without one, as no file of tv has")
    if dataset.external or dataset.is_virtual:
        raise BadInput(f"{path}: {name} keeps its data in another file")
    if dataset.id.get_create_plist().get_nfilters():  # filters are code, for which tv has no use
        raise BadInput(f"{path}: {name} is compressed, which tv does not read")


def _is_held(dataset: h5py.Dataset, length: int) -> bool:
    """Tell whether the values that a dataset declares are in its file of so many bytes."""
    size = math.prod(dataset.shape) * dataset.dtype.itemsize  # h5py's own goes round at 2**63
    return bool(size <= min(dataset.id.get_storage_size(), length))
