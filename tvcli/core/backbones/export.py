"""Backbones as ONNX graphs: exported by torch once, checked against it, kept in a cache."""

import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor, nn

from tvcli.core.backbones.graph_cache import cached_graph, keep_graph
from tvcli.core.backbones.graphs import STRIDE_KEY, WEIGHTS_KEY, OnnxNetwork
from tvcli.core.backbones.loading import Backbone

OPSET = 17
TOLERANCE = 1e-4  # of the largest value: how far a graph may be from torch; 3e-6 is usual


class NoGraph(Exception):
    """A backbone that cannot be exported, or whose graph does not give what torch does."""


def graph_of(backbone: Backbone, size: int) -> bytes:
    """Return the graph of a backbone for squares of `size` pixels, from the cache if it is there.

    Where the layers allow it, the graph takes pictures of other sizes too, and says its stride.

    Raises:
        NoGraph: torch has to run it.
    """
    known = cached_graph(backbone.spec, size)
    with suppress(OSError, NoGraph):
        if known is not None:
            graph = known.read_bytes()
            _check(backbone, graph, (size, size))
            return graph
    graph = _sliding_graph(backbone, size) or export_graph(backbone, size)
    _check(backbone, graph, (size, size))
    with suppress(OSError):  # without a cache it is exported again
        keep_graph(graph, backbone.spec, size)
    return graph


def _sliding_graph(backbone: Backbone, size: int) -> bytes | None:
    """Return a graph for pictures of any size; None of a network that is made for one size."""
    if _looks_everywhere(backbone):  # attention: positions are learned for one size
        return None
    with suppress(NoGraph):
        graph = export_graph(backbone, size, any_size=True)
        _check(backbone, graph, (size + 3 * backbone.stride // 2, size))
        return graph
    return None


def _looks_everywhere(backbone: Backbone) -> bool:
    """Tell whether positions depend on the whole picture, or are not known to lie in a map."""
    try:
        return backbone.spec.layer is not None or backbone.geometry.context
    except Exception:  # tracing raises nearly anything on networks it does not know
        return True


def export_graph(backbone: Backbone, size: int, *, any_size: bool = False) -> bytes:
    """Return a float32 backbone as an ONNX graph of (N, size, size, 3) uint8.

    With `any_size` height and width may be others too, where the layers allow it.

    Raises:
        NoGraph: torch cannot export it.
    """
    if not getattr(backbone.network, "exportable", True):
        raise NoGraph(f"{backbone.spec.name} cannot be exported")
    axes = {"pixels": {0: "n"} | ({1: "height", 2: "width"} if any_size else {}), "rows": {0: "n"}}
    axes["rows"] |= {2: "down", 3: "across"} if any_size else {}
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # ONNX has no such operator
    try:
        with _quiet(), torch.no_grad(), TemporaryDirectory(prefix="tv-") as folder:
            target = Path(folder, "graph.onnx")
            torch.onnx.export(
                _Pictures(backbone).eval(),
                (torch.zeros(2, size, size, 3, dtype=torch.uint8),),
                target,
                dynamo=False,  # the other one is slower by far, and brings two more packages
                input_names=["pixels"],
                output_names=["rows"],
                dynamic_axes=axes,
                opset_version=OPSET,
            )
            return _signed(target.read_bytes(), backbone, any_size=any_size)
    except Exception as error:  # it raises nearly anything on networks it does not know
        raise NoGraph(f"{backbone.spec.name} cannot be exported") from error
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the exporter has to say, tracing warnings and a graph on failure, to itself."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)  # its C++ prints past Python
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


class _Pictures(nn.Module):
    """A backbone as a module, which the exporter wants."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.network, self._forward = backbone.network, backbone.forward

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode pictures (N, H, W, 3) uint8."""
        return self._forward(pixels)


def _signed(graph: bytes, backbone: Backbone, *, any_size: bool) -> bytes:
    """Return a graph that says which weights it was made of, and its stride if it may slide."""
    import onnx

    model = onnx.load_model_from_string(graph)
    model.metadata_props.add(key=WEIGHTS_KEY, value=backbone.spec.weights)
    if any_size:
        model.metadata_props.add(key=STRIDE_KEY, value=str(backbone.stride))
    return bytes(model.SerializeToString())


def _check(backbone: Backbone, graph: bytes, sides: tuple[int, int]) -> None:
    """See that a graph gives what torch does for pictures of a height and width; raises NoGraph."""
    pixels = np.random.default_rng(0).integers(0, 256, (2, *sides, 3), np.uint8)
    expected = backbone.rows(pixels, lambda maps: maps)
    try:
        found = OnnxNetwork(backbone.spec, graph).rows(pixels, lambda maps: maps)
    except Exception as error:
        raise NoGraph(str(error)) from error
    if found.shape != expected.shape:
        raise NoGraph(f"the graph of {backbone.spec.name} gives {found.shape}")
    furthest = float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-12))
    if not furthest <= TOLERANCE:
        raise NoGraph(f"the graph of {backbone.spec.name} is off by {furthest:.1e}")
