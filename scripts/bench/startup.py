"""How long `tv` takes to start, next to importing torch; whole processes, in turn, in one run.

    python -m scripts.bench.startup [--rounds 9]

From exec to the last hit printed. Wall time in seconds; of `import torch` each command's time by
that of the `import torch` of its round; CPU time too, which a busy machine changes less. Medians.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image

BIN = Path(sys.executable).parent


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds(command: list[str], folder: Path) -> tuple[float, float]:
    """Return the wall and the CPU time of a process."""
    used, started = cpu_seconds(), time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - started, cpu_seconds() - used


def collection(folder: Path) -> None:
    """Draw 100 photos of 640 x 480 and index them, by mini and by another backbone."""
    (folder / "photos").mkdir()
    for number in range(100):
        coarse = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((640, 480)).save(folder / "photos" / f"{number:03}.jpg")
    weights = folder / "squeezenet.pth"
    torch.save(torchvision.models.squeezenet1_1(weights=None).state_dict(), weights)
    other = ["--backbone", "squeezenet1_1", "--weights", str(weights), "-o", "other.tvx"]
    for options in ([], other):
        command: list[str | Path] = [BIN / "tv", "index", "photos", "-q", *options]
        subprocess.run(command, cwd=folder, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    tv, python = str(BIN / "tv"), sys.executable
    commands = {
        "python -c pass": [python, "-c", "pass"],
        "tv --help": [tv, "--help"],
        'python -c "import torch"': [python, "-c", "import torch"],
        'python -c "import torchvision"': [python, "-c", "import torchvision"],
        "tv search --item": [tv, "search", "--item", "photos/001.jpg"],
        "tv search photo (mini)": [tv, "search", "photos/001.jpg"],
        "tv search photo (squeezenet1_1)": [tv, "search", "photos/001.jpg", "-i", "other.tvx"],
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CACHE_HOME"] = str(Path(name, "cache"))
        collection(Path(name))
        for turn in range(rounds + 1):
            for label, command in commands.items():
                times = seconds(command, Path(name))
                if turn:  # the first only warms the disk cache
                    taken[label].append(times)
    print("| command | s | of `import torch` | CPU s | of `import torch` |\n" + "|---" * 5 + "|")
    for label, values in taken.items():
        cells = " | ".join(column(values, taken['python -c "import torch"'], of) for of in (0, 1))
        print(f"| `{label}` | {cells} |")


def column(values: list[tuple[float, float]], torch: list[tuple[float, float]], of: int) -> str:
    """Return the median of one of the two times, and of its ratio to that of importing torch."""
    own = statistics.median(value[of] for value in values)
    ratio = statistics.median(v[of] / t[of] for v, t in zip(values, torch, strict=True))
    return f"{own:.2f} | {ratio:.2f}"


if __name__ == "__main__":
    main()
