"""The last touch: the map that ships is whitened in part, its channels staying what they are.

What a small student cannot tell it predicts near the mean, so that its vectors vary in few
directions. Whitening them in part brings the finer differences back.
"""

import torch
from torch import Tensor, nn

from scripts.mini.cache import Arrays
from scripts.mini.teachers import normalised
from tvcli.core.backbones.mini import Mini

POWER = 0.25  # of whitening: 0 none, 1 whole; chosen on validation photos (docs/notes/mini.md)
EVERY = 60  # how-manieth view takes part
LEAST = 1e-4  # of the largest variance, that a direction is taken to have


@torch.inference_mode()
def pooled(trunk: Mini, arrays: Arrays) -> Tensor:
    """Return the means of the maps of some views: (N, C) float32."""
    views = torch.from_numpy(arrays["views"][::EVERY])  # (N, S, S, 3) uint8
    return torch.cat([trunk(normalised(some)).mean((2, 3)) for some in torch.split(views, 64)])


def whitening(vectors: Tensor) -> Tensor:
    """Return the symmetric matrix (C, C) that whitens vectors in part, their mean variance 1.

    Of all whitenings the symmetric one moves the channels least (ZCA: Bell, Sejnowski 1997).
    """
    values, axes = torch.linalg.eigh(vectors.T.cov())
    values = values.clamp(min=LEAST * values.max())
    scale = values ** (-POWER / 2)  # of the deviation sqrt(values)
    scale = scale / (scale.square() * values).mean().sqrt()
    matrix: Tensor = (axes * scale) @ axes.T
    return matrix


@torch.no_grad()
def finished(trunk: Mini, arrays: Arrays) -> Mini:
    """Return the trunk as it ships: its map centred and whitened in part, in its last layer."""
    last, vectors = trunk.layers[-1], pooled(trunk, arrays)
    if not isinstance(last, nn.Conv2d) or last.bias is None:
        raise TypeError("the last layer is to be a convolution with a bias")
    matrix = whitening(vectors)
    last.weight.copy_((matrix @ last.weight.flatten(1))[:, :, None, None])
    last.bias.copy_(matrix @ (last.bias - vectors.mean(0)))
    return trunk
