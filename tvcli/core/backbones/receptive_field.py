"""Receptive fields: where a map's positions look, computed from the layers of a network."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch.fx
import torch.nn.functional as F
from torch import nn

from tvcli.core.backbones.geometry import Geometry

WINDOWS = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
GLOBAL = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.MultiheadAttention, nn.Flatten)
GLOBAL_CALLS: tuple[Callable[..., Any] | str, ...] = (
    F.adaptive_avg_pool2d,
    F.scaled_dot_product_attention,
    F.softmax,
    torch.flatten,
    "softmax",
    "flatten",
    "mean",
)

# Functions that torchvision's Swin keeps whole when traced, by name.
WINDOW_ATTENTION = "shifted_window_attention"
PATCH_MERGING = "_patch_merging_pad"


@dataclass(frozen=True, slots=True)
class _Reach:
    """Position i of a node sees input pixels `low + i * stride` to `high + i * stride`."""

    stride: int = 1
    low: int = 0
    high: int = 0
    context: bool = False
    local: bool = True  # False: nothing but context, as after a global pooling

    def window(self, kernel: int, stride: int, padding: int, dilation: int) -> "_Reach":
        low = self.low - padding * self.stride
        high = self.high + ((kernel - 1) * dilation - padding) * self.stride
        return _Reach(self.stride * stride, low, high, self.context, self.local)

    def join(self, other: "_Reach") -> "_Reach":
        context = self.context or other.context
        if not (self.local and other.local):
            kept = self if self.local else other
            return _Reach(kept.stride, kept.low, kept.high, True, kept.local)
        low, high = min(self.low, other.low), max(self.high, other.high)
        return _Reach(max(self.stride, other.stride), low, high, context)


def measure(module: nn.Module) -> Geometry:
    """Return the geometry of a network of one input, by following its graph of layers.

    The recursion is that of Araujo et al., "Computing Receptive Fields of Convolutional Neural
    Networks" (Distill, 2019), with unions over branches.
    """
    traced = module if isinstance(module, torch.fx.GraphModule) else torch.fx.symbolic_trace(module)
    layers = dict(traced.named_modules())
    reaches: dict[torch.fx.Node, _Reach] = {}
    result = _Reach()
    for node in traced.graph.nodes:
        inputs = [reaches[source] for source in node.all_input_nodes if source in reaches]
        reaches[node] = result = _follow(node, inputs, layers)
    field = result.high - result.low + 1
    return Geometry(result.stride, (result.low + result.high + 1) / 2, field, result.context)


def _follow(node: torch.fx.Node, inputs: list[_Reach], layers: dict[str, nn.Module]) -> _Reach:
    reach = inputs[0] if inputs else _Reach()
    for other in inputs[1:]:
        reach = reach.join(other)
    if node.op == "call_module":
        return _through(layers[str(node.target)], reach)
    if node.target in (F.max_pool2d, F.avg_pool2d):
        return reach.window(*_pool_arguments(node))
    name = getattr(node.target, "__name__", "")
    if name == PATCH_MERGING:
        return reach.window(kernel=2, stride=2, padding=0, dilation=1)
    if node.target in GLOBAL_CALLS or name == WINDOW_ATTENTION:
        return _Reach(reach.stride, reach.low, reach.high, True, local=False)
    if node.target is operator.getitem:
        return _Reach(reach.stride * _step(node), reach.low, reach.high, reach.context, reach.local)
    return reach


def _through(layer: nn.Module, reach: _Reach) -> _Reach:
    if isinstance(layer, WINDOWS):
        dilation = getattr(layer, "dilation", 1)
        values = (layer.kernel_size, layer.stride, layer.padding, dilation)
        return reach.window(*(_down(value) for value in values))
    if isinstance(layer, GLOBAL):
        return _Reach(reach.stride, reach.low, reach.high, True, local=False)
    return reach


def _step(node: torch.fx.Node) -> int:
    """Return the step of a slice such as x[:, ::2, ::2], by which Swin merges patches."""
    parts = node.args[1] if isinstance(node.args[1], tuple) else ()
    return max([1, *(int(p.step) for p in parts if isinstance(p, slice) and p.step)])


def _pool_arguments(node: torch.fx.Node) -> tuple[int, int, int, int]:
    given = dict(zip(("input", "kernel_size", "stride", "padding"), node.args, strict=False))
    given |= node.kwargs
    kernel: Any = given["kernel_size"]
    return _down(kernel), _down(given.get("stride") or kernel), _down(given.get("padding", 0)), 1


def _down(value: Any) -> int:
    """Return the vertical one of a layer's pair of settings."""
    return int(value[0] if isinstance(value, tuple | list) else value)
