"""Graphs in an index that would run for ever, read files, or take all memory."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tvcli.core.backbones.graph_check import check_graph
from tvcli.core.backbones.interrupting import interruptible
from tvcli.core.errors import BadInput

WEIGHTS = "0" * 64


def model(nodes: list[Any], kept: tuple[Any, ...] = (), **more: Any) -> onnx.ModelProto:
    """Return a graph that casts pictures to floats, after some other nodes."""
    taken = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", "h", "w", 3])
    given = helper.make_tensor_value_info("rows", TensorProto.FLOAT, None)
    cast = helper.make_node("Cast", ["pixels"], ["rows"], to=TensorProto.FLOAT)
    graph = helper.make_graph([*nodes, cast], "g", [taken], [given], list(kept))
    opsets = more.pop("opsets", [helper.make_opsetid("", 17)])
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8, **more)
    made.metadata_props.add(key="weights", value=WEIGHTS)
    return made


def endless() -> onnx.ModelProto:
    """Return a graph with a loop that goes on for 2^62 rounds, and whose outcome is asked for."""
    count = helper.make_tensor_value_info("i", TensorProto.INT64, [])
    going = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    value = helper.make_tensor_value_info("v", TensorProto.FLOAT, [])
    on = helper.make_tensor_value_info("d", TensorProto.BOOL, [])
    more = helper.make_tensor_value_info("w", TensorProto.FLOAT, [])
    steps = [
        helper.make_node("Identity", ["c"], ["d"]),
        helper.make_node("Sin", ["v"], ["w"]),
    ]
    body = helper.make_graph(steps, "body", [count, going, value], [on, more])
    kept = (
        helper.make_tensor("true", TensorProto.BOOL, [], [True]),
        helper.make_tensor("most", TensorProto.INT64, [], [2**62]),
        helper.make_tensor("start", TensorProto.FLOAT, [], [1.0]),
    )
    loop = helper.make_node("Loop", ["most", "true", "start"], ["spun"], body=body)
    made = model([loop], kept)
    cast = made.graph.node[-1]
    cast.output[0] = "floats"
    made.graph.node.append(helper.make_node("Add", ["floats", "spun"], ["rows"]))
    return made


def branching() -> onnx.ModelProto:
    true = helper.make_tensor("true", TensorProto.BOOL, [], [True])
    branch = helper.make_graph(
        [helper.make_node("Identity", ["true"], ["x"])],
        "b",
        [],
        [helper.make_tensor_value_info("x", TensorProto.BOOL, [])],
    )
    node = helper.make_node("If", ["true"], ["y"], then_branch=branch, else_branch=branch)
    return model([node], (true,))


def foreign_operator() -> onnx.ModelProto:
    node = helper.make_node("FusedMatMul", ["pixels", "pixels"], ["y"], domain="com.microsoft")
    return model([node])


def own_function() -> onnx.ModelProto:
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    again = helper.make_node("again", ["x"], ["y"], domain="own")
    function = helper.make_function("own", "again", ["x"], ["y"], [again], opsets)
    node = helper.make_node("again", ["pixels"], ["z"], domain="own")
    return model([node], opsets=opsets, functions=[function])


def outside() -> onnx.ModelProto:
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [4], np.zeros(4, np.float32))
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return model([], (tensor,))


def huge() -> onnx.ModelProto:
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2**40])
    return model([], (tensor,))


HARMS = [endless, branching, foreign_operator, own_function, outside, huge]


@pytest.fixture
def index(download: Path, make_index: Callable[..., Path]) -> Callable[[bytes], Path]:
    """Give what makes an index whose queries are to be encoded by some graph."""
    file = make_index()

    def with_graph(content: bytes) -> Path:
        folder = download / "i.tvx"
        (folder / "evil.onnx").write_bytes(content)
        manifest = json.loads(file.read_text())
        known = {"file": "evil.onnx", "hash": hashlib.sha256(content).hexdigest()}
        manifest["settings"]["graph"] = known
        about = {"name": "alexnet", "weights": WEIGHTS}
        manifest["settings"]["encoder"]["backbone"] |= about
        file.write_text(json.dumps(manifest))
        return folder

    return with_graph


@pytest.mark.parametrize("harm", HARMS)
def test_it_is_not_run(victim: Any, index: Callable[[bytes], Path], harm: Any) -> None:
    index(harm().SerializeToString())
    before = time.monotonic()
    ran = victim("search", "photos/0.png", "-i", "i.tvx")
    assert ran.returncode == 3 and ran.stderr.count("\n") == 1, ran.stderr
    assert "graph of alexnet cannot be run: " in ran.stderr
    assert time.monotonic() - before < 30


def test_a_good_graph_passes() -> None:
    check_graph(model([]).SerializeToString())


@pytest.mark.parametrize("harm", HARMS)
def test_each_is_refused_and_so_is_what_is_cut_off(harm: Any) -> None:
    content = harm().SerializeToString()
    with pytest.raises(BadInput):
        check_graph(content)
    for end in range(0, len(content), 7):
        with pytest.raises(BadInput):
            check_graph(content[:end])


def test_a_field_whose_number_is_cut_to_32_bits_is_refused() -> None:
    hidden = bytes([0x80 | 58, 0x80, 0x80, 0x80, 0x70, 0])  # field 7 to who keeps 32 bits
    with pytest.raises(BadInput):
        check_graph(model([]).SerializeToString() + hidden)


SLOW = """
import sys
from tvcli.terminal.signals import end_cleanly
end_cleanly()
from tvcli.core.backbones.specs import BackboneSpec
from tvcli.core.backbones import graphs
import numpy as np
graphs.check_graph = lambda content: None
spec = BackboneSpec("alexnet", None, "0" * 64, 64, (0, 0, 0), (1, 1, 1))
network = graphs.OnnxNetwork(spec, open(sys.argv[1], "rb").read())
print("running", flush=True)
network.rows(np.zeros((1, 64, 64, 3), np.uint8), lambda maps: maps)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_runs_for_ever_ends_with_a_signal(tmp_path: Path, number: int) -> None:
    (tmp_path / "endless.onnx").write_bytes(endless().SerializeToString())
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, str(tmp_path / "endless.onnx")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "running\n"
        time.sleep(1)
        assert process.poll() is None  # it would run for ever
        process.send_signal(number)
        process.wait(timeout=60)
    assert process.returncode != 0


def test_what_the_work_raises_is_raised() -> None:
    assert interruptible(lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 // 0)


@pytest.mark.parametrize("stop", [None, lambda: None])
def test_after_a_signal_what_ends_soon_has_ended(stop: Callable[[], None] | None) -> None:
    ended: list[bool] = []

    def work() -> None:
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.5)
        ended.append(True)

    with pytest.raises(KeyboardInterrupt):
        interruptible(work, stop)
    assert ended == [True]
