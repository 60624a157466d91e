"""How a dataset lies in its file: HDF5 makes room for whatever is declared, so it is looked at."""

import math
from pathlib import Path

import h5py

from tvcli.core.errors import BadInput


def check_storage(path: Path, name: str, dataset: h5py.Dataset, length: int) -> None:
    """See that a dataset is in its file of so many bytes, plain, in chunks no longer than that.

    Raises:
        BadInput: it is not.
    """
    if dataset.external or dataset.is_virtual:
        raise BadInput(f"{path}: {name} keeps its data in another file")
    if dataset.id.get_create_plist().get_nfilters():  # filters are code, for which tv has no use
        raise BadInput(f"{path}: {name} is compressed, which tv does not read")
    chunk = math.prod(dataset.chunks or ()) * dataset.dtype.itemsize
    if dataset.shape[:1] != (0,) and chunk > length:
        raise BadInput(f"{path}: {name} is in pieces larger than the file")


def is_held(dataset: h5py.Dataset, length: int) -> bool:
    """Tell whether the values that a dataset declares are in its file of so many bytes."""
    size = math.prod(dataset.shape) * dataset.dtype.itemsize  # h5py's own goes round at 2**63
    return bool(size <= min(dataset.id.get_storage_size(), length))
