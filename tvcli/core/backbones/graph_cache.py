"""Where graphs of backbones are kept once exported, found without torch by what they are of."""

import hashlib
import json
from pathlib import Path

from tvcli.core.backbones.specs import BackboneSpec
from tvcli.core.files.atomic_write import atomic_write
from tvcli.core.files.project_settings import own_folder

VERSION = 2  # of what export writes: graphs of another are not used


def cache_folder() -> Path:
    """Return where graphs are kept: $XDG_CACHE_HOME/tvcli, by default ~/.cache/tvcli."""
    return own_folder("XDG_CACHE_HOME", ".cache", "tvcli")


def graph_name(spec: BackboneSpec, size: int) -> str:
    """Return the name of a backbone's graph for squares of `size` pixels."""
    about = json.dumps([VERSION, spec.name, spec.layer, spec.weights, spec.mean, spec.std, size])
    return f"encoder-{hashlib.sha256(about.encode()).hexdigest()[:16]}.onnx"


def cached_graph(spec: BackboneSpec, size: int) -> Path | None:
    """Return where a backbone's graph is kept, or None if it is not."""
    file = cache_folder() / graph_name(spec, size)
    return file if file.is_file() else None


def keep_graph(graph: bytes, spec: BackboneSpec, size: int) -> None:
    """Keep a graph; raises OSError where the folder cannot be written."""
    file = cache_folder() / graph_name(spec, size)
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(file) as partial:
        partial.write_bytes(graph)
