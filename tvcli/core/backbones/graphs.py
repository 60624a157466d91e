"""Networks as ONNX graphs, run on a CPU without torch: by ONNX Runtime, or by OpenVINO.

Torch runs networks where there is a GPU, or no graph: `choose_runtime` tells.

A graph takes pictures (N, H, W, 3) uint8 and gives maps (N, C, h, w) float32, or (N, D). Each
picture is computed by itself and on one thread: a row depends on nothing but its picture.
"""

import os
import re
import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.backbones.catalogue import FAMILY
from tvcli.core.backbones.graph_check import check_graph
from tvcli.core.backbones.interrupting import interruptible
from tvcli.core.backbones.mini_files import graph_beside, mini_spec, weights_of
from tvcli.core.backbones.specs import (
    BackboneSpec,
    Device,
    Network,
    Pixels,
    Precision,
    Rows,
    Runtime,
)
from tvcli.core.errors import BadInput, UsageError
from tvcli.core.parallel import cores

WEIGHTS_KEY = "weights"  # of a graph's metadata: the hash of the weights it was made from
STRIDE_KEY = "stride"  # of the same: pixels between positions, where pictures may have any size
STRIDES = re.compile(r"[1-9][0-9]{0,2}")
SILENT = 4  # of its log: what is wrong comes as an exception too
NO_MEMORY = ("bad_alloc", "AllocateRaw", "Failed to allocate")  # how ONNX Runtime says so
# What a driver leaves where there is a GPU: NVIDIA's, AMD's, and Windows' for its Linux.
GPU_FILES = tuple(Path("/dev", name) for name in ("nvidiactl", "kfd", "dxg"))


class OnnxGraph:
    """A graph of one input, run by ONNX Runtime on one thread; a signal ends it.

    Raises:
        BadInput: not a graph that can be run.
    """

    def __init__(self, name: str, content: Path | bytes) -> None:
        onnxruntime = _onnxruntime()
        self._name = name
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = SILENT
        if isinstance(content, bytes):  # nothing lies below a file, so no weights outside the graph
            folder = "session.model_external_initializers_file_folder_path"
            options.add_session_config_entry(folder, os.devnull)
        given = content if isinstance(content, bytes) else str(content)
        try:
            self._session = interruptible(
                lambda: onnxruntime.InferenceSession(
                    given, options, providers=["CPUExecutionProvider"]
                )
            )
            self._input, *self.others = (given.name for given in self._session.get_inputs())
            self.metadata: dict[str, str] = self._session.get_modelmeta().custom_metadata_map
        except Exception as error:  # its exceptions share no base
            raise BadInput(f"the graph of {name} cannot be run: {_reason(error)}") from error

    def __call__(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return its first output.

        Raises:
            BadInput: the graph does not take them.
            MemoryError: there is not enough.
        """
        options = _onnxruntime().RunOptions()
        try:
            found: npt.NDArray[np.float32] = interruptible(
                lambda: self._session.run(None, {self._input: values}, options)[0],
                lambda: setattr(options, "terminate", True),
            )
        except Exception as error:
            if any(word in str(error) for word in NO_MEMORY):
                raise MemoryError from error
            raise BadInput(f"the graph of {self._name} fails: {_reason(error)}") from error
        return found


class OnnxNetwork:
    """A graph of a backbone, run by ONNX Runtime in float32.

    A graph given as bytes may come from anyone: it is checked (`graph_check`), it cannot name files
    to read its weights from, and a signal ends it.

    Raises:
        BadInput: not a graph of pictures, one of other weights than the spec's, or one refused.
    """

    runtime: Runtime = "onnx"
    on_cpu = True

    def __init__(
        self, spec: BackboneSpec, graph: Path | bytes, weights_file: Path | None = None
    ) -> None:
        self.spec, self.weights_file = spec, weights_file
        if isinstance(graph, bytes):
            try:
                check_graph(graph)
            except BadInput as reason:
                raise BadInput(f"the graph of {spec.name} cannot be run: {reason}") from None
        self._graph = OnnxGraph(spec.name, graph)
        if self._graph.others or self._graph.metadata.get(WEIGHTS_KEY) != spec.weights:
            raise BadInput(f"the graph of {spec.name} is not of its weights; make it again")
        said = self._graph.metadata.get(STRIDE_KEY, "")
        self.stride = int(said) if STRIDES.fullmatch(said) else None

    def rows(self, pixels: Pixels, pool: Callable[[Any], Any]) -> Rows:
        """Encode pictures (N, H, W, 3) uint8 into what `pool` makes of their maps, float32.

        Raises:
            BadInput: the graph does not take them.
        """
        found: Rows = pool(self._graph(pixels))
        return found


class OpenVinoNetwork:
    """A graph run by OpenVINO (the extra `openvino`), in float32 or bfloat16.

    Picture by picture, since its arithmetic differs with the number of pictures in a batch.

    Raises:
        UsageError: the extra is not installed.
    """

    runtime: Runtime = "openvino"
    on_cpu = True
    stride: int | None = None  # its graphs are not asked

    def __init__(
        self,
        spec: BackboneSpec,
        graph: Path | bytes,
        weights_file: Path | None = None,
        *,
        precision: Precision = "fp32",
        streams: int = 1,
    ) -> None:
        if not has_openvino():
            raise UsageError("--runtime openvino: not installed: pip install 'tvcli[openvino]'")
        import openvino

        self.spec, self.weights_file = spec, weights_file
        core = openvino.Core()
        model = core.read_model(graph)
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            "INFERENCE_NUM_THREADS": streams,
            "NUM_STREAMS": streams,
            "ENABLE_CPU_PINNING": False,  # the threads that decode share the cores
        }
        self._compiled = core.compile_model(model, "CPU", settings)
        self._requests = threading.local()  # a request serves one thread at a time

    def rows(self, pixels: Pixels, pool: Callable[[Any], Any]) -> Rows:
        """Encode pictures (N, H, W, 3) uint8 into what `pool` makes of their maps, float32."""
        if not hasattr(self._requests, "own"):
            self._requests.own = self._compiled.create_infer_request()
        request = self._requests.own
        maps = [request.infer({0: one[None]}, share_inputs=True)[0] for one in pixels]
        found: Rows = pool(np.concatenate(maps))  # (N, C, h, w)
        return found


def has_openvino() -> bool:
    """Tell whether the extra is installed."""
    return find_spec("openvino") is not None


def mini_graph(name: str = FAMILY) -> tuple[BackboneSpec, Path]:
    """Return what a generation of mini is, by its name, and the graph of it that ships."""
    return mini_spec(name), graph_beside(weights_of(name))


def run_graph(
    spec: BackboneSpec,
    graph: Path | bytes,
    weights_file: Path | None,
    runtime: Runtime,
    precision: Precision,
) -> Network:
    """Return a network that runs a graph by a runtime, `onnx` or `openvino`."""
    if runtime == "openvino":
        return OpenVinoNetwork(spec, graph, weights_file, precision=precision, streams=cores())
    return OnnxNetwork(spec, graph, weights_file)


def _onnxruntime() -> Any:
    """Return ONNX Runtime; from 1.29 on it reports to its makers unless told not to beforehand."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0].split(" : ")[-1][:200] or type(error).__name__


def choose_runtime(asked: Runtime, device: Device, precision: Precision) -> Runtime:
    """Return what is to run a network: `auto` resolved by the device and the arithmetic.

    On a CPU ONNX Runtime for float32; for bfloat16 OpenVINO where it is installed, else torch
    (docs/notes/benchmarks.md). Everywhere else torch.

    Raises:
        UsageError: the runtime does not go with the device or the precision.
    """
    if asked == "torch" or (asked == "auto" and not on_cpu(device)):
        return "torch"
    if device in ("cuda", "mps"):
        raise UsageError(f"--runtime {asked}: runs on a CPU; with --device {device} take torch")
    if asked == "auto":
        return "onnx" if precision == "fp32" else "openvino" if has_openvino() else "torch"
    if asked == "onnx" and precision == "bf16":
        raise UsageError("--runtime onnx: computes in fp32; for bf16 take openvino or torch")
    return asked


def on_cpu(device: Device) -> bool:
    """Tell whether a device is the CPU; torch is asked only where there might be another."""
    if device != "auto":
        return device == "cpu"
    if sys.platform != "darwin" and not any(file.exists() for file in GPU_FILES):
        return True
    if find_spec("torch") is None:  # which alone would run on another
        return True
    from tvcli.core.backbones.loading import find_device

    return find_device(device).type == "cpu"
