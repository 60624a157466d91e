"""What a network is and how it is run, in words: all that is known of one before any is loaded."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from tvcli.core.errors import BadInput, Mismatch

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["fp32", "bf16"]
Runtime = Literal["auto", "torch", "onnx", "openvino"]
Pixels = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BackboneSpec:
    """What a backbone is: two encodings compare only if this is the same for both.

    `weights` is the SHA-256 of the weights; `size` the input side in pixels it works best at;
    `pool` how its maps are best pooled into vectors.
    """

    name: str
    layer: str | None
    weights: str
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    pool: str = "gem"

    def as_settings(self) -> dict[str, Any]:
        """Return the spec as JSON holds it, to be compared with what was read from a file."""
        return {**asdict(self), "mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def of_settings(cls, settings: dict[str, Any]) -> "BackboneSpec":
        """Return the spec that JSON holds; raises BadInput if it is none."""
        try:
            mean, std = tuple(settings["mean"]), tuple(settings["std"])
            return cls(**{**settings, "mean": mean, "std": std})
        except (KeyError, TypeError) as error:
            raise BadInput("what is recorded of its backbone is damaged; make it again") from error


def identity(settings: dict[str, Any]) -> dict[str, Any]:
    """Return what of a spec, as JSON holds it, makes two backbones the same one."""
    same = {name: settings[name] for name in ("name", "layer", "weights")}
    return same | {name: list(settings[name]) for name in ("mean", "std")}


class Network(Protocol):
    """A frozen network, whatever runs it."""

    spec: BackboneSpec
    weights_file: Path | None
    runtime: Runtime

    @property
    def on_cpu(self) -> bool:
        """Whether it shares the cores with decoding."""
        ...

    @property
    def stride(self) -> int | None:
        """Pixels between positions of its maps; None where it takes squares of one size alone."""
        ...

    def rows(self, pixels: Pixels, pool: Callable[[Any], Any]) -> Rows:
        """Encode pictures (N, H, W, 3) uint8 into float32: what `pool` makes of their maps.

        `pool` gets maps (N, C, h, w), or (N, D) of a vector layer, as the runtime's own arrays.
        """
        ...


def not_downloaded(name: str, reason: str) -> BadInput:
    """Return the error of published weights that cannot be downloaded."""
    return BadInput(
        f"the weights of {name} cannot be downloaded ({reason}): "
        f"give a file with --weights FILE, or use --backbone mini, which needs none"
    )


def not_by_user(name: str) -> Mismatch:
    """Return the error of weights that a file names and nobody else, and that are not here."""
    return Mismatch(
        f"the weights of {name!r} are named by a file and not by you, so they are not downloaded: "
        f"give them with --weights FILE, or use that --backbone once yourself"
    )
