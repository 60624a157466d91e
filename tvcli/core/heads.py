"""Head files: what was learned on top of a backbone's maps, with what it needs to be used."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tvcli.core.backbones.mini_files import name_to_ask_for
from tvcli.core.backbones.specs import identity
from tvcli.core.errors import BadInput, Mismatch
from tvcli.core.files.artifacts import open_artifact, write_artifact

if TYPE_CHECKING:  # a rank head is used without torch
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class HeadFile:
    """A head as saved: its `kind` (classifier, boxes, rank), arrays and settings.

    `settings["encoder"]` is the spec of the encodings it was trained on.
    """

    kind: str
    state: dict[str, npt.NDArray[Any]]
    settings: dict[str, Any]

    def tensors(self) -> "dict[str, Tensor]":
        """Return the state as tensors."""
        import torch

        return {name: torch.from_numpy(np.asarray(value)) for name, value in self.state.items()}

    @property
    def digest(self) -> str:
        """The SHA-256 of its tensors and their names."""
        content = hashlib.sha256()
        for name, value in sorted(self.state.items()):
            content.update(name.encode() + b"\0" + np.ascontiguousarray(value).tobytes())
        return content.hexdigest()


def save_head(path: Path, head: HeadFile, provenance: dict[str, Any]) -> None:
    """Write a head beside `path` and rename it.

    Raises:
        BadInput: the target cannot be written.
    """
    settings = {**head.settings, "head": head.kind}
    with write_artifact(path, "head", settings, provenance) as writer:
        writer.write_state(head.state)


def load_head(path: Path, kind: str) -> HeadFile:
    """Read a head of one kind.

    Raises:
        BadInput: not there, damaged, or a head of another kind.
        Mismatch: written by a newer version.
    """
    with open_artifact(path, "head") as artifact:
        found = artifact.settings.get("head")
        if found != kind:
            raise BadInput(f"{path}: a {found} head, where a {kind} head is needed")
        return HeadFile(kind, artifact.state(), artifact.settings)


def check_encoder(head: HeadFile, encoder: dict[str, Any], path: Path) -> None:
    """See that a head was trained on encodings like those it is to be used on.

    The input size and pooling may differ: a head slides over maps of any size.

    Raises:
        Mismatch: another backbone, layer or weights.
    """
    trained, used = (identity(spec["backbone"]) for spec in (head.settings["encoder"], encoder))
    if trained != used:
        raise Mismatch(
            f"{path}: trained on encodings of {name_to_ask_for(trained)} "
            f"({trained['weights'][:12]}), not of {name_to_ask_for(used)} "
            f"({used['weights'][:12]}): train it again, or encode as it was"
        )
