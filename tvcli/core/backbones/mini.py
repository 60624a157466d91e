"""`mini`, the embedded backbone: a small residual trunk whose weights ship with the package.

The sizes of a generation's layers are those of its tensors; the constants are the first one's.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tvcli.core.backbones.mini_files import WEIGHTS, about, opened_tensors

STAGES = ((32, 1), (64, 2), (256, 2))  # (channels, residual blocks); each halves the map's side
STEM = 32
CHANNELS = 256

Norm = Callable[[int], nn.Module]
Stages = Sequence[tuple[int, int]]


class NoNorm(nn.Identity):
    """Stands where training has a batch norm, which the shipped weights hold folded."""


def conv3x3(inputs: int, outputs: int, stride: int, norm: Norm) -> list[nn.Module]:
    """Return a 3x3 convolution and its norm."""
    return [nn.Conv2d(inputs, outputs, 3, stride, 1), norm(outputs)]


class Residual(nn.Module):
    """Two 3x3 convolutions beside an identity (He et al., 2016): (N, C, H, W) -> the same."""

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        first = conv3x3(channels, channels, 1, norm)
        second = conv3x3(channels, channels, 1, norm)
        self.body = nn.Sequential(*first, nn.ReLU(), *second)

    def forward(self, x: Tensor) -> Tensor:
        """Add what the body finds to the input and rectify."""
        return torch.relu(x + self.body(x))  # (N, C, H, W)


def trunk(norm: Norm, channels: int, stem: int, stages: Stages) -> nn.Sequential:
    """Return the layers in the order in which they run."""
    layers = [*conv3x3(3, stem, 2, norm), nn.ReLU()]
    inputs = stem
    for outputs, blocks in stages:
        layers += [*conv3x3(inputs, outputs, 2, norm), nn.ReLU()]
        layers += [Residual(outputs, norm) for _ in range(blocks)]
        inputs = outputs
    return nn.Sequential(*layers, nn.Conv2d(inputs, channels, 1))


class Mini(nn.Module):
    """The trunk: (N, 3, H, W) float32, normalised -> (N, C, ceil(H/16), ceil(W/16)) float32.

    The map is linear (not rectified) and centred. The cosine of two maps pooled as suits the
    weights is the similarity of their photos.
    """

    def __init__(
        self,
        norm: Norm = NoNorm,
        channels: int = CHANNELS,
        stem: int = STEM,
        stages: Stages = STAGES,
    ) -> None:
        super().__init__()
        self.layers = trunk(norm, channels, stem, stages)

    def forward(self, x: Tensor) -> Tensor:
        """Return the dense map of a batch of photos."""
        y: Tensor = self.layers(x)  # (N, C, ceil(H/16), ceil(W/16))
        return y


def load(path: Path = WEIGHTS) -> tuple[Mini, dict[str, Any]]:
    """Return the trunk in eval mode, float32, and what its file says of it.

    Raises as `opened_tensors`.
    """
    with opened_tensors(path, "pt") as file:
        state = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    stem, stages, channels = sizes(state)
    model = Mini(channels=channels, stem=stem, stages=stages)
    model.load_state_dict(state)
    return model.eval(), about(path)


def sizes(state: Mapping[str, Tensor]) -> tuple[int, Stages, int]:
    """Return the channels of the stem, the stages, and the channels of the map that weights have.

    A convolution begins each stage, and its residual blocks follow.
    """
    found: list[tuple[int, int]] = []
    for place in sorted({int(name.split(".")[1]) for name in state}):
        weight = state.get(f"layers.{place}.weight")
        if weight is None:
            channels, blocks = found.pop()
            found.append((channels, blocks + 1))
        else:
            found.append((len(weight), 0))
    (stem, _), *stages, (channels, _) = found
    return stem, stages, channels
