"""The two heads as ONNX graphs, made of their numbers when they are loaded, without torch."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.backbones.graph_writing import Attribute, constant, graph_content, node
from tvcli.core.backbones.graphs import OnnxGraph
from tvcli.core.errors import BadInput
from tvcli.core.heads import HeadFile, load_head

SIDES = 4

Floats = npt.NDArray[np.float32]


class GraphHeads:
    """Both heads run by ONNX Runtime: maps (N, C, h, w) -> answers (N, 5 + L, h', w'), float32.

    Answers of a window are its box, relative to the window, the probability of the object, and the
    logits of the L labels that the classifier tells apart. `loaded` is what the two files hold,
    where that is known.
    """

    def __init__(
        self, classifier: Path, boxes: Path, loaded: tuple[HeadFile, HeadFile] | None = None
    ) -> None:
        self.classifier, self.boxes = loaded or (
            load_head(classifier, "classifier"),
            load_head(boxes, "boxes"),
        )
        self._graphs = [
            _graph(boxes, self.boxes, _regressors),
            _graph(classifier, self.classifier, _classifier),
        ]
        if "naming" in self.classifier.settings:
            self._graphs.append(_graph(classifier, self.classifier, _naming))

    def __call__(self, maps: Floats) -> Floats:
        """Return the answers of all windows; map by map, so that others do not move them."""
        alone = [maps[number : number + 1] for number in range(len(maps))]
        return np.concatenate(
            [np.concatenate([graph(one) for graph in self._graphs], 1) for one in alone]
        )


class _Layers:
    """The layers of a graph, one after another; every number is checked for its shape."""

    def __init__(self, head: HeadFile) -> None:
        self.state, self._nodes, self._numbers = head.state, list[bytes](), list[bytes]()
        down, across = head.settings["window"]
        self.window = int(down), int(across)

    def number(self, name: str, *shape: int) -> Floats:
        """Return an array of the head's state; raises KeyError, or ValueError for another shape."""
        value = np.asarray(self.state[name], np.float32)
        if value.shape != shape:
            raise ValueError(f"{name} is {value.shape}, not {shape}")
        return value

    def width(self, name: str) -> int:
        """Return how many channels a convolution gives; raises KeyError, or IndexError for none."""
        return int(self.state[f"{name}.weight"].shape[0])

    def add(self, operator: str, inputs: Sequence[Any], **attributes: Attribute) -> str:
        """Add an operator on names of results and on numbers; return the name of its result."""
        names = []
        for value in inputs:
            if isinstance(value, str):
                names.append(value)
            else:
                names.append(f"number{len(self._numbers)}")
                self._numbers.append(constant(names[-1], value))
        result = f"result{len(self._nodes)}"
        self._nodes.append(node(operator, names, result, **attributes))
        return result

    def convolution(self, source: str, name: str, *shape: int) -> str:
        """Add a convolution by its name in the state."""
        kernel, bias = self.number(f"{name}.weight", *shape), self.number(f"{name}.bias", shape[0])
        return self.add("Conv", [source, kernel, bias])

    def reduced(self) -> tuple[str, int]:
        """Add the reduction of the maps; return its result, and how many channels that has."""
        channels, inputs = self.state["reduction.axes"].shape
        axes = self.number("reduction.axes", channels, inputs)
        shift = -(axes @ self.number("reduction.mean", inputs))
        return self.add("Conv", ["maps", axes[:, :, None, None], shift]), int(channels)

    def content(self) -> bytes:
        """Return the graph; the result of the operator added last is what it gives."""
        given = "maps", ("n", "", "down", "across")
        result = f"result{len(self._nodes) - 1}", ("n", "", "", "")
        return graph_content(self._nodes, self._numbers, given, result)


def _graph(path: Path, head: HeadFile, build: Callable[[_Layers], None]) -> OnnxGraph:
    """Return the graph of a head; raises BadInput if its numbers do not make one."""
    try:
        layers = _Layers(head)
        build(layers)
        return OnnxGraph(str(path), layers.content())
    except (BadInput, IndexError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: damaged; train it again") from error


def _classifier(layers: _Layers) -> None:
    """Add what `Classifier` computes, and the probability of it."""
    maps, channels = layers.reduced()
    narrow, hidden = layers.width("net.layers.0"), layers.width("net.layers.3")
    found = layers.convolution(maps, "net.layers.0", narrow, channels, 1, 1)
    found = layers.add("Relu", [found])
    found = layers.convolution(found, "net.layers.3", hidden, narrow, *layers.window)
    found = layers.add("Relu", [found])
    layers.add("Sigmoid", [layers.convolution(found, "net.layers.6", 1, hidden, 1, 1)])


def _naming(layers: _Layers) -> None:
    """Add what a `Naming` computes, for every window."""
    kernels = layers.state["naming.kernels"]
    labels, channels = kernels.shape[:2]
    kernels = layers.number("naming.kernels", labels, channels, *layers.window)
    layers.add("Conv", ["maps", kernels, layers.number("naming.biases", labels)])


def _regressors(layers: _Layers) -> None:
    """Add what `Regressors` computes."""
    maps, channels = layers.reduced()
    narrow, shared = layers.width("net.trunk.0"), layers.width("net.trunk.3")
    trunk = layers.convolution(maps, "net.trunk.0", narrow, channels, 1, 1)
    trunk = layers.add("Relu", [trunk])
    trunk = layers.convolution(trunk, "net.trunk.3", shared, narrow, 3, 3)
    trunk = layers.add("Relu", [trunk])
    inner = layers.window[0] - 2, layers.window[1] - 2  # what the 3x3 leaves of a window
    sides = [_side(layers, trunk, shared, side, inner) for side in range(SIDES)]
    answers = layers.add("Concat", sides, axis=1)  # (N, 4, h', w')
    std, mean = (layers.number(f"net.{name}", SIDES)[:, None, None] for name in ("std", "mean"))
    layers.add("Add", [layers.add("Mul", [answers, std]), mean])


def _side(layers: _Layers, trunk: str, shared: int, side: int, inner: tuple[int, int]) -> str:
    """Add what a `SideNet` answers."""
    down, name = side % 2 == 1, f"net.nets.{side}"
    across = [1, inner[1]] if down else [inner[0], 1]
    first, last = (3, 1), (inner[0] - 2, 1)
    if not down:
        first, last = (1, 3), (1, inner[1] - 2)
    hidden, bins = layers.width(f"{name}.first"), layers.width(f"{name}.last")
    lines = layers.add(
        "Concat",
        [layers.add(way, [trunk], kernel_shape=across) for way in ("AveragePool", "MaxPool")],
        axis=1,
    )
    found = layers.convolution(lines, f"{name}.first", hidden, 2 * shared, *first)
    found = layers.add("Relu", [found])
    found = layers.convolution(found, f"{name}.last", bins, hidden, *last)
    places = layers.number(f"{name}.places", bins)[:, None, None]
    likely = layers.add("Mul", [layers.add("Softmax", [found], axis=1), places])
    return layers.add("ReduceSum", [likely, np.array([1])], keepdims=1)  # (N, 1, h', w')
