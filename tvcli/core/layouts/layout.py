"""A layout of an index: which rows are shown, and where each lies on the plane."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tvcli.core.engines import Rows
from tvcli.core.errors import UsageError
from tvcli.core.indexes.index import Index
from tvcli.core.layouts.neighbourly import has_umap, umap_points
from tvcli.core.layouts.principal import Vectors, principal_components

METHODS = ("pca", "umap")
MOST = 200_000  # rows of a layout; of more, every second, third, ... is shown
ROWS_AT_ONCE = 4096  # read, as float32


@dataclass(frozen=True, slots=True)
class Layout:
    """Where rows of an index lie: `points` (n, 2) float32 of `rows` (n,), right and up.

    `explained` are the shares of the variance that the two axes show; None where axes mean nothing.
    """

    rows: Rows
    points: npt.NDArray[np.float32]
    explained: tuple[float, float] | None


def methods() -> tuple[str, ...]:
    """Return the methods that can be used here."""
    return METHODS if has_umap() else METHODS[:1]


def lay_out(index: Index, method: str, go_on: Callable[[], None] = lambda: None) -> Layout:
    """Return the layout of an index by `pca` or `umap`; the same rows give the same one.

    `go_on` is called between blocks of rows and may raise to end it.

    Raises:
        UsageError: another method, one that is not installed, or too few rows for it.
    """
    if method not in METHODS:
        raise UsageError(f"{method}: layouts are {' and '.join(METHODS)}")
    rows = np.arange(0, len(index), max(1, -(-len(index) // MOST)))

    def blocks() -> Iterator[Vectors]:
        for start in range(0, len(rows), ROWS_AT_ONCE):
            go_on()
            yield index.vectors(rows[start : start + ROWS_AT_ONCE])

    points, explained = principal_components(blocks, len(rows))
    if method == "pca":
        return Layout(rows, points, explained)
    return Layout(rows, umap_points(np.concatenate(list(blocks())), points), None)
