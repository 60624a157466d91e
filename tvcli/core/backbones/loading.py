"""Backbones: frozen networks that turn pictures into dense maps, all behind one interface."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tvcli.core.backbones.catalogue import FAMILY
from tvcli.core.backbones.geometry import Geometry
from tvcli.core.backbones.layers import Classifier, linear_classifier, tokens_as_map
from tvcli.core.backbones.mini_files import is_mini, recorded_generation, spec_of, weights_of
from tvcli.core.backbones.receptive_field import measure
from tvcli.core.backbones.specs import BackboneSpec, Device, Pixels, Precision, Rows, Runtime
from tvcli.core.errors import BadInput, Mismatch, UsageError
from tvcli.core.files.provenance import file_hash
from tvcli.core.files.trusted import remember, was_named


class Backbone:
    """A frozen network run by torch: pictures in, dense maps (or vectors of a named layer) out."""

    runtime: Runtime = "torch"

    def __init__(
        self,
        spec: BackboneSpec,
        network: nn.Module,
        weights_file: Path | None = None,
        classifier: Classifier | None = None,
    ) -> None:
        self.spec, self.weights_file, self.classifier = spec, weights_file, classifier
        self.network = network.eval().requires_grad_(False)
        self.device = torch.device("cpu")
        self.precision: Precision = "fp32"
        self._mean = torch.tensor(spec.mean).mul(255).view(3, 1, 1)
        self._scale = torch.tensor(spec.std).mul(255).reciprocal().view(3, 1, 1)

    def to(self, device: Device = "auto", precision: Precision = "fp32") -> "Backbone":
        """Move to a device (auto: CUDA, MPS, CPU, the first there is) and choose the arithmetic.

        Raises:
            UsageError: the device is not there.
        """
        self.device, self.precision = find_device(device), precision
        self.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._mean, self._scale = self._mean.to(self.device), self._scale.to(self.device)
        return self

    @property
    def on_cpu(self) -> bool:
        """Whether it shares the cores with decoding."""
        return self.device.type == "cpu"

    @torch.inference_mode()
    def __call__(self, pixels: Tensor) -> Tensor:
        """Encode pictures.

        Takes (N, H, W, 3) uint8, gives maps (N, C, h, w) float32, or (N, D) of a vector layer.
        """
        return self.forward(pixels)

    @torch.inference_mode()
    def rows(self, pixels: Pixels, pool: Callable[[Any], Any]) -> Rows:
        """Encode pictures (N, H, W, 3) uint8 into what `pool` makes of their maps, float32."""
        found: Rows = pool(self.forward(torch.from_numpy(pixels))).cpu().numpy()
        return found

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode as a call does, but with what torch must see to export it."""
        pictures = pixels.to(self.device).permute(0, 3, 1, 2).float()  # (N, 3, H, W)
        pictures = (pictures - self._mean) * self._scale
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            encodings = self.network(pictures)
        if encodings.ndim == 3:
            patches = encodings[:, 1:]  # torchvision's transformers have one class token, in front
            encodings = tokens_as_map(patches, int(pixels.shape[1]), int(pixels.shape[2]))
        return encodings.float()  # type: ignore[no-any-return]

    @property
    def stride(self) -> int:
        """Pixels between positions of its maps."""
        return self.geometry.stride

    @cached_property
    def geometry(self) -> Geometry:
        """How the map's positions lie over the input's pixels."""
        own = getattr(self.network, "geometry", None)
        return own() if own else measure(self.network)


def load_backbone(
    name: str = FAMILY,
    *,
    layer: str | None = None,
    weights: Path | None = None,
    by_user: bool = True,
) -> Backbone:
    """Return a backbone by name, with its published weights or those of a local file.

    `mini` is inside the package, and so are its generations, such as `mini-1`; other names are
    torchvision's classification models, and `timm:NAME` are timm's. What an artifact names, and
    not the user (`by_user`), is downloaded only if the user had it downloaded before.

    Raises:
        UsageError: no such backbone or layer.
        BadInput: the weights cannot be read or downloaded.
        Mismatch: the weights are those of another network, or would be downloaded for an artifact.
    """
    family = next(family for family in FAMILIES if family.has(name))
    if weights is not None:
        return family.load(name, layer, weights, False)
    backbone = family.load(name, layer, None, by_user or was_named("weights", name))
    if by_user and family.downloads:
        remember("weights", name)
    return backbone


def reload_backbone(
    spec: dict[str, Any], weights: Path | None, recorded: str | None, *, by_user: bool = False
) -> Backbone:
    """Return the backbone that an artifact was made with, checked by its weights' hash.

    `weights` is the file the user names, `recorded` the one noted when the artifact was made;
    `by_user` tells that the user named the backbone, and not a file.

    Raises:
        BadInput: the weights' file is gone.
        Mismatch: the weights are not those of the artifact.
    """
    name = spec["name"]
    if name == FAMILY:
        name = recorded_generation(spec["weights"])
    file = weights or (Path(recorded) if recorded else None)
    if file is not None and not file.exists():
        raise BadInput(f"{file}: the weights of {spec['name']} are gone; name them with --weights")
    backbone = load_backbone(name, layer=spec["layer"], weights=file, by_user=by_user)
    if backbone.spec.weights != spec["weights"]:
        raise Mismatch(
            f"the weights of {spec['name']} are not those the artifact was made with "
            f"({backbone.spec.weights[:12]} for {spec['weights'][:12]}): name them with --weights, "
            f"or encode and index again"
        )
    return backbone


def find_device(name: Device) -> torch.device:
    """Return a device by name; `auto` is the fastest there is.

    Raises:
        UsageError: the device is not there.
    """
    there: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "cpu": lambda: True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, found in there.items() if found()))
    if name not in there or not there[name]():
        raise UsageError(f"--device {name}: this machine has none; try --device auto")
    return torch.device(name)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a state dict: safetensors, or torch's format without running any code in it.

    Raises:
        BadInput: not there, not a state dict of tensors, or one that carries code.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file of weights")
    try:
        state = _read_state(path)
    except Exception as error:  # both readers raise nearly anything on foreign files
        raise BadInput(
            f"{path}: not weights that load safely (a torch state dict or safetensors)"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise BadInput(f"{path}: not a state dict (names and tensors)")
    return state


def _read_state(path: Path) -> Any:
    with path.open("rb") as stream:
        is_torch = stream.read(2) in (b"PK", b"\x80\x02")
    if is_torch:
        return torch.load(path, map_location="cpu", weights_only=True)
    from safetensors.torch import load_file

    return load_file(path)


def _load_mini(name: str, layer: str | None, weights: Path | None, download: bool) -> Backbone:
    from tvcli.core.backbones import mini

    if layer is not None:
        raise UsageError("--layer: mini has one map only")
    if weights is not None:
        raise UsageError("--weights: mini brings its own; name another --backbone")
    file = weights_of(name)
    return Backbone(spec_of(file), mini.load(file)[0])


def _load_torchvision(
    name: str, layer: str | None, weights: Path | None, download: bool
) -> Backbone:
    from tvcli.core.backbones import torchvision_models

    model = torchvision_models.build(name, layer)
    if weights is not None:
        state, digest = read_weights(weights), file_hash(weights)
    else:
        state, digest = torchvision_models.published_weights(name, download=download)
    _fill(model, state, name, weights)
    size, mean, std = torchvision_models.preprocessing(name)
    spec = BackboneSpec(name, layer, digest, size, tuple(mean), tuple(std))
    part = torchvision_models.cut(model, layer)
    own = None if layer else linear_classifier(state)
    return Backbone(spec, part, weights and weights.absolute(), own)


def _load_timm(name: str, layer: str | None, weights: Path | None, download: bool) -> Backbone:
    from tvcli.core.backbones import timm_models

    model = timm_models.build(name)
    features = timm_models.Features(name, model, layer)
    file = weights or timm_models.published_file(name, model, download=download)
    state = read_weights(file)
    _fill(model, timm_models.fitted(state, model), name, weights)
    size, mean, std, pool = timm_models.preprocessing(model)
    spec = BackboneSpec(name, layer, file_hash(file), size, tuple(mean), tuple(std), pool)
    own = None if layer or features.has_tokens else linear_classifier(state)
    return Backbone(spec, features, weights and weights.absolute(), own)


class Family(NamedTuple):
    """Backbones that are loaded alike: whether a name is one's, and what loads it.

    `load` takes the name, the layer (None: the map), a file of weights (None: the published ones)
    and whether those may be downloaded, and raises as `load_backbone` does.
    """

    has: Callable[[str], bool]
    load: Callable[[str, str | None, Path | None, bool], Backbone]
    downloads: bool = True


FAMILIES = [  # the first that has a name loads it
    Family(is_mini, _load_mini, downloads=False),
    Family(lambda name: name.startswith("timm:"), _load_timm),
    Family(lambda name: True, _load_torchvision),  # which knows what it has
]


def _fill(model: nn.Module, state: dict[str, Tensor], name: str, weights: Path | None) -> None:
    try:
        result = model.load_state_dict(state, strict=False)
    except RuntimeError:
        result = None
    missing = result and [k for k in result.missing_keys if not k.endswith("num_batches_tracked")]
    if result is None or missing:
        lacks = f" (no {missing[0]}, {len(missing)} missing)" if missing else ""
        raise Mismatch(f"{weights or 'published weights'}: not the weights of {name}{lacks}")
