"""What ships of `mini`: of each generation the weights, and the graph that runs without torch.

Files record the family, `mini`, and the hash of the weights, which tells the generation.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from tvcli.core.backbones import catalogue
from tvcli.core.backbones.catalogue import FAMILY
from tvcli.core.backbones.geometry import Geometry
from tvcli.core.backbones.specs import BackboneSpec
from tvcli.core.errors import BadInput, Mismatch
from tvcli.core.files.provenance import file_hash

FOLDER = Path(__file__).parents[2] / "weights"
POOL = "mean"  # what suits weights whose file does not say
GEOMETRY = Geometry(stride=16, offset=0.5, field=239)  # as `measure` finds it in its layers


def current() -> str:
    """Return the generation that `mini` is."""
    return catalogue.CURRENT


def is_mini(name: str) -> bool:
    """Tell whether a backbone's name is `mini` or that of a generation of it."""
    return name in (FAMILY, *catalogue.GENERATIONS)


def weights_of(name: str = FAMILY) -> Path:
    """Return the file of weights of a generation, of the current one for `mini`."""
    return FOLDER / f"{current() if name == FAMILY else name}.safetensors"


def graph_beside(weights: Path) -> Path:
    """Return where the graph lies: its layers alone, whose numbers are read from the weights."""
    return weights.with_suffix(".onnx")


WEIGHTS = weights_of()


@contextmanager
def opened_tensors(path: Path, framework: Literal["np", "pt"]) -> Iterator[Any]:
    """Open a file of tensors that ships.

    Raises:
        BadInput: it is damaged, as by an installation that was cut off.
        FileNotFoundError: it is missing.
    """
    from safetensors import SafetensorError, safe_open  # who loads nothing asks for names

    try:
        with safe_open(path, framework=framework) as file:
            yield file
    except SafetensorError as error:
        raise BadInput(f"{path}: damaged ({error}): install tvcli again") from error


def about(path: Path = WEIGHTS) -> dict[str, Any]:
    """Return what the file of weights says of itself.

    `name`, `version`, `size` (side in pixels), `mean`, `std` (of RGB in 0..1), `channels`,
    `stride` and, if it is not the mean, `pool`. Raises as `opened_tensors`.
    """
    with opened_tensors(path, "np") as file:
        return {key: json.loads(value) for key, value in file.metadata().items()}


def spec_of(weights: Path) -> BackboneSpec:
    """Return what the network of a file of weights is."""
    known = about(weights)
    return BackboneSpec(
        name=FAMILY,
        layer=None,
        weights=_digest(weights),
        size=int(known["size"]),
        mean=tuple(known["mean"]),
        std=tuple(known["std"]),
        pool=str(known.get("pool", POOL)),
    )


def mini_spec(name: str = FAMILY) -> BackboneSpec:
    """Return what a generation is, by its name."""
    return spec_of(weights_of(name))


def generation_of(digest: str) -> str | None:
    """Return the generation whose weights have a hash; None for others than ship."""
    known = reversed(catalogue.GENERATIONS)
    return next((name for name in known if _digest(weights_of(name)) == digest), None)


def name_to_ask_for(backbone: dict[str, Any]) -> str:
    """Return the name by which `--backbone` means what a file records: of mini the generation."""
    name: str = backbone["name"]
    return (generation_of(backbone["weights"]) or name) if name == FAMILY else name


def recorded_generation(digest: str) -> str:
    """Return the generation whose weights a file records by their hash.

    Raises:
        Mismatch: none that ships.
    """
    found = generation_of(digest)
    if found is None:
        raise Mismatch(
            f"the weights of mini are not those the artifact was made with "
            f"({_digest(weights_of())[:12]} for {digest[:12]}): upgrade tvcli if it is of a newer "
            f"one, or encode and index again"
        )
    return found


@lru_cache
def _digest(path: Path) -> str:
    return file_hash(path)
