"""From a checkpoint to what ships: the folded trunk in float16 with all that `tv` must know."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from scripts.mini.cache import Arrays
from scripts.mini.finish import finished
from scripts.mini.graph import write_graph
from scripts.mini.student import Student, folded
from scripts.mini.teachers import MEAN, STD
from tvcli.core.backbones.mini import CHANNELS, Mini

SIZE = 168
ABOUT = {
    "name": "mini",
    "version": 2,
    "pool": "mean+gem",
    "size": SIZE,
    "mean": MEAN,
    "std": STD,
    "channels": CHANNELS,
    "stride": 16,
    "card": "docs/mini.md",
}


def average_of(checkpoint: Path) -> Student:
    """Return the averaged student of a checkpoint."""
    student = Student()
    parts = torch.load(checkpoint, weights_only=True, map_location="cpu")
    student.load_state_dict(parts["average"])
    return student.eval()


def half(model: Mini) -> dict[str, Tensor]:
    """Return the weights as contiguous float16 tensors."""
    return {name: t.detach().half().contiguous() for name, t in model.state_dict().items()}


def export(checkpoint: Path, arrays: Arrays, out: Path) -> None:
    """Write the average as safetensors, described in the header, and its graph beside it."""
    metadata = {key: json.dumps(value) for key, value in ABOUT.items()}
    part = out.with_suffix(".part")
    shipped = finished(folded(average_of(checkpoint).trunk), arrays)
    save_file(half(shipped), part, metadata)
    part.chmod(0o644)  # safetensors writes for the owner alone
    part.replace(out)
    write_graph(out)  # which says whose weights it reads
