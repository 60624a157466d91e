"""Columns of texts, looked at before HDF5 reads them: it makes room for whatever they declare."""

import h5py
import numpy as np
import numpy.typing as npt

from tvcli.core.files.artifacts.columns import Rows, Some
from tvcli.core.files.artifacts.source import MOST_TEXT, Source

# What a row holds: the length of its text, and where in a heap it lies.
REFERENCE = np.dtype([("length", "<u4"), ("address", "<u8"), ("index", "<u4")])


def check_texts(dataset: h5py.Dataset, rows: Some, source: Source) -> None:
    """See that the texts of some rows are no longer than the file, alone and together.

    Raises:
        ValueError: they are, or are not stored as `writer` has them.
        OSError: a part of them is not in the file.
    """
    chunks = dataset.chunks
    if chunks is None or not dataset.id.get_type().is_variable_str():
        raise ValueError("not stored as texts of tv are")
    together = 0
    for chunk in _touched(dataset.shape[0], chunks[0], rows):
        lengths = _lengths(dataset, int(chunk) * chunks[0])
        together += int(lengths.sum(dtype=np.int64))
        if lengths.max(initial=0) > MOST_TEXT or together > source.length:
            raise ValueError("texts longer than the file")


def _touched(count: int, per_chunk: int, rows: Some) -> Rows:
    """Return the numbers of the chunks in which some of `count` rows are."""
    numbers = np.arange(count)[rows] if isinstance(rows, slice) else rows
    # np.unique of these loads masked arrays first, a twentieth of a search's start.
    return np.flatnonzero(np.bincount(numbers // per_chunk))


def _lengths(dataset: h5py.Dataset, row: int) -> npt.NDArray[np.uint32]:
    """Return the lengths of the texts in the chunk that begins with a row."""
    try:  # asked as HDF5 asks itself when it reads: a damaged tree may answer others differently
        _, data = dataset.id.read_direct_chunk((row,))
    except (OSError, RuntimeError):  # there is none: rows from before the column was made
        return np.zeros(0, np.uint32)
    if len(data) != dataset.chunks[0] * REFERENCE.itemsize:
        raise ValueError("a chunk of another size than declared")
    return np.frombuffer(data, REFERENCE)["length"]
