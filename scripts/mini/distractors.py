"""Writes what `mini` sees in photos of many kinds of things, which ships beside its weights.

    python -m scripts.mini.distractors PHOTOS

Of the photos, one of each kind, every second by name is taken: the others can tell what it gains.
Seen is the middle of a photo, as wide and high as `MIDDLE` of it, about as a locator sees what it
found. Kept are means over cells of the maps, of each channel in 255 steps.
"""

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from tvcli.core.backbones.mini_files import WEIGHTS
from tvcli.core.encoding.encoder import Encoder, make_encoder
from tvcli.core.files.records import Region
from tvcli.core.files.sources import walk_photos
from tvcli.core.images.photo import Photo, decode_photo, read_photo
from tvcli.core.location.look_cells import GRID

MIDDLE = 0.8
DISTRACTORS = WEIGHTS.with_name(f"{WEIGHTS.stem}-distractors.safetensors")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--out", type=Path, default=DISTRACTORS)
    given = parser.parse_args()
    encoder = make_encoder("mini")
    photos = sorted(walk_photos(given.photos))[::2]
    cells = torch.cat(
        [seen(encoder, decode_photo(read_photo(photo))) for photo in photos]
    )  # (N, C, g, g)
    scales = cells.abs().amax((0, 2, 3)).clamp(min=1e-9)[:, None, None] / 127
    kept = {"cells": (cells / scales).round().to(torch.int8), "scales": scales}
    save_file(kept, given.out, {"encoder": json.dumps(encoder.spec)})
    given.out.chmod(0o644)  # safetensors writes for the owner alone


def seen(encoder: Encoder, photo: Photo) -> Tensor:
    """Return the cells (1, C, g, g) of the middle of a photo."""
    left, top = (side * (1 - MIDDLE) / 2 for side in (photo.width, photo.height))
    middle = (left, top, photo.width - left, photo.height - top)
    maps = encoder.encode([encoder.look(photo, Region("", crop=middle))])  # (1, C, h, w)
    return F.adaptive_avg_pool2d(torch.from_numpy(maps), GRID)


if __name__ == "__main__":
    main()
