"""The last touch: the 384 targets, partly whitened, become the channels that ship.

What a small student cannot tell it predicts near the mean, so that its vectors vary in fewer
directions than the teachers'. Whitening them half brings the finer differences back.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scripts.mini.photos import Photos, Pixels, training_photos
from scripts.mini.teachers import normalised
from tvcli.core.backbones.mini import CHANNELS, Mini

POWER = 0.5
FEW = 16  # every how-manieth photo of tiny-imagenet takes part


def squashed(pixels: Pixels, side: int) -> Tensor:
    """Return a whole photo as (1, side, side, 3) uint8, as `tv` feeds it."""
    photo = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None]
    small = F.interpolate(photo, (side, side), mode="bilinear", antialias=True)
    return small.permute(0, 2, 3, 1)


@torch.inference_mode()
def embeddings(trunk: Mini, photos: Photos, every: int, side: int) -> Tensor:
    """Return the vectors of every so many photos of a set: (N, 384) float32."""
    rows = [trunk(normalised(squashed(p, side))).mean((2, 3)) for p in photos.pixels[::every]]
    return torch.cat(rows)


def whitening(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean (384,) and matrix (384, CHANNELS) of the partly whitened main directions."""
    values, axes = torch.linalg.eigh(vectors.T.cov())
    values, axes = values.flip(0)[:CHANNELS], axes.flip(1)[:, :CHANNELS]
    shrunk = values ** ((1 - POWER) / 2)  # the deviation that each direction is given
    return vectors.mean(0), axes * (shrunk / values.sqrt()) / shrunk.square().mean().sqrt()


def merged(trunk: Mini, mean: Tensor, matrix: Tensor) -> Mini:
    """Return the trunk with the map x -> (x - mean) @ matrix inside its last convolution."""
    last, shipped = trunk.layers[-1], Mini().eval()
    if not isinstance(last, nn.Conv2d) or last.bias is None:
        raise TypeError("the last layer is to be a convolution with a bias")
    state = dict(list(trunk.state_dict().items())[:-2])
    name = f"layers.{len(trunk.layers) - 1}"
    state[f"{name}.weight"] = (matrix.T @ last.weight.flatten(1))[:, :, None, None]
    state[f"{name}.bias"] = (last.bias - mean) @ matrix
    shipped.load_state_dict(state)
    return shipped


def finished(trunk: Mini, data: Path, side: int) -> Mini:
    """Return the trunk as it ships, its whitening fitted to whole training photos."""
    every = {"tiny": FEW}
    sets = training_photos(data).items()
    parts = [embeddings(trunk, photos, every.get(name, 1), side) for name, photos in sets]
    return merged(trunk, *whitening(torch.cat(parts)))
