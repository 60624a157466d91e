"""The encoder: a backbone with its settings, the one way by which pictures become rows."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tvcli.core.backbones import catalogue
from tvcli.core.backbones.catalogue import FAMILY
from tvcli.core.backbones.geometry import Geometry
from tvcli.core.backbones.graph_cache import cached_graph
from tvcli.core.backbones.graphs import choose_runtime, mini_graph, run_graph
from tvcli.core.backbones.mini_files import GEOMETRY, is_mini, recorded_generation
from tvcli.core.backbones.specs import (
    BackboneSpec,
    Device,
    Network,
    Precision,
    Runtime,
    identity,
)
from tvcli.core.encoding.pooling import AUTO, MAP, NONE, checked_pooling, pool_maps, pooling_of
from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.artifacts.columns import slices
from tvcli.core.files.records import Region
from tvcli.core.images.colour import Colour
from tvcli.core.images.photo import Fit, Photo, Pixels, view

if TYPE_CHECKING:  # it brings torch, which most encoders do without
    from tvcli.core.backbones.loading import Backbone

CPU_BATCH, GPU_BATCH = 16, 128  # on a CPU more leaves the cache: 32 is a fifth slower
SMALLEST = 32  # pixels: below this the deeper maps have no position left
LARGEST = 4096  # pixels: above, one picture fills the memory


@dataclass(frozen=True, slots=True)
class EncodeSettings:
    """How photos are brought to a backbone and its maps to rows; recorded with every encoding.

    Where no `colour` is recorded, it is `stored`: profiles and ranges were not looked at.
    """

    size: int
    fit: Fit = "squash"
    pool: str = NONE
    precision: Precision = "fp32"
    colour: Colour = "stored"


class Encoder:
    """Turns regions of photos into rows; a query's encoder is made from its gallery's record.

    `generation` is that of mini, where it was asked for by name: another is not wanted.
    """

    def __init__(
        self,
        network: Network,
        settings: EncodeSettings,
        batch: int | None = None,
        generation: str | None = None,
    ) -> None:
        if not SMALLEST <= settings.size <= LARGEST:
            raise UsageError(f"--size {settings.size}: {SMALLEST} to {LARGEST} pixels")
        self.network, self.settings, self.generation = network, settings, generation
        self.batch = batch or (CPU_BATCH if network.on_cpu else GPU_BATCH)

    @property
    def spec(self) -> dict[str, Any]:
        """What must be the same for two rows to compare, as JSON can hold it."""
        settings = asdict(self.settings)
        if self.settings.colour == "stored":  # as it was recorded before there was a choice
            del settings["colour"]
        return {"backbone": self.network.spec.as_settings(), **settings}

    @property
    def backbone(self) -> "Backbone":
        """The network as torch has it; raises TypeError if something else runs it."""
        from tvcli.core.backbones.loading import Backbone

        if not isinstance(self.network, Backbone):
            raise TypeError(f"{self.network.runtime} runs this encoder: make it with torch")
        return self.network

    @property
    def geometry(self) -> Geometry:
        """How positions of the map lie over the pixels; without torch that of mini alone.

        Raises:
            UsageError: the layers cannot be followed.
        """
        if self.network.runtime != "torch" and self.network.spec.name == FAMILY:
            return GEOMETRY
        return self.backbone.geometry

    @property
    def weights_file(self) -> str | None:
        """Where the weights came from, if from a local file."""
        file = self.network.weights_file
        return str(file) if file else None

    @property
    def in_words(self) -> str:
        """Which backbone, at what size, run by what, where."""
        name, where = self.network.spec.name, "CPU" if self.network.on_cpu else "GPU"
        side, runtime = self.settings.size, self.network.runtime
        return f"{name} at {side} x {side} by {runtime} on the {where}, {self.batch} at a time"

    def look(self, photo: Photo, region: Region) -> Pixels:
        """Return what the backbone sees of a region: (size, size, 3) uint8."""
        return view(photo, region.crop, self.settings.size, self.settings.fit, flip=region.flip)

    def encode(self, pixels: list[Pixels]) -> npt.NDArray[np.float32]:
        """Encode pictures of (size, size, 3) uint8 into (N, C, H, W) or (N, D) float32.

        Raises:
            UsageError: pooling is asked of a layer that gives vectors.
        """
        stacks = (np.stack(pixels[some]) for some in slices(len(pixels), self.batch))
        return np.concatenate([self.network.rows(stack, self._pooled) for stack in stacks])

    def _pooled(self, maps: Any) -> Any:
        if maps.ndim == 2 and self.settings.pool != NONE:
            raise UsageError("--pool: this layer gives vectors; there is nothing to pool")
        return pool_maps(maps, self.settings.pool)


def make_encoder(
    name: str,
    *,
    weights: Path | None = None,
    layer: str | None = None,
    size: int | None = None,
    fit: Fit = "squash",
    pool: str = NONE,
    batch: int | None = None,
    device: Device = "auto",
    precision: Precision = "fp32",
    runtime: Runtime = "auto",
) -> Encoder:
    """Return an encoder by the name of its backbone; raises as `load_backbone` does.

    `size` defaults to the backbone's own; `pool` may be `auto`, the backbone's best. A runtime of
    `auto` is torch where the network cannot be exported.

    Raises:
        UsageError: no such pooling, or the runtime does not go with the device, precision or
            backbone.
    """
    checked_pooling(pool, NONE, AUTO, MAP)
    chosen = choose_runtime(runtime, device, precision)
    if is_mini(name) and chosen != "torch" and not (layer or weights):
        spec, file = mini_graph(name)
        network = run_graph(spec, file, None, chosen, precision)
    else:
        from tvcli.core.backbones.loading import load_backbone

        backbone = load_backbone(name, layer=layer, weights=weights)
        side = size or backbone.spec.size
        network = _run(backbone, side, runtime, chosen, device, precision)
    side = size or network.spec.size
    if pool == AUTO:
        pool = NONE if layer and _gives_vectors(network, side) else network.spec.pool
    settings = EncodeSettings(side, fit, pool, precision, "managed")
    return Encoder(network, settings, batch, name if name in catalogue.GENERATIONS else None)


def encoder_of(
    spec: dict[str, Any],
    weights_file: str | None,
    *,
    weights: Path | None = None,
    device: Device = "auto",
    runtime: Runtime = "auto",
    graph: bytes | None = None,
    network: Network | None = None,
    by_user: bool = False,
) -> Encoder:
    """Return the encoder that an artifact records; raises as `reload_backbone` does.

    `by_user` tells that the user named the backbone: its weights may be downloaded.

    Torch is loaded only where there is no graph to run: that of its mini, `graph`, which holds the
    network for squares of the size recorded, or one in the cache. A `network` that another encoder
    has is shared where it is the same and takes pictures of any size.
    """
    settings = _settings_of(spec)
    chosen = choose_runtime(runtime, device, settings.precision)
    if network is not None and not _is_shared(network, spec, chosen):
        network = None
    if network is None and chosen != "torch" and not weights:
        network = _without_torch(spec, settings, chosen, graph)
    if network is None:
        from tvcli.core.backbones.loading import reload_backbone

        backbone = reload_backbone(spec["backbone"], weights, weights_file, by_user=by_user)
        network = _run(backbone, settings.size, runtime, chosen, device, settings.precision)
    return Encoder(network, settings)


def _is_shared(network: Network, spec: dict[str, Any], runtime: Runtime) -> bool:
    """Tell whether a network is the one of a record; ONNX Runtime's alone know one precision."""
    same = identity(network.spec.as_settings()) == identity(spec["backbone"])
    return same and network.runtime == runtime == "onnx" and network.stride is not None


def _settings_of(spec: dict[str, Any]) -> EncodeSettings:
    try:
        settings = EncodeSettings(**{key: spec[key] for key in spec if key != "backbone"})
    except TypeError as error:
        raise BadInput("what is recorded of the encoder is damaged; make it again") from error
    if settings.pool != NONE:
        pooling_of(settings.pool)  # whoever asks later has encoded for hours
    return settings


def _gives_vectors(network: Network, side: int) -> bool:
    """Tell whether a named layer gives vectors rather than maps, by one grey picture."""
    return network.rows(np.zeros((1, side, side, 3), np.uint8), lambda maps: maps).ndim == 2


def _run(
    backbone: "Backbone",
    size: int,
    asked: Runtime,
    chosen: Runtime,
    device: Device,
    precision: Precision,
) -> Network:
    """Return what runs a backbone: its graph, or torch where it was chosen or must be."""
    if chosen != "torch":
        from tvcli.core.backbones.export import NoGraph, graph_of

        try:
            graph = graph_of(backbone, size)
            return run_graph(backbone.spec, graph, backbone.weights_file, chosen, precision)
        except NoGraph as error:
            if asked != "auto":
                raise UsageError(f"--runtime {asked}: {error}; take torch") from error
    return backbone.to(device, precision)


def _without_torch(
    spec: dict[str, Any], settings: EncodeSettings, runtime: Runtime, graph: bytes | None
) -> Network | None:
    """Return the network of a record if there is a graph of it, else None."""
    known, precision = BackboneSpec.of_settings(spec["backbone"]), settings.precision
    if known.name == FAMILY:
        shipped, file = mini_graph(recorded_generation(known.weights))
        return run_graph(shipped, file, None, runtime, precision)
    if graph is not None and runtime == "onnx":  # of anyone's making: not for OpenVINO
        return run_graph(known, graph, None, runtime, precision)
    kept = cached_graph(known, settings.size)
    return run_graph(known, kept.read_bytes(), None, runtime, precision) if kept else None
