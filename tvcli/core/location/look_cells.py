"""Close looks of an encodings file, their maps averaged over a few cells: to learn from quickly."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from tvcli.core.encoding.finite import check_finite
from tvcli.core.files.artifacts import Artifact, open_artifact

GRID = 4  # cells a side over which a look's map is averaged
INSIDE, FILLED = 0.85, 0.3  # of the object in a look, of a look by the object: it is a close one
MOST_NUMBERS = 2**26  # of all looks learned from: looks are drawn where there are more
ROWS_READ_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Looks:
    """Looks (N, C, g, g) at photos (N,) by number, with whether they show the object (N,).

    `labels` are those of the objects, empty where not known; `window` is the shape of the maps. The
    last `distractors` looks are at things that ship with the backbone, not at the user's photos.
    """

    cells: Tensor
    shown: npt.NDArray[np.bool_]
    photos: npt.NDArray[np.intp]
    window: tuple[int, int]
    labels: tuple[str, ...] = ()
    distractors: int = 0

    @property
    def shipped(self) -> npt.NDArray[np.bool_]:
        """Which looks are distractors (N,)."""
        return np.arange(len(self.shown)) >= len(self.shown) - self.distractors

    @property
    def counts(self) -> tuple[int, int]:
        """How many photos there are with the object, and without it."""
        with_it, without = (
            len(np.unique(self.photos[self.shown == kind])) for kind in (True, False)
        )
        return with_it, without

    def beside(self, distractors: Tensor) -> "Looks":
        """Return these looks and distractors (M, C, g, g), each of a photo of its own."""
        count = len(distractors)
        first = int(self.photos.max(initial=-1)) + 1
        return Looks(
            torch.cat([self.cells, distractors]),
            np.concatenate([self.shown, np.zeros(count, bool)]),
            np.concatenate([self.photos, np.arange(first, first + count)]),
            self.window,
            (*self.labels, *[""] * count),
            count,
        )


def load_looks(crops_file: Path, seed: int) -> Looks:
    """Read close looks at objects, and looks at photos without one; held-out photos are left out.

    Raises:
        BadInput: maps that are not finite.
    """
    with open_artifact(crops_file, "encodings") as file:
        rows, shown = _rows(file, seed)
        _, photos = np.unique(np.array(file.read("image", rows)), return_inverse=True)
        down, across = file.row_shape[1:]
        labels = tuple(file.read("label", rows))
        return Looks(_cells(file, rows), shown, photos.astype(np.intp), (down, across), labels)


def _rows(file: Artifact, seed: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Return the rows of looks, and whether they show the object."""
    targets, split = np.array(file.read("target")), np.array(file.read("split"))
    boxes, regions = file.read("box"), file.read("region")
    sides = np.minimum(boxes[:, 2:], regions[:, 2:]) - np.maximum(boxes[:, :2], regions[:, :2])
    shared = sides.clip(min=0).prod(1)
    areas, looked = ((b[:, 2:] - b[:, :2]).prod(1).clip(min=1e-9) for b in (boxes, regions))
    close = (shared >= INSIDE * areas) & (shared >= FILLED * looked)
    usable = (targets == "look") & (split != "test") & (close | np.isnan(boxes).any(1))
    rows = np.flatnonzero(usable)
    most = max(1, MOST_NUMBERS // (file.row_shape[0] * GRID**2 * 2))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    return rows, close[rows]


def _cells(file: Artifact, rows: npt.NDArray[np.intp]) -> Tensor:
    """Return the maps of rows, averaged over cells: (N, C, GRID, GRID) float32."""
    found = [torch.zeros(0, file.row_shape[0], GRID, GRID)]
    for start in range(0, len(rows), ROWS_READ_AT_ONCE):
        own = rows[start : start + ROWS_READ_AT_ONCE]
        block = file.read("encodings", own)
        check_finite(block, partial(file.read, "image", own), file.path)
        maps = torch.from_numpy(block.astype(np.float32))
        found.append(F.adaptive_avg_pool2d(maps, GRID))
    return torch.cat(found)


def folds(photos: npt.NDArray[np.intp], count: int) -> npt.NDArray[np.intp]:
    """Return which of some parts each look (N,) is in: looks at one photo are in one part."""
    _, numbers = np.unique(photos, return_inverse=True)
    found: npt.NDArray[np.intp] = numbers % count
    return found


def kernel_of(weights: Tensor, window: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Return weights of cells (C, g, g) as weights of a map's places (C, h, w)."""
    places = torch.zeros(len(weights), *window, requires_grad=True)
    (F.adaptive_avg_pool2d(places, GRID) * weights).sum().backward()  # type: ignore[no-untyped-call]
    gradient: Any = places.grad  # of a linear function: its kernel
    kernel: npt.NDArray[np.float32] = gradient.numpy().astype(np.float32)
    return kernel
