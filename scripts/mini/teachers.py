"""The teachers: two ImageNet networks, and the linear map of their features that `mini` learns."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision import models

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
GRID = 5  # targets are kept for GRID x GRID places of a view
TARGETS = 384  # channels of the targets
MOBILENET = "weights/mobilenet_v2-torchvision-from-qint8.pth"
SQUEEZENET = "weights/squeezenet1_1-torchvision-fp16src.pth"
# MobileNetV2's two last feature maps carry the meaning, SqueezeNet's the look of products.
WEIGHTS = (1.0, 1.0, 0.7)
CHANNELS = (320, 1280, 512)
POWER = 0.25  # of whitening: in between keeps both the classes and the single products apart


def normalised(views: Tensor) -> Tensor:
    """Return (N, H, W, 3) uint8 as (N, 3, H, W) float32 with ImageNet's mean and deviation."""
    mean = torch.tensor(MEAN, device=views.device)
    std = torch.tensor(STD, device=views.device)
    return ((views.float() / 255 - mean) / std).permute(0, 3, 1, 2)


def fold(module: nn.Module) -> None:
    """Fold every batch norm into the convolution before it: a third of a teacher's time on CPU."""
    for name, after in pairwise(list(module._modules)):
        conv, norm = module._modules[name], module._modules[after]
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            module._modules[name] = fuse_conv_bn_eval(conv, norm)
            module._modules[after] = nn.Identity()
    for child in module.children():
        fold(child)


def teacher(model: nn.Module, weights: Path, device: torch.device) -> Any:
    """Return the model with the weights, in eval mode as its file demands, norms folded."""
    model.load_state_dict(torch.load(weights, weights_only=True))
    fold(model.eval())
    return model.to(memory_format=torch.channels_last).to(device)


class Teachers:
    """Both networks: views -> their features on the grid, and class logits."""

    def __init__(self, data: Path, device: torch.device) -> None:
        self.device = device
        self.mobilenet = teacher(models.mobilenet_v2(), data / MOBILENET, device)
        self.squeezenet = teacher(models.squeezenet1_1(), data / SQUEEZENET, device)

    @torch.inference_mode()
    def __call__(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, 3) uint8 -> features (N, GRID*GRID, 2112), logits (N, 1000), float32."""
        with torch.autocast(self.device.type, torch.bfloat16):
            x = normalised(views.to(self.device))  # (N, 3, H, W)
            late = self.mobilenet.features[:18](x)  # (N, 320, H/32, W/32)
            last = self.mobilenet.features[18](late)  # (N, 1280, H/32, W/32)
            logits = self.mobilenet.classifier(last.mean((2, 3)))  # (N, 1000)
            look = self.squeezenet.features(x)  # (N, 512, ~H/16, ~W/16)
        maps = [F.adaptive_avg_pool2d(m.float(), GRID) for m in (late, last, look)]
        return torch.cat(maps, 1).flatten(2).mT, logits.float()


@dataclass(frozen=True)
class Projection:
    """A linear map of the features: (…, 2112) -> (…, D), of mean 0 and mean variance 1."""

    mean: Tensor  # (2112,)
    matrix: Tensor  # (2112, D)

    def __call__(self, features: Tensor) -> Tensor:
        """Return the targets of the features; a mean of targets is the target of the mean."""
        return (features - self.mean) @ self.matrix


def scales(centred: Tensor) -> Tensor:
    """Return the (2112,) factors that bring each teacher to its weight in total variance."""
    parts = torch.split(centred, list(CHANNELS), 1)
    each = [w / p.square().sum(1).mean().sqrt() for w, p in zip(WEIGHTS, parts, strict=True)]
    return torch.cat([s.expand(c) for s, c in zip(each, CHANNELS, strict=True)])


def fitted_projection(pooled: Tensor, channels: int) -> Projection:
    """Fit principal components, partly whitened, to pooled features (N, 2112) float32."""
    mean = pooled.mean(0)
    scale = scales(pooled - mean)
    values, vectors = torch.linalg.eigh(((pooled - mean) * scale).T.cov())
    values, vectors = values.flip(0)[:channels], vectors.flip(1)[:, :channels]
    shrunk = values ** (0.5 - POWER)  # the deviation that each component is given
    matrix = vectors * (shrunk / values.sqrt()) / shrunk.square().mean().sqrt()
    return Projection(mean, scale[:, None] * matrix)
