"""A second generation of `mini`, made of the first one's weights, registered as one that ships."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tvcli.core.backbones import catalogue, mini_files
from tvcli.core.backbones.mini import load

SIZE, CHANNELS = 96, 320
HEADER = {
    "name": "mini",
    "version": 2,
    "size": SIZE,
    "mean": [0.5, 0.45, 0.4],
    "std": [0.25, 0.25, 0.25],
    "channels": CHANNELS,
    "stride": 16,
    "pool": "gem",
}


def make_second(folder: Path) -> None:
    """Write the files of both generations into a folder: other weights, channels and pooling."""
    from scripts.mini.graph import write_graph

    first = mini_files.weights_of("mini-1")
    for file in (first, mini_files.graph_beside(first)):
        shutil.copyfile(file, folder / file.name)
    random = torch.Generator().manual_seed(2)
    state = load(first)[0].state_dict()
    last = max(int(name.split(".")[1]) for name in state)
    for part in ("weight", "bias"):
        name = f"layers.{last}.{part}"
        more = state[name][: CHANNELS - len(state[name])]
        state[name] = torch.cat([state[name], more * torch.rand(more.shape, generator=random)])
    for name, value in state.items():
        noise = torch.randn(value.shape, generator=random) * value.std()
        state[name] = (value + 0.1 * noise).half().contiguous()
    save_file(state, folder / "mini-2.safetensors", {k: json.dumps(v) for k, v in HEADER.items()})
    write_graph(folder / "mini-2.safetensors")


@contextmanager
def registered(folder: Path) -> Iterator[None]:
    """Have both generations of a folder inside the block, where `mini` is the second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mini_files, "FOLDER", folder)
        patch.setattr(catalogue, "GENERATIONS", ("mini-1", "mini-2"))
        patch.setattr(catalogue, "CURRENT", "mini-2")
        yield
