"""How long `tv` takes to start, next to importing torch; whole processes, in turn, in one run.

python -m scripts.bench.startup [--rounds 7]
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

BIN = Path(sys.executable).parent


def seconds(command: list[str], folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - started


def collection(folder: Path) -> None:
    """Draw 100 photos of 640 x 480 and index them."""
    (folder / "photos").mkdir()
    for number in range(100):
        coarse = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((640, 480)).save(folder / "photos" / f"{number:03}.jpg")
    subprocess.run([BIN / "tv", "index", "photos", "-q"], cwd=folder, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    tv, python = str(BIN / "tv"), sys.executable
    commands = {
        "python -c pass": [python, "-c", "pass"],
        "tv --help": [tv, "--help"],
        'python -c "import torch"': [python, "-c", "import torch"],
        'python -c "import torchvision"': [python, "-c", "import torchvision"],
        "tv search --item (no torch)": [tv, "search", "--item", "photos/001.jpg"],
        "tv search photo (mini)": [tv, "search", "photos/001.jpg"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as name:
        collection(Path(name))
        for turn in range(rounds + 1):
            for label, command in commands.items():
                time_taken = seconds(command, Path(name))
                if turn:  # the first only warms the disk cache
                    taken[label].append(time_taken)
    torch = taken['python -c "import torch"']
    print("| command | seconds (median) | of import torch |\n|---|---|---|")
    for label, values in taken.items():
        ratio = statistics.median(v / t for v, t in zip(values, torch, strict=True))
        print(f"| `{label}` | {statistics.median(values):.2f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
