"""Encoded crops in memory, their maps reduced: what the location heads learn from."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tvcli.core.encoding.finite import check_finite
from tvcli.core.errors import BadInput, Mismatch
from tvcli.core.files.artifacts import Artifact, open_artifact
from tvcli.core.location.basis import Basis
from tvcli.core.location.reduction import Reduction, fit_reduction

ROWS_READ_AT_ONCE = 256  # rows read at a time
SAMPLED_ROWS, SAMPLED_POSITIONS = 512, 24  # crops and positions of each that the axes come from


@dataclass(frozen=True, slots=True)
class CropSet:
    """Crops of some kinds: reduced maps (N, D, h, w) float16 and what is known of each.

    `boxes` (N, 4) float32 is the object relative to the crop, 0 to 1 from edge to edge (NaN where
    not known), `sides` (N, 2) the crop's width and height in pixels; `targets` and `labels` are
    lists of N texts, `images` their photos; `held_out` (N,) tells the crops of test photos.
    `sizes` (M,) are the sides of the objects as shares of their photos' short sides.
    """

    maps: Tensor
    boxes: Tensor
    sides: Tensor
    targets: list[str]
    labels: list[str]
    held_out: Tensor
    reduction: Reduction
    settings: dict[str, Any]
    images: list[str]
    sizes: npt.NDArray[np.float64]

    @property
    def basis(self) -> Basis:
        """How many crops, of how many photos, are to be learned from and held out."""
        pairs = list(zip(self.images, self.held_out.tolist(), strict=True))
        photos = [len({image for image, held in pairs if held is side}) for side in (False, True)]
        held_out = int(self.held_out.sum())
        return Basis(len(self) - held_out, photos[0], held_out, photos[1])

    def batch(self, rows: Tensor) -> Tensor:
        """Return the maps of some rows (B,), (B, D, h, w) float32."""
        last = self.maps.permute(0, 2, 3, 1)  # as they lie in memory: whole rows are copied
        return last.index_select(0, rows).float().permute(0, 3, 1, 2)

    def __len__(self) -> int:
        return len(self.maps)


def load_crops(path: Path, kinds: tuple[str, ...], seed: int = 0) -> CropSet:
    """Read the crops of some kinds (target, background, look) from an encodings file.

    Looks that show no object have no box to learn, and are left out.

    Raises:
        BadInput: no such crops, vectors where maps are needed, or maps that are not finite.
        Mismatch: crops that were not squashed to the square, so that boxes do not fit the maps.
    """
    with open_artifact(path, "encodings") as file:
        _check(file)
        targets = file.read("target")
        boxed = np.isfinite(file.read("box")).all(1)  # (N,)
        wanted = [k in kinds and (k != "look" or b) for k, b in zip(targets, boxed, strict=True)]
        rows = np.flatnonzero(wanted)
        if not len(rows):
            raise BadInput(f"{path}: no {' or '.join(kinds)} crops; make them with: tv crops")
        reduction = fit_reduction(_positions(file, rows, seed))
        maps = torch.cat([reduction(block).half() for block in _blocks(file, rows)])
        maps = maps.contiguous(memory_format=torch.channels_last)  # twice as fast on a CPU
        boxes, sides = _relative(file, rows)
        split, labels = file.read("split"), file.read("label")
        return CropSet(
            maps,
            boxes,
            sides,
            [targets[row] for row in rows],
            [labels[row] for row in rows],
            torch.tensor([split[row] == "test" for row in rows]),
            reduction,
            {name: file.settings[name] for name in ("encoder", "weights_file")},
            file.read("image", rows),
            object_sizes(file.read("image"), file.read("region"), file.read("box")),
        )


def _check(file: Artifact) -> None:
    if len(file.row_shape) != 3:
        raise BadInput(f"{file.path}: holds vectors; encode the crops again with --pool none")
    if (fit := file.settings["encoder"]["fit"]) != "squash":
        raise Mismatch(f"{file.path}: encoded with --fit {fit}; encode the crops with --fit squash")


def _blocks(file: Artifact, rows: Any) -> Iterator[Tensor]:
    for start in range(0, len(rows), ROWS_READ_AT_ONCE):
        own = rows[start : start + ROWS_READ_AT_ONCE]
        block = file.read("encodings", own)  # (B, C, h, w) float16
        check_finite(block, partial(file.read, "image", own), file.path)
        yield torch.from_numpy(block.astype(np.float32))


def _positions(file: Artifact, rows: Any, seed: int) -> Tensor:
    """Return position vectors of a sample of the crops, (M, C) float32."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(rows, min(SAMPLED_ROWS, len(rows)), replace=False)
    found = []
    for block in _blocks(file, np.sort(chosen)):
        vectors = block.flatten(2).transpose(1, 2)  # (B, h * w, C)
        places = rng.permutation(vectors.shape[1])[:SAMPLED_POSITIONS]
        found.append(vectors[:, torch.from_numpy(places)].flatten(0, 1))
    return torch.cat(found)


def object_sizes(
    images: list[str], regions: npt.NDArray[np.float32], boxes: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Return the side of every object (M,), the root of its area, by its photo's short side.

    Of each crop (N,) are known the image, the region, and its object's box, or NaN: (N, 4). How
    large a photo is the crops tell, of which one at least is the whole of it.
    """
    _, photos = np.unique(np.array(images), return_inverse=True)  # (N,)
    ends = np.zeros((photos.max(initial=-1) + 1, 2))
    np.maximum.at(ends, photos, regions[:, 2:])
    own = np.column_stack([photos, boxes])[np.isfinite(boxes).all(1)]  # (K, 5)
    own = np.unique(own, axis=0)  # (M, 5): each object once
    sides = np.sqrt((own[:, 3:] - own[:, 1:3]).prod(1))
    sizes: npt.NDArray[np.float64] = sides / ends[own[:, 0].astype(np.intp)].min(1)
    return sizes


def _relative(file: Artifact, rows: Any) -> tuple[Tensor, Tensor]:
    """Return the objects relative to their crops (N, 4), flips applied, and the crops' sides."""
    regions = torch.from_numpy(file.read("region", rows))  # (N, 4)
    boxes = torch.from_numpy(file.read("box", rows))  # (N, 4)
    flips = torch.from_numpy(file.read("flip", rows))  # (N,)
    sides = regions[:, 2:] - regions[:, :2]  # (N, 2)
    relative = (boxes - regions[:, [0, 1, 0, 1]]) / sides.repeat(1, 2)
    return torch.where(flips[:, None], mirrored(relative), relative), sides


def mirrored(boxes: Tensor) -> Tensor:
    """Return relative boxes (..., 4) as they are in the crop seen in a mirror."""
    x0, y0, x1, y1 = boxes.unbind(-1)
    return torch.stack([1 - x1, y0, 1 - x0, y1], -1)
