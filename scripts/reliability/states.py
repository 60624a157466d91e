"""What an artifact holds, for comparing the one after a kill with those before and after the job.

How it was made (command line, versions) is left out: an equal state was made in another way.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.files.artifacts import Artifact, open_artifact
from tvcli.core.indexes.index import Index, open_index

State = Any  # what == compares; None: not there
PLACES = ("root", "root_absolute")  # settings that say where a file lies, not what it holds


def state_of(path: Path) -> State:
    """Return what a target holds: rows, tensors or bytes; raises as its reader does."""
    if not path.exists():
        return None
    if path.is_dir():
        with open_index(path) as index:
            return _of_index(index)
    if path.suffix == ".h5":
        with open_artifact(path) as artifact:
            return _of_artifact(artifact)
    return path.read_bytes()


def rows_of(state: State) -> int:
    """Return how many rows a state holds; of bytes, how many lines."""
    if state is None:
        return 0
    return state.count(b"\n") if isinstance(state, bytes) else len(state["rows"])


def _of_index(index: Index) -> State:
    rows = np.arange(len(index))
    columns = index.columns(rows) | {"embeddings": index.vectors(rows)}
    return {"rows": sorted(_rows(columns)), "settings": _settled(index.settings)}


def _of_artifact(artifact: Artifact) -> State:
    if not artifact.kind.datasets:
        state = {name: _digest(values) for name, values in artifact.state().items()}
        return {"rows": sorted(state.items()), "settings": _settled(artifact.settings)}
    columns = artifact.read_columns(slice(None))
    return {"rows": list(_rows(columns)), "settings": _settled(artifact.settings)}


def _rows(columns: dict[str, Any]) -> Iterable[str]:
    """Yield every row as text; numbers by what they are, not by how they print."""
    names = sorted(columns)
    for values in zip(*(columns[name] for name in names), strict=True):
        yield " ".join(_digest(v) if isinstance(v, np.ndarray) else repr(v) for v in values)


def _digest(values: Any) -> str:
    array = np.ascontiguousarray(values)
    return f"{array.dtype}{array.shape}{hashlib.sha256(array.tobytes()).hexdigest()[:16]}"


def _settled(settings: dict[str, Any]) -> str:
    return repr(sorted((k, v) for k, v in settings.items() if k not in PLACES))
