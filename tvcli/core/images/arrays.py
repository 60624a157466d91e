"""Lines that serve arrays of numpy and tensors of torch alike, and so need neither of the two."""

from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from tvcli.core.images.float16 import as_float32

TINY = float(np.finfo(np.float32).tiny)  # what a length is at least, to be divided by

Array = TypeVar("Array", bound=Any)  # of numpy, or of torch on any device


def float32(values: Array) -> Array:
    """Return values as float32; those that are it already stay where they are."""
    if not isinstance(values, np.ndarray):
        return cast(Array, values.float())
    halves = values.dtype == np.float16
    return cast(Array, as_float32(values) if halves else values.astype(np.float32, copy=False))


def like(matrix: npt.NDArray[np.float32], other: Array) -> Array:
    """Return a matrix as the kind of array that another is, on its device."""
    found: Any = matrix if isinstance(other, np.ndarray) else other.new_tensor(matrix)
    return cast(Array, found)


def beside(first: Array, second: Array) -> Array:
    """Return vectors (N, C) and (N, D) side by side: (N, C + D)."""
    if isinstance(first, np.ndarray):
        return cast(Array, np.concatenate([first, second], axis=1))
    joined: Any = first.new_empty((len(first), first.shape[1] + second.shape[1]))
    joined[:, : first.shape[1]], joined[:, first.shape[1] :] = first, second
    return cast(Array, joined)


def unit(vectors: Array) -> Array:
    """Return vectors (N, C, ...) as float32 at length 1 along C; a zero vector stays zero."""
    values: Any = float32(vectors)
    if not isinstance(values, np.ndarray):
        lengths = (values * values).sum(axis=1, keepdims=True) ** 0.5
        return cast(Array, values / lengths.clip(min=TINY))
    norms = np.sqrt(np.einsum("nc...,nc...->n...", values, values))[:, None]  # no copy of squares
    own = None if values is vectors else values
    return cast(Array, np.divide(values, norms.clip(min=TINY), out=own))
