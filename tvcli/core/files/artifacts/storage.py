"""How a dataset lies in its file: HDF5 makes room for whatever is declared, so it is looked at."""

import math
from pathlib import Path

import h5py

from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts.headers import FILL, OLD_FILL, messages
from tvcli.core.files.artifacts.source import Source

NO_FILL = 8  # bytes of a message without a value


def check_storage(path: Path, name: str, dataset: h5py.Dataset, source: Source) -> None:
    """See that a dataset is in its file, and plain.

    Raises:
        BadInput: it is not.
        ValueError, OSError: its header is laid out as none of `writer` is, or not in the file.
    """
    text = h5py.check_string_dtype(dataset.dtype) is not None
    if text and any(len(fill) > NO_FILL for fill in messages(dataset, source, FILL, OLD_FILL)):
        raise BadInput(f"{path}: {name} has a text for rows without one, as no file of tv has")
    if dataset.external or dataset.is_virtual:
        raise BadInput(f"{path}: {name} keeps its data in another file")
    if dataset.id.get_create_plist().get_nfilters():  # filters are code, for which tv has no use
        raise BadInput(f"{path}: {name} is compressed, which tv does not read")


def is_held(dataset: h5py.Dataset, length: int) -> bool:
    """Tell whether the values that a dataset declares are in its file of so many bytes."""
    size = math.prod(dataset.shape) * dataset.dtype.itemsize  # h5py's own goes round at 2**63
    return bool(size <= min(dataset.id.get_storage_size(), length))
