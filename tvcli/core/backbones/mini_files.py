"""What ships of `mini`: its weights, and the graph by which they run without torch."""

import json
from pathlib import Path
from typing import Any

from safetensors import safe_open

from tvcli.core.backbones.specs import BackboneSpec
from tvcli.core.files.provenance import file_hash

WEIGHTS = Path(__file__).parents[2] / "weights" / "mini.safetensors"
GRAPH = WEIGHTS.with_suffix(".onnx")  # layers alone: the numbers are read from WEIGHTS


def about(path: Path = WEIGHTS) -> dict[str, Any]:
    """Return what the file of weights says of itself.

    `name`, `version`, `size` (side in pixels), `mean`, `std` (of RGB in 0..1), `channels` and
    `stride`. Raises FileNotFoundError where the file is missing.
    """
    with safe_open(path, framework="np") as file:
        return {key: json.loads(value) for key, value in file.metadata().items()}


def mini_spec() -> BackboneSpec:
    """Return what mini is."""
    known = about()
    return BackboneSpec(
        name="mini",
        layer=None,
        weights=file_hash(WEIGHTS),
        size=int(known["size"]),
        mean=tuple(known["mean"]),
        std=tuple(known["std"]),
        pool="mean",
    )
