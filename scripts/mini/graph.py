"""mini's layers as ONNX, its numbers left where they are: in the safetensors beside it.

    python -m scripts.mini.graph [tvcli/weights/mini-1.safetensors]

ONNX lets a graph read its numbers from another file at given offsets, and safetensors is a header
and then the numbers: one file of weights serves torch and ONNX Runtime, and they cannot come apart.
"""

import json
import struct
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from tvcli.core.backbones.export import export_graph
from tvcli.core.backbones.loading import Backbone
from tvcli.core.backbones.mini import load
from tvcli.core.backbones.mini_files import WEIGHTS, graph_beside, spec_of

PREFIX = "network."  # of the names of weights in an exported graph


def tensors(path: Path) -> dict[str, tuple[int, int]]:
    """Return where each tensor of a safetensors file lies: offset and length in bytes."""
    with path.open("rb") as stream:
        size = struct.unpack("<Q", stream.read(8))[0]
        header = json.loads(stream.read(size))
    start = 8 + size
    found = {k: v["data_offsets"] for k, v in header.items() if k != "__metadata__"}
    return {name: (start + first, last - first) for name, (first, last) in found.items()}


def outside(tensor: TensorProto, file: Path, place: tuple[int, int]) -> TensorProto:
    """Return a float16 tensor whose numbers lie in a file."""
    half = TensorProto(name=f"{tensor.name}.half", data_type=TensorProto.FLOAT16, dims=tensor.dims)
    half.data_location = TensorProto.EXTERNAL
    for key, value in zip(("location", "offset", "length"), (file.name, *place), strict=True):
        half.external_data.add(key=key, value=str(value))
    return half


def thinned(model: onnx.ModelProto, weights: Path) -> onnx.ModelProto:
    """Return a graph whose weights are read from safetensors and made float32 when it is opened."""
    places, graph = tensors(weights), model.graph
    kept, casts = [], []
    for tensor in graph.initializer:
        place = places.pop(tensor.name.removeprefix(PREFIX), None)
        if place is None:
            kept.append(tensor)
            continue
        half = outside(tensor, weights, place)
        kept.append(half)
        casts.append(helper.make_node("Cast", [half.name], [tensor.name], to=TensorProto.FLOAT))
    if places:
        raise ValueError(f"not in the graph: {sorted(places)}")
    nodes = [*casts, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    return model


def write_graph(weights: Path = WEIGHTS, target: Path | None = None) -> None:
    """Write the graph of a generation's weights, beside them unless told otherwise, atomically."""
    backbone = Backbone(spec_of(weights), load(weights)[0])
    exported = export_graph(backbone, backbone.spec.size, any_size=True)
    model = thinned(onnx.load_model_from_string(exported), weights)
    target = target or graph_beside(weights)
    part = target.with_suffix(".part")
    part.write_bytes(model.SerializeToString(deterministic=True))
    part.replace(target)


if __name__ == "__main__":
    write_graph(*map(Path, sys.argv[1:2]))
