"""What runs a network fastest on a CPU: photos per CPU-second, and how far the maps are from torch.

    python -m scripts.bench.runtimes [--rounds 5] [--seconds 1]

One thread, batches as `tv encode` makes them, random weights but for mini (they take as long as
trained ones). All runtimes take turns in every round; medians. bf16 is another arithmetic, which
rows record (`--precision`); the other three are float32 and compare.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torchvision

from tvcli.core.backbones.specs import Precision, Runtime
from tvcli.core.encoding.encode import one_thread_each
from tvcli.core.encoding.encoder import CPU_BATCH, Encoder, make_encoder

BACKBONES = ("mini", "squeezenet1_1", "resnet18", "mobilenet_v3_large", "alexnet")
WAYS: tuple[tuple[Runtime, Precision], ...] = (
    ("torch", "fp32"),
    ("onnx", "fp32"),
    ("openvino", "fp32"),
    ("torch", "bf16"),
    ("openvino", "bf16"),
)
RATIOS = {"onnx / torch": (1, 0), "bf16: openvino / torch": (4, 3)}  # places in WAYS


def random_weights(name: str, folder: Path) -> Path | None:
    """Write random weights of a model, whose activations keep their size from layer to layer."""
    if name == "mini":
        return None
    torch.manual_seed(0)
    model = torchvision.models.get_model(name, weights=None)
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight)
    path = folder / f"{name}.pth"
    torch.save(model.state_dict(), path)
    return path


def pictures(encoder: Encoder) -> list[np.ndarray]:
    side = encoder.settings.size
    return list(np.random.default_rng(0).integers(0, 256, (CPU_BATCH, side, side, 3), np.uint8))


def per_cpu_second(encoder: Encoder, seconds: float) -> float:
    work = pictures(encoder)
    started, done = time.process_time(), 0
    while time.process_time() - started < seconds:
        encoder.encode(work)
        done += len(work)
    return done / (time.process_time() - started)


def measured(encoders: list[Encoder], rounds: int, seconds: float) -> list[float]:
    for encoder in encoders:
        encoder.encode(pictures(encoder))
    taken = [[per_cpu_second(one, seconds) for one in encoders] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def furthest(encoder: Encoder, reference: Encoder) -> float:
    """Return how far its maps are from the reference's, of the largest value."""
    expected = reference.encode(pictures(reference))
    return float(
        np.abs(encoder.encode(pictures(encoder)) - expected).max() / np.abs(expected).max()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each turn")
    given = parser.parse_args()
    names = [f"{runtime} {precision}" for runtime, precision in WAYS]
    heads = ["backbone", *names, *RATIOS, "onnx off", "openvino off", "bf16 off"]
    print("| " + " | ".join(heads) + " |\n" + "|---" * len(heads) + "|")
    with tempfile.TemporaryDirectory() as folder, one_thread_each():
        for name in BACKBONES:
            file = random_weights(name, Path(folder))
            encoders = [
                make_encoder(name, weights=file, device="cpu", runtime=runtime, precision=precision)
                for runtime, precision in WAYS
            ]
            speeds = measured(encoders, given.rounds, given.seconds)
            off = [furthest(encoders[place], encoders[0]) for place in (1, 2, 4)]
            cells = [f"{speed:.0f}" for speed in speeds]
            cells += [f"{speeds[a] / speeds[b]:.2f}" for a, b in RATIOS.values()]
            cells += [f"{value:.0e}" for value in off]
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
