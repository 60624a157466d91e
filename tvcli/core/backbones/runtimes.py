"""What runs a network: torch wherever there is a GPU, else what is fastest on a CPU."""

import sys
from pathlib import Path

from tvcli.core.backbones.graphs import has_openvino
from tvcli.core.backbones.specs import Device, Precision, Runtime
from tvcli.core.errors import UsageError

# What a driver leaves where there is a GPU: NVIDIA's, AMD's, and Windows' for its Linux.
GPU_FILES = tuple(Path("/dev", name) for name in ("nvidiactl", "kfd", "dxg"))


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
    from tvcli.core.backbones.loading import find_device

    return find_device(device).type == "cpu"
