"""The student as it trains: the shipped trunk with batch norms, two heads, an averaged copy."""

import copy
from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from scripts.mini.teachers import GRID, TARGETS
from tvcli.core.backbones.mini import CHANNELS, Mini

CLASSES = 1000


class Student(nn.Module):
    """The trunk and two linear heads that are thrown away after training."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Mini(nn.BatchNorm2d)
        self.targets = nn.Linear(CHANNELS, TARGETS)
        self.classes = nn.Linear(CHANNELS, CLASSES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, 3, H, W) -> map (N, 256, h, w), targets (N, GRID*GRID, 384), logits (N, 1000)."""
        encoding = self.trunk(x)
        grid = F.adaptive_avg_pool2d(encoding, GRID).flatten(2).mT  # (N, GRID*GRID, C)
        return encoding, self.targets(grid), self.classes(grid.mean(1))


def averaged(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the average towards the model: weights and the norms' running statistics alike."""
    theirs = model.state_dict()
    with torch.no_grad():
        for name, value in average.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(theirs[name], 1 - decay)


def folded(trunk: Mini) -> Mini:
    """Return the trunk without batch norms, in eval mode."""
    trunk, plain = copy.deepcopy(trunk).cpu().eval(), Mini().eval()
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


@torch.no_grad()
def unfolded(plain: Mini, photos: Iterable[Tensor]) -> Mini:
    """Return a trunk with batch norms that computes what the plain one does.

    Each norm's statistics are those of its layer on the photos, (N, 3, H, W) float32 a batch; its
    scale and shift undo them.
    """
    trunk = Mini(nn.BatchNorm2d)
    pairs = list(zip(trunk.modules(), plain.modules(), strict=True))
    seen: dict[nn.Module, list[Tensor]] = {}
    hooks = []
    for theirs, ours in pairs:
        if isinstance(theirs, nn.Conv2d) and isinstance(ours, nn.Conv2d):
            theirs.load_state_dict(ours.state_dict())
        elif isinstance(theirs, nn.BatchNorm2d):
            seen[theirs] = []
            hooks.append(ours.register_forward_hook(kept_statistics(seen[theirs])))
    for batch in photos:
        plain(batch)
    for hook in hooks:
        hook.remove()
    for norm, found in seen.items():
        if isinstance(norm, nn.BatchNorm2d):
            mean, square = torch.stack(found).mean(0)  # (2, C)
            variance = square - mean.square()
            norm.running_mean, norm.running_var = mean, variance
            norm.weight.copy_((variance + norm.eps).sqrt())
            norm.bias.copy_(mean)
    return trunk


def kept_statistics(into: list[Tensor]) -> Callable[..., None]:
    """Return a hook that keeps each batch's mean and mean square by channel, (2, C)."""

    def hook(module: nn.Module, given: tuple[Tensor], made: Tensor) -> None:
        into.append(torch.stack([made.mean((0, 2, 3)), made.square().mean((0, 2, 3))]))

    return hook


@torch.no_grad()
def fitted_head(pooled: Tensor, wanted: Tensor, head: nn.Linear) -> None:
    """Set a linear head to the ridge regression from (N, 256) to what is wanted, (N, D)."""
    mean, goal = pooled.mean(0), wanted.mean(0)
    x, y = pooled - mean, wanted - goal
    spread = x.T @ x
    ridge = 1e-3 * spread.diagonal().mean() * torch.eye(len(spread))
    matrix = torch.linalg.solve(spread + ridge, x.T @ y)  # (256, D)
    head.weight.copy_(matrix.T)
    head.bias.copy_(goal - mean @ matrix)
