"""Train `mini`, the embedded backbone: `python -m scripts.train_mini --data ../shared/data`.

Renders views and asks the teachers about them (once, kept in --cache), trains for --minutes,
plots the curves and writes the weights. Given again after a stop, it goes on where it was.
On a machine that does other work too, run it with OMP_WAIT_POLICY=PASSIVE and nice.
"""

import argparse
import json
import os
from pathlib import Path

import torch

from scripts.mini.cache import Recipe, prepared
from scripts.mini.curves import plot
from scripts.mini.export import export
from scripts.mini.loop import Settings, train
from scripts.mini.memory import keep_freed_memory


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument(
        "--photos", type=Path, default=Path("build/mini/photos"), help="of scripts.mini.gather"
    )
    parser.add_argument("--start", type=Path, help="weights to go on from, instead of none")
    parser.add_argument("--cache", type=Path, default=Path("build/mini"), help="views, checkpoint")
    parser.add_argument(
        "--out", type=Path, default=Path("build/mini/mini.safetensors"), help="weights to write"
    )
    parser.add_argument("--views", type=int, default=163_840, help="views to render (23 GB)")
    parser.add_argument("--minutes", type=float, default=72, help="of training, without the views")
    parser.add_argument("--steps", type=int, help="the length in steps instead: repeats a run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


def main() -> None:
    """Do it all."""
    given = arguments()
    keep_freed_memory()
    torch.set_num_threads(given.threads)
    device = torch.device(given.device)
    views, sources = prepared(
        given.cache, given.data, given.photos, Recipe(given.views, given.seed)
    )
    settings = Settings(given.minutes, given.steps, given.seed)
    train(views, sources, given.cache, settings, given.start, device)
    plot(given.cache / "log.jsonl", given.cache / "curves.png")
    export(given.cache / "run.pt", views, given.out)
    print(json.dumps({"weights": str(given.out), "bytes": given.out.stat().st_size}))


if __name__ == "__main__":
    main()
