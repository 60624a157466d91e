"""timm's models: the features of CNNs, and the patch tokens of vision transformers, as maps."""

import contextlib
import sys
from pathlib import Path
from typing import Any

import torch
import torch.fx
from torch import Tensor, nn

from tvcli.core.backbones.geometry import Geometry
from tvcli.core.backbones.layers import no_such_layer, tokens_as_map
from tvcli.core.backbones.receptive_field import measure
from tvcli.core.backbones.specs import not_by_user, not_downloaded
from tvcli.core.errors import BadInput, UsageError

PREFIX = "timm:"
LARGEST = 256  # pixels: transformers made for more run at SIZE, where their map is dense enough
SIZE = 224
TOKENS = ("blocks", "norm")  # parts of a transformer that give all its tokens
WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # as the hub has them, the safe one first


class Features(nn.Module):
    """A timm model up to where its head begins, or up to a layer: pictures in, maps out.

    Class and register tokens are dropped: the first `num_prefix_tokens` of the model's own.
    """

    def __init__(self, name: str, model: nn.Module, layer: str | None = None) -> None:
        super().__init__()
        self.name, self.model = name, model
        # ONNX cannot resize what such a model knows of positions to a picture's size
        self.exportable = not getattr(model, "dynamic_img_size", False)
        self.has_tokens = hasattr(model, "num_prefix_tokens")
        self._prefix = int(getattr(model, "num_prefix_tokens", 0) or 0)
        self._last = getattr(model, "output_fmt", "NCHW") == "NHWC"
        self._taken: list[Tensor] = []
        self._layer = layer
        if layer is not None:
            _named(model, layer).register_forward_hook(self._take)

    def _take(self, layer: nn.Module, given: Any, found: Tensor) -> None:
        self._taken.append(found)

    def forward(self, pictures: Tensor) -> Tensor:
        """Turn pictures (N, 3, H, W) into maps (N, C, h, w), or (N, D) of a layer of vectors.

        Raises:
            UsageError: the model cannot take pictures of that size.
        """
        height, width = int(pictures.shape[2]), int(pictures.shape[3])
        try:
            found = self._features(pictures)
        except (AssertionError, RuntimeError) as error:  # how timm and torch refuse a size
            if height == width == native_side(self.model):
                raise
            reason = str(error).splitlines()[0]
            raise UsageError(f"--size {height}: {self.name} cannot take it: {reason}") from None
        if found.ndim == 3:
            return tokens_as_map(found[:, self._prefix :], height, width)
        return found.permute(0, 3, 1, 2) if found.ndim == 4 and self._last else found

    def _features(self, pictures: Tensor) -> Tensor:
        found: Tensor = self.model.forward_features(pictures)  # type: ignore[operator]
        if self._layer is None:
            return found
        if not self._taken:  # a layer of the head
            self.model.forward_head(found)  # type: ignore[operator]
        taken = self._taken.pop()
        self._taken.clear()
        if not isinstance(taken, Tensor):
            raise UsageError(f"--layer {self._layer}: gives more than one tensor; take another")
        return taken

    def geometry(self) -> Geometry:
        """Return how the map lies over the pixels; of a transformer: its patches.

        Raises:
            UsageError: the layers cannot be followed.
        """
        patch = patch_side(self.model)
        if patch and (self._prefix or self.has_tokens):
            return Geometry(patch, patch / 2, patch, context=True)
        if self._layer is not None:
            raise UsageError(f"the geometry of a layer of {self.name} is not known")
        with contextlib.suppress(Exception):  # tracing fails in as many ways as models are written
            geometry = measure(_traced(self.model))
            if _fits(geometry, self.model):
                return geometry
        raise UsageError(f"the geometry of {self.name} cannot be computed from its layers")


def build(name: str) -> nn.Module:
    """Return an untrained model without its classifier, for pictures of any size where it can.

    Raises:
        UsageError: no such model, or the extra is missing.
    """
    timm = _timm()
    short = name.removeprefix(PREFIX)
    if short.split(".")[0] not in timm.list_models():
        raise _unknown(name, timm.list_models())
    try:
        with torch.device("meta"):
            sketch = timm.create_model(short, num_classes=0)
    except RuntimeError as error:  # a tag that is none, or a model that cannot be sketched
        if "pretrained" in str(error).lower() or "tag" in str(error).lower():
            raise UsageError(f"no backbone {name!r}: {error}") from None
        sketch = None
    options = {"dynamic_img_size": True} if hasattr(sketch, "dynamic_img_size") else {}
    model: nn.Module = timm.create_model(short, num_classes=0, **options)
    return model.eval()


def preprocessing(model: nn.Module) -> tuple[int, list[float], list[float], str]:
    """Return the input side in pixels, mean and std of its weights, and how maps are best pooled.

    A transformer of any size that was made for more than `LARGEST` pixels (DINOv2: 518) gets the
    largest multiple of its patch up to `SIZE`.
    """
    about: dict[str, Any] = model.pretrained_cfg  # type: ignore[assignment]
    size, patch = native_side(model), patch_side(model)
    if size > LARGEST and patch and hasattr(model, "dynamic_img_size"):
        size = SIZE // patch * patch
    has_tokens = hasattr(model, "num_prefix_tokens")
    is_transformer = patch or has_tokens or isinstance(getattr(model, "norm", None), nn.LayerNorm)
    pool = "mean" if is_transformer else "gem"  # of normed tokens half the values are below 0
    return size, list(about["mean"]), list(about["std"]), pool


def native_side(model: nn.Module) -> int:
    """Return the side in pixels of the pictures that a model's weights were made for."""
    about: dict[str, Any] = model.pretrained_cfg  # type: ignore[assignment]
    return int(about["input_size"][-1])


def patch_side(model: nn.Module) -> int | None:
    """Return the side in pixels of a transformer's patches; None where there are none."""
    size = getattr(getattr(model, "patch_embed", None), "patch_size", None)
    return None if size is None else int(size[0] if isinstance(size, tuple | list) else size)


def published_file(name: str, model: nn.Module, *, download: bool = True) -> Path:
    """Return the file of a model's published weights, downloaded once.

    Raises:
        BadInput: there is no network, or none are published.
        Mismatch: they are not here, and not to be downloaded.
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import EntryNotFoundError

    place = model.pretrained_cfg.get("hf_hub_id")  # type: ignore[operator, union-attr]
    if not place:
        raise BadInput(f"no weights of {name} are published: give a file with --weights FILE")
    for file in WEIGHTS:  # the client asks its makers something even for what is here
        if isinstance(kept := try_to_load_from_cache(place, file), str):
            return Path(kept)
    if not download:
        raise not_by_user(name)
    for file in WEIGHTS:
        try:
            return Path(hf_hub_download(place, file))
        except EntryNotFoundError as error:
            if "Local" in type(error).__name__:  # no network, and not in the cache
                raise not_downloaded(name, _cause(error)) from error
        except Exception as error:  # the client's, and those of what it is built on
            raise not_downloaded(name, _cause(error)) from error
    raise BadInput(f"no weights of {name} that load safely: give a file with --weights FILE")


def fitted(state: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Return weights by the names that timm has for them, where it knows the authors' own."""
    own = getattr(sys.modules[type(model).__module__], "checkpoint_filter_fn", None)
    if own is None:
        return state
    try:
        return dict(own(dict(state), model))
    except Exception:  # weights of another network: what is missing is said by who loads them
        return state


def _timm() -> Any:
    try:
        import timm
    except ImportError:
        raise UsageError(
            "--backbone timm:… needs the timm extra: pip install 'tvcli[timm]'"
        ) from None
    return timm


def _unknown(name: str, known: list[str]) -> UsageError:
    from difflib import get_close_matches

    near = get_close_matches(name.removeprefix(PREFIX).split(".")[0], known, 3)
    meant = f": did you mean {', '.join(PREFIX + n for n in near)}?" if near else ""
    return UsageError(f"no backbone {name!r}{meant or ' among timm’s models'}")


def _cause(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:80]


def _named(model: nn.Module, layer: str) -> nn.Module:
    layers = dict(model.named_modules())
    if layer not in layers:
        raise no_such_layer(layer, [name for name in layers if name])
    if hasattr(model, "num_prefix_tokens") and layer.split(".")[0] not in TOKENS:
        raise UsageError(f"--layer {layer}: of a transformer take a part of blocks, or norm")
    found: nn.Module = layers[layer]
    return found


class _Trunk(nn.Module):
    """A model without its head, to be traced."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.model.forward_features(x)  # type: ignore[operator]
        return found


def _traced(model: nn.Module) -> torch.fx.GraphModule:
    from torchvision.models.feature_extraction import NodePathTracer

    tracer = NodePathTracer()
    graph = tracer.trace(_Trunk(model))
    return torch.fx.GraphModule(tracer.root, graph)


@torch.inference_mode()
def _fits(geometry: Geometry, model: nn.Module) -> bool:
    """Tell whether a map is as dense as its geometry says; what is merged in a call shows here."""
    side = native_side(model)
    rows = _Trunk(model)(torch.zeros(1, 3, side, side)).shape[2]
    return bool(abs(side / geometry.stride - rows) <= 1)
