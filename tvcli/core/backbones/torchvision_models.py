"""torchvision's classification models, cut where their maps end."""

import operator
import re
import sys
import urllib.error
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
import torch.fx
import torch.nn.functional as F
import torchvision
from torch import nn
from torchvision.models.feature_extraction import NodePathTracer

from tvcli.core.backbones.layers import no_such_layer
from tvcli.core.backbones.specs import not_by_user, not_downloaded
from tvcli.core.errors import UsageError
from tvcli.core.files.provenance import file_hash

POOLED_DENSELY = re.compile(r"alexnet|vgg")
# What torchvision itself sets where it loads published weights into these two.
AS_PUBLISHED = {
    name: {"init_weights": False, "transform_input": True} for name in ("googlenet", "inception_v3")
}
DOWNLOAD_TIMEOUT = 30  # seconds without an answer before there is no network


def names() -> list[str]:
    """Return the names of all classification models."""
    found: list[str] = torchvision.models.list_models(module=torchvision.models)
    return found


def build(name: str, layer: str | None) -> nn.Module:
    """Return an untrained model cut after `layer`, by default where its last map ends.

    For that map the last pooling of the AlexNet and VGG families gets stride 1, so that it is as
    dense as the convolutions before it (OverFeat, Sermanet et al. 2014, section 3.3).

    Raises:
        UsageError: no such model or layer.
    """
    if name not in names():
        raise UsageError(f"no backbone {name!r}: try mini, alexnet, vgg16, resnet50, …")
    model = _untrained(name)
    if layer is None and POOLED_DENSELY.match(name):
        poolings = [layer for layer in model.modules() if isinstance(layer, nn.MaxPool2d)]
        poolings[-1].stride = 1
    return model.eval()


def preprocessing(name: str) -> tuple[int, list[float], list[float]]:
    """Return the input side in pixels, mean and std that a model's published weights expect."""
    transform = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    return transform.crop_size[0], list(transform.mean), list(transform.std)


def cut(model: nn.Module, layer: str | None) -> nn.Module:
    """Return the part of a loaded model up to `layer` (None: the map before global pooling).

    Raises:
        UsageError: no such layer.
    """
    tracer = NodePathTracer()
    graph = tracer.trace(model)
    paths: dict[torch.fx.Node, str] = tracer.node_to_qualname
    end = _map_end(graph, paths, model) if layer is None else _named(paths, layer, model)
    for node in reversed(list(graph.nodes)):
        if node.op == "output":
            graph.erase_node(node)
    if layer is not None and _is_channels_last(model, layer):
        with graph.inserting_after(end):
            end = graph.call_function(torch.permute, (end, (0, 3, 1, 2)))
    graph.output(end)
    part = torch.fx.GraphModule(tracer.root, graph)
    part.graph.eliminate_dead_code()
    part.delete_all_unused_submodules()
    part.recompile()
    return part.eval()


def published_weights(name: str, *, download: bool = True) -> tuple[dict[str, torch.Tensor], str]:
    """Return a model's published weights and their SHA-256, downloaded once by torchvision.

    Raises:
        BadInput: there is no network.
        Mismatch: they are not here, and not to be downloaded.
    """
    import socket

    weights = torchvision.models.get_model_weights(name).DEFAULT
    if not (download or _file_of(weights.url).is_file()):
        raise not_by_user(name)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)
    try:
        state = torch.hub.load_state_dict_from_url(
            weights.url, progress=sys.stderr.isatty(), check_hash=True, weights_only=True
        )
    except (urllib.error.URLError, OSError) as error:
        raise not_downloaded(name, _cause(error)) from error
    finally:
        socket.setdefaulttimeout(before)
    return state, file_hash(_file_of(weights.url))


def _untrained(name: str) -> nn.Module:
    options = AS_PUBLISHED.get(name, {})
    try:
        with torch.device("meta"):  # initialises nothing: the weights will fill it all
            model: nn.Module = torchvision.models.get_model(name, weights=None, **options)
            return model.to_empty(device="cpu")
    except NotImplementedError:  # RegNet computes its widths with tensors
        built: nn.Module = torchvision.models.get_model(name, weights=None, **options)
        return built


def _file_of(url: str) -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(url).name


def _cause(error: OSError) -> str:
    reason = getattr(error, "reason", None) or error
    return str(getattr(reason, "strerror", None) or reason)


def _map_end(
    graph: torch.fx.Graph, paths: dict[torch.fx.Node, str], model: nn.Module
) -> torch.fx.Node:
    """Return what the last global pooling of a classifier pools, or the tokens of a transformer."""
    layers = dict(model.named_modules())
    poolings = [node for node in graph.nodes if _pools_globally(node, layers)]
    if not poolings:
        return _named(paths, "encoder", model)
    end: torch.fx.Node = poolings[-1].all_input_nodes[0]
    while paths.get(end, "").startswith("classifier"):  # SqueezeNet classifies before it pools
        end = end.all_input_nodes[0]
    return end


def _pools_globally(node: torch.fx.Node, layers: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return isinstance(layers[str(node.target)], nn.AdaptiveAvgPool2d)
    return node.target in (F.adaptive_avg_pool2d, "mean")


def _named(paths: dict[torch.fx.Node, str], layer: str, model: nn.Module) -> torch.fx.Node:
    wanted = _aliases(model).get(layer, layer)
    found = [n for n, path in paths.items() if path == wanted or path.startswith(wanted + ".")]
    if not found:
        raise no_such_layer(layer, [*_aliases(model), *_with_outer(list(paths.values())[1:])])
    last = next(reversed(found))
    if any(
        user.target is operator.getitem and isinstance(user.args[1], int) for user in last.users
    ):
        raise UsageError(f"--layer {layer}: gives more than one tensor; take one after it")
    return last


def _with_outer(paths: Iterable[str]) -> Iterator[str]:
    """Yield every path, and those of the modules around it."""
    for path in paths:
        parts = path.split(".")
        yield from (".".join(parts[:depth]) for depth in range(1, len(parts) + 1))


def _is_channels_last(model: nn.Module, layer: str) -> bool:
    """Tell whether a named layer gives (N, H, W, C), as the stages of Swin do."""
    is_swin = isinstance(model, torchvision.models.SwinTransformer)
    return is_swin and layer.startswith("features") and layer != "features.0.0"


def _aliases(model: nn.Module) -> dict[str, str]:
    """Return fc1, fc2 of a classifier of several layers: each linear layer after its ReLU.

    As in the Keras applications, whose fc2 ImaginAI compares; before the ReLU: `classifier.3`.
    """
    classifier = getattr(model, "classifier", None)
    if not isinstance(classifier, nn.Sequential):
        return {}
    layers = list(classifier)
    hidden = [
        place + 1
        for place, layer in enumerate(layers[:-1])
        if isinstance(layer, nn.Linear) and isinstance(layers[place + 1], nn.ReLU)
    ]
    return {f"fc{number}": f"classifier.{place}" for number, place in enumerate(hidden, 1)}
