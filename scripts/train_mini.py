"""Train `mini`, the embedded backbone: `python -m scripts.train_mini --data ../shared/data`.

Renders views and asks the teachers about them (once, kept in --cache), trains for --minutes,
plots the curves and writes the weights. Given again after a stop, it goes on where it was.
On a machine that does other work too, run it with OMP_WAIT_POLICY=PASSIVE and nice.
"""

import argparse
import ctypes
import json
import os
import sys
from pathlib import Path

import torch

from scripts.mini.cache import Recipe, prepared
from scripts.mini.curves import plot
from scripts.mini.export import export
from scripts.mini.loop import Settings, train
from tvcli.core.backbones.mini import WEIGHTS


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--cache", type=Path, default=Path("build/mini"), help="views, checkpoint")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="the weights to write")
    parser.add_argument("--views", type=int, default=153_600, help="views to render (12.8 GB)")
    parser.add_argument("--minutes", type=float, default=72, help="of training, without the views")
    parser.add_argument("--steps", type=int, help="the length in steps instead: repeats a run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


def keep_freed_memory() -> None:
    """Have glibc keep what is freed: mapping it anew in each step halves the speed on CPU."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        trim_threshold, mmap_max = -1, -4
        libc.mallopt(mmap_max, 0)
        libc.mallopt(trim_threshold, 2**31 - 1)


def main() -> None:
    """Do it all."""
    given = arguments()
    keep_freed_memory()
    torch.set_num_threads(given.threads)
    device = torch.device(given.device)
    views = prepared(given.cache, given.data, Recipe(given.views, given.seed), device)
    train(views, given.cache, Settings(given.minutes, given.steps, given.seed), device)
    plot(given.cache / "log.jsonl", given.cache / "curves.png")
    export(given.cache / "run.pt", given.data, given.out)
    print(json.dumps({"weights": str(given.out), "bytes": given.out.stat().st_size}))


if __name__ == "__main__":
    main()
