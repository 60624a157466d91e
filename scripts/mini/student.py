"""The student as it trains: the shipped trunk with batch norms, a class head, an averaged copy."""

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from scripts.mini.teachers import GRID, TARGETS
from tvcli.core.backbones.mini import Mini

CLASSES = 1000


class Student(nn.Module):
    """The trunk and a linear class head that is thrown away after training."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Mini(nn.BatchNorm2d, TARGETS)
        self.head = nn.Linear(TARGETS, CLASSES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) -> the map on the targets' grid (N, GRID*GRID, C), logits (N, 1000)."""
        grid = F.adaptive_avg_pool2d(self.trunk(x), GRID)  # (N, C, GRID, GRID)
        grid = grid.flatten(2).mT  # (N, GRID*GRID, C)
        return grid, self.head(grid.mean(1))


def averaged(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the average towards the model: weights and the norms' running statistics alike."""
    theirs = model.state_dict()
    with torch.no_grad():
        for name, value in average.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(theirs[name], 1 - decay)


def folded(trunk: Mini) -> Mini:
    """Return the trunk without batch norms, in eval mode."""
    trunk, plain = copy.deepcopy(trunk).cpu().eval(), Mini(channels=TARGETS).eval()
    for theirs, ours in zip(trunk.modules(), plain.modules(), strict=True):
        if isinstance(theirs, nn.Conv2d) and isinstance(ours, nn.Conv2d):
            ours.load_state_dict(theirs.state_dict())
            conv = ours
        elif isinstance(theirs, nn.BatchNorm2d):
            fold_into(conv, theirs)
    return plain


def fold_into(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """Change the convolution to do what it and the norm did."""
    fused = fuse_conv_bn_eval(conv.eval(), norm)
    conv.weight, conv.bias = fused.weight, fused.bias
