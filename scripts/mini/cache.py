"""Views and their targets on disk, rendered once: memory-mapped arrays that grow block by block."""

import json
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.pool import Pool
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scripts.mini.photos import Photos, training_photos
from scripts.mini.teachers import GRID, TARGETS, Projection, Teachers, fitted_projection
from scripts.mini.views import SIDE, View, random_view

BLOCK = 256
FIT_BLOCKS = 32  # blocks whose pooled features fit the projection
LAYOUT = {
    "views": ((SIDE, SIDE, 3), "uint8"),
    "targets": ((GRID * GRID, TARGETS), "float16"),
    "logits": ((1000,), "float16"),
    "labels": ((), "int32"),
}
Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Recipe:
    """What decides the cache's content."""

    views: int
    seed: int


def opened(folder: Path, views: int) -> Arrays:
    """Open the arrays, made where they are not there."""
    arrays: Arrays = {}
    for name, (shape, dtype) in LAYOUT.items():
        path = folder / f"{name}.npy"
        mode, full = "r+" if path.exists() else "w+", (views, *shape)
        arrays[name] = np.lib.format.open_memmap(path, mode=mode, dtype=dtype, shape=full)
    return arrays


def rendered(pool: Pool, start: int) -> tuple[Tensor, NDArray[np.int32]]:
    """Render one block in the pool's processes: (BLOCK, SIDE, SIDE, 3) uint8 and labels."""
    views: list[View] = pool.map(numbered_view, range(start, start + BLOCK), chunksize=32)
    pixels = torch.from_numpy(np.stack([view.pixels for view in views]))
    return pixels, np.array([view.label for view in views], np.int32)


# The pool's processes are forked and find the photos here: sent to them with every block, they
# would take longer than the rendering.
_SOURCE: list[tuple[dict[str, Photos], int]] = []


def numbered_view(number: int) -> View:
    """Render one view in a process of the pool."""
    photos, seed = _SOURCE[0]
    return random_view(photos, seed, number)


def view_pool(photos: dict[str, Photos], seed: int) -> Pool:
    """Return processes that render views of the photos."""
    _SOURCE[:] = [(photos, seed)]
    return get_context("fork").Pool(2)


def projection_of(folder: Path, teachers: Teachers, pool: Pool) -> Projection:
    """Load the projection, or fit it to the first blocks and save it."""
    path = folder / "projection.pt"
    if not path.exists():
        blocks = [teachers(rendered(pool, i * BLOCK)[0])[0].mean(1) for i in range(FIT_BLOCKS)]
        made = fitted_projection(torch.cat(blocks).cpu(), TARGETS)
        torch.save({"mean": made.mean, "matrix": made.matrix}, path)
    state = torch.load(path, weights_only=True, map_location=teachers.device)
    return Projection(state["mean"], state["matrix"])


def fill(arrays: Arrays, folder: Path, data: Path, recipe: Recipe, device: torch.device) -> None:
    """Render every block that is not there yet and ask the teachers about it."""
    progress = folder / "done.json"
    done = json.loads(progress.read_text()) if progress.exists() else 0
    if done >= recipe.views:
        return
    teachers = Teachers(data, device)
    with view_pool(training_photos(data), recipe.seed) as pool:
        project = projection_of(folder, teachers, pool)
        for start in range(done, recipe.views, BLOCK):
            write_block(arrays, start, pool, teachers, project)
            progress.write_text(json.dumps(start + BLOCK))
            print(f"views {start + BLOCK}/{recipe.views}", flush=True)


def write_block(
    arrays: Arrays, start: int, pool: Pool, teachers: Teachers, project: Projection
) -> None:
    """Render one block and write it with its targets."""
    pixels, labels = rendered(pool, start)
    features, logits = teachers(pixels)
    rows = slice(start, start + BLOCK)
    arrays["views"][rows] = pixels.numpy()
    arrays["targets"][rows] = project(features).half().cpu().numpy()
    arrays["logits"][rows] = logits.half().cpu().numpy()
    arrays["labels"][rows] = labels


def prepared(folder: Path, data: Path, recipe: Recipe, device: torch.device) -> Arrays:
    """Return the filled arrays; a stopped run goes on where it was.

    Raises ValueError where the folder holds the cache of another recipe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    note, text = folder / "recipe.json", json.dumps(vars(recipe))
    if note.exists() and note.read_text() != text:
        raise ValueError(f"{folder} holds other views: {note.read_text()}, asked for {text}")
    note.write_text(text)
    arrays = opened(folder, recipe.views)
    fill(arrays, folder, data, recipe, device)
    return arrays
