"""Views and their targets on disk, rendered once: memory-mapped arrays that grow block by block."""

import json
import os
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scripts.mini.memory import keep_freed_memory
from scripts.mini.photos import training_photos
from scripts.mini.teachers import (
    GRID,
    TARGETS,
    Projection,
    Teachers,
    fitted_projection,
    load_projection,
)
from scripts.mini.views import SIDE, View, pair_of_views

BLOCK = 256  # views
FIT_BLOCKS = 24  # blocks whose pooled features fit the projection
LAYOUT = {
    "views": ((SIDE, SIDE, 3), "uint8"),
    "targets": ((GRID * GRID, TARGETS), "float16"),
    "logits": ((1000,), "float16"),
    "labels": ((), "int32"),
    "kinds": ((), "int32"),
    "photos": ((), "int32"),
}
Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Recipe:
    """What decides the cache's content."""

    views: int
    seed: int


@dataclass(frozen=True)
class Worker:
    """A process that renders blocks and asks the teachers about them, on one core."""

    folder: Path
    data: Path
    photos: Path
    recipe: Recipe

    def block(self, number: int) -> list[View]:
        """Render a block's views, both of a photo side by side."""
        photos, first = _photos(self.data, self.photos), number * BLOCK // 2
        pairs = [pair_of_views(photos, self.recipe.seed, first + i) for i in range(BLOCK // 2)]
        return [view for pair in pairs for view in pair]

    def pooled(self, number: int) -> NDArray[np.float32]:
        """Return a block's features, averaged over places: (BLOCK, 3392)."""
        return _teachers(self.data)(pixels_of(self.block(number)))[0].mean(1).numpy()

    def written(self, number: int) -> int:
        """Write a block with its targets; return its number."""
        arrays, views = opened(self.folder, self.recipe.views), self.block(number)
        pixels, rows = pixels_of(views), slice(number * BLOCK, (number + 1) * BLOCK)
        features, logits = _teachers(self.data)(pixels)
        arrays["views"][rows] = pixels.numpy()
        arrays["targets"][rows] = _projection(self.folder)(features).half().numpy()
        arrays["logits"][rows] = logits.half().numpy()
        arrays["labels"][rows] = [view.label for view in views]
        arrays["kinds"][rows] = [view.kind for view in views]
        arrays["photos"][rows] = [view.photo for view in views]
        return number


# Each process opens them once.
_photos = cache(training_photos)
_teachers = cache(Teachers)


@cache
def _projection(folder: Path) -> Projection:
    """Read the projection."""
    return load_projection(folder / "projection.pt")


def pixels_of(views: list[View]) -> Tensor:
    """Return (N, SIDE, SIDE, 3) uint8."""
    return torch.from_numpy(np.stack([view.pixels for view in views]))


def opened(folder: Path, views: int) -> Arrays:
    """Open the arrays, made where they are not there."""
    arrays: Arrays = {}
    for name, (shape, dtype) in LAYOUT.items():
        path = folder / f"{name}.npy"
        mode, full = "r+" if path.exists() else "w+", (views, *shape)
        arrays[name] = np.lib.format.open_memmap(path, mode=mode, dtype=dtype, shape=full)
    return arrays


def fill(worker: Worker) -> None:
    """Make every block that is not there yet, a process for each core."""
    folder, blocks = worker.folder, worker.recipe.views // BLOCK
    progress, projection = folder / "done.json", folder / "projection.pt"
    done = set(json.loads(progress.read_text())) if progress.exists() else set()
    left = [number for number in range(blocks) if number not in done]
    if not left:
        return
    with get_context("spawn").Pool(os.cpu_count(), one_thread) as pool:
        if not projection.exists():
            parts = pool.map(worker.pooled, range(min(blocks, FIT_BLOCKS)), chunksize=1)
            pooled = torch.from_numpy(np.concatenate(parts))
            torch.save(asdict(fitted_projection(pooled, TARGETS)), projection)
        for number in pool.imap_unordered(worker.written, left):
            done.add(number)
            progress.write_text(json.dumps(sorted(done)))
            print(f"views {len(done) * BLOCK}/{worker.recipe.views}", flush=True)


def one_thread() -> None:
    """Leave a process one core, and let it keep the memory that it frees."""
    keep_freed_memory()
    torch.set_num_threads(1)


def prepared(
    folder: Path, data: Path, photos: Path, recipe: Recipe
) -> tuple[Arrays, tuple[str, ...]]:
    """Return the filled arrays, and of each pair the set of its photo.

    A stopped run goes on where it was.

    Raises ValueError where the folder holds the cache of another recipe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    note, text = folder / "recipe.json", json.dumps(vars(recipe))
    if note.exists() and note.read_text() != text:
        raise ValueError(f"{folder} holds other views: {note.read_text()}, asked for {text}")
    note.write_text(text)
    arrays = opened(folder, recipe.views)
    fill(Worker(folder, data, photos, recipe))
    listed = training_photos(data, photos).listed
    return arrays, tuple(listed[number].source for number in arrays["photos"][::2])
