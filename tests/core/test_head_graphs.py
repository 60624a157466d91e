"""Both heads as graphs against the nets that torch trains: the same answers, whatever the shape.

Tolerance: 1e-5 of a window's side; sums of float32 in another order move answers by some 1e-7.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from tvcli.core.backbones.graph_writing import constant, graph_content, node
from tvcli.core.errors import BadInput
from tvcli.core.heads import HeadFile, load_head, save_head
from tvcli.core.location import head_graphs
from tvcli.core.location.classifier import Classifier
from tvcli.core.location.head_graphs import GraphHeads
from tvcli.core.location.location_heads import TorchHeads
from tvcli.core.location.naming import Naming, naming_of
from tvcli.core.location.reduction import Reduction
from tvcli.core.location.regressors import new_regressors

CHANNELS, REDUCED = 24, 16
SAME = 1e-5
Change = Callable[[dict[str, np.ndarray]], object]


def heads(
    folder: Path, window: tuple[int, int], change: Change | None = None, labels: int = 0
) -> list[Path]:
    """Return the files of heads with random numbers, those of the boxes' nets perhaps changed.

    The classifier tells so many labels apart.
    """
    torch.manual_seed(window[0] * 100 + window[1])
    low = torch.rand(40, 2) * 0.4
    boxes = new_regressors(REDUCED, window, torch.cat([low, low + 0.4], 1))
    reduction = Reduction(torch.randn(CHANNELS), torch.randn(REDUCED, CHANNELS))
    files = []
    nets: dict[str, nn.Module] = {"classifier": Classifier(REDUCED, window), "boxes": boxes}
    for kind, net in nets.items():
        state = {f"net.{name}": value.numpy() for name, value in net.state_dict().items()}
        state |= {f"reduction.{n}": value.numpy() for n, value in reduction.state_dict().items()}
        if change and kind == "boxes":
            change(state)
        settings = {"window": list(window), "threshold": 0.5, "encoder": {}, "weights_file": None}
        if labels and kind == "classifier":
            kernels, biases = torch.randn(labels, CHANNELS, *window), torch.randn(labels)
            naming = Naming(tuple("abc"[:labels]), kernels.numpy(), biases.numpy())
            state |= naming.state
            settings["naming"] = {"labels": list(naming.labels)}
        files.append(folder / f"{kind}.h5")
        save_head(files[-1], HeadFile(kind, state, settings), {})
    return files


@pytest.mark.parametrize("window", [(6, 6), (7, 7), (11, 11), (8, 13)])
@pytest.mark.parametrize("more", [(0, 0), (4, 7)], ids=["a window", "a larger map"])
def test_graphs_answer_as_torch_does(
    tmp_path: Path, window: tuple[int, int], more: tuple[int, int]
) -> None:
    files = heads(tmp_path, window)
    torch.manual_seed(1)
    maps = 3 * torch.randn(3, CHANNELS, window[0] + more[0], window[1] + more[1])
    expected = TorchHeads(*files, torch.device("cpu"))(maps).numpy()
    found = GraphHeads(*files)(maps.numpy())
    assert found.shape == expected.shape == (3, 5, more[0] + 1, more[1] + 1)
    assert expected[:, :4].std() > 0.01
    assert expected[:, 4].std() > 0.01
    np.testing.assert_allclose(found, expected, atol=SAME)


@pytest.mark.parametrize("more", [(0, 0), (2, 3)])
def test_every_window_is_named(tmp_path: Path, more: tuple[int, int]) -> None:
    window = 6, 7
    files = heads(tmp_path, window, labels=3)
    maps = torch.randn(2, CHANNELS, window[0] + more[0], window[1] + more[1])
    found = GraphHeads(*files)(maps.numpy())
    assert found.shape == (2, 8, more[0] + 1, more[1] + 1)
    np.testing.assert_allclose(found, TorchHeads(*files, torch.device("cpu"))(maps), atol=1e-3)
    naming = naming_of(load_head(files[0], "classifier"))
    assert naming is not None
    for row, column in np.ndindex(more[0] + 1, more[1] + 1):
        part = maps[:, :, row : row + window[0], column : column + window[1]].numpy()
        logits = (part[:, None] * naming.kernels).sum((2, 3, 4)) + naming.biases  # (2, 3)
        np.testing.assert_allclose(found[:, 5:, row, column], logits, atol=1e-3)


def test_names_of_another_shape_are_damage(tmp_path: Path) -> None:
    files = heads(tmp_path, (6, 7), labels=3)
    head = load_head(files[0], "classifier")
    head.state["naming.kernels"] = head.state["naming.kernels"][:, :, 1:]
    save_head(files[0], head, {})
    with pytest.raises(BadInput, match="damaged; train it again"):
        GraphHeads(*files)


def test_a_graph_written_is_what_onnx_reads() -> None:
    number = np.arange(6, dtype=np.float32).reshape(2, 3)
    axes = np.array([1, 300], np.int64)
    nodes = [node("Pool", ["maps", "n"], "r0", kernel_shape=[1, 200], axis=0), node("Sum", [], "r")]
    numbers = [constant("n", number), constant("a", axes)]
    content = graph_content(nodes, numbers, ("maps", ("n", "")), ("r", ("", "k", "")))
    graph = onnx.load_model_from_string(content).graph
    pooled, summed = graph.node
    assert (pooled.op_type, *pooled.input, *pooled.output) == ("Pool", "maps", "n", "r0")
    held = {each.name: onnx.helper.get_attribute_value(each) for each in pooled.attribute}
    assert held == {"kernel_shape": [1, 200], "axis": 0}
    assert (summed.op_type, list(summed.output)) == ("Sum", ["r"])
    for tensor, value in zip(graph.initializer, (number, axes), strict=True):
        np.testing.assert_array_equal(onnx.numpy_helper.to_array(tensor), value)
    info, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    assert graph.input[0] == info("maps", kind, ["n", None])
    assert graph.output[0] == info("r", kind, [None, "k", None])


def test_the_graphs_of_heads_are_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents: list[bytes] = []
    monkeypatch.setattr(head_graphs, "OnnxGraph", lambda name, content: contents.append(content))
    GraphHeads(*heads(tmp_path, (7, 8)))
    assert len(contents) == 2
    for content in contents:
        onnx.checker.check_model(content, full_check=True)


def without(name: str) -> Change:
    return lambda state: state.pop(name)


def cut(name: str, rows: int) -> Change:
    return lambda state: state.update({name: state[name][:rows]})


@pytest.mark.parametrize(
    "change",
    [
        without("net.trunk.0.weight"),
        without("reduction.mean"),
        without("net.nets.3.places"),
        cut("net.trunk.3.weight", 0),
        cut("net.trunk.0.bias", 3),
        cut("net.nets.1.places", 60),
        cut("net.mean", 3),
        lambda state: state.update({"reduction.axes": np.zeros(3, np.float32)}),
        lambda state: state.update({"net.nets.0.last.weight": np.zeros((64, 48, 1, 2))}),
    ],
)
def test_numbers_that_make_no_graph_are_told(tmp_path: Path, change: Change) -> None:
    files = heads(tmp_path, (7, 7), change)
    with pytest.raises(BadInput, match=r"boxes\.h5: damaged; train it again$"):
        GraphHeads(*files)
