"""Distractors: what a backbone sees in photos of hundreds of kinds of things, shipped beside it.

They stand for what a locator will meet and nobody gave it photos of. Only means over cells of maps
are kept, a number of one byte each.
"""

import json
from typing import Any

from safetensors import SafetensorError
from torch import Tensor

from tvcli.core.backbones.catalogue import GENERATIONS
from tvcli.core.backbones.mini_files import FOLDER, opened_tensors
from tvcli.core.errors import Mismatch
from tvcli.core.location.look_cells import GRID

SAME = ("fit", "size")  # of an encoder's settings: else it sees things otherwise


def distractors_of(encoder: dict[str, Any]) -> Tensor | None:
    """Return cells (N, C, g, g) float32 as an encoder with these settings sees them, if they ship.

    They ship for `mini`, at its own size.

    Raises:
        BadInput: their file is damaged.
        Mismatch: it is another than ships.
    """
    for file in (FOLDER / f"{name}-distractors.safetensors" for name in GENERATIONS):
        if not file.exists():
            continue
        with opened_tensors(file, "pt") as shipped:
            try:
                made_by = _sees(json.loads(shipped.metadata()["encoder"]))
                kept, scales = (shipped.get_slice(name) for name in ("cells", "scales"))
                if kept.get_shape()[1:] != [*scales.get_shape()[:1], GRID, GRID]:
                    raise ValueError("cells of another shape")
                if made_by == _sees(encoder):
                    cells: Tensor = kept[:].float() * scales[:]  # (N, C, g, g), in the file int8
                    return cells
            except (AttributeError, KeyError, TypeError, ValueError, SafetensorError) as error:
                raise Mismatch(f"{file}: not what ships with tv: install tvcli again") from error
    return None


def _sees(encoder: dict[str, Any]) -> dict[str, Any]:
    network = {key: encoder["backbone"].get(key) for key in ("weights", "layer")}
    return network | {key: encoder[key] for key in SAME}
