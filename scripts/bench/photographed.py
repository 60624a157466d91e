"""Which of mine is this a photo of? Prints photographed by a cheap camera, by kind of key points.

    python -m scripts.bench.photographed PICTURES SURFACES [--queries 100] [--seed 0]

Half of the pictures are indexed; the others are strangers. As many photos are made of prints of
either (`scripts/matching/rephotographed.py`), lying on photos of SURFACES, and searched for by the
whole command, `tv search --verify`, for each way below. The CPU time is that of the command's whole
process, its start among it, for a photo. Intervals are of 95 % (Wilson).
"""

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from scripts.bench.intervals import share
from scripts.matching.changes import MADE
from scripts.matching.rephotographed import Surroundings
from scripts.matching.rows import is_picture, opened, pictures_in, surroundings

GALLERY = 300  # pictures that are indexed, at most
WAYS = {
    "orb": ([], []),
    "orb, key points kept": (["--keypoints"], []),
    "sift": ([], ["--method", "sift"]),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("surfaces", type=Path)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    files = [path for path in pictures_in(given.pictures) if is_picture(path)]
    files = [files[n] for n in rng.permutation(len(files))]
    count = min(GALLERY, len(files) // 2)
    gallery, strangers = files[:count], files[count : 2 * count]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "gallery.txt").write_text("".join(f"{path}\n" for path in gallery))
        around = surroundings(given.surfaces, rng)
        shown = {
            kind: drawn(some, strangers, folder / kind, given.queries, around, rng)
            for kind, some in (("copies", gallery), ("strangers", strangers))
        }
        print("| key points | recall | another picture | strangers that pass | CPU s a photo |")
        print("|---|---|---|---|---|")
        for way, (indexing, searching) in WAYS.items():
            made = folder / f"{way}.tvx"
            tv("index", folder / "gallery.txt", "-o", made, *indexing)
            row, seconds = [], 0.0
            for kind, truth in shown.items():
                before = os.times()
                hits = found(folder / kind, made, searching)
                after = os.times()
                seconds += after.children_user + after.children_system
                seconds -= before.children_user + before.children_system
                right = sum(path in hits.get(photo, ()) for photo, path in truth.items())
                wrong = sum(
                    any(hit != path for hit in hits.get(photo, ())) for photo, path in truth.items()
                )
                row += [share(right, len(truth)), share(wrong, len(truth))]
            recall, other, _, passing = row
            cost = seconds / sum(map(len, shown.values()))
            print(f"| {way} | {recall} | {other} | {passing} | {cost:.2f} |", flush=True)


def drawn(
    pictures: list[Path],
    others: list[Path],
    folder: Path,
    count: int,
    around: Surroundings,
    rng: np.random.Generator,
) -> dict[str, str]:
    """Draw photos of prints, others below some; return the print's path by the photo's name."""
    folder.mkdir()
    truth = {}
    for number in range(count):
        path = pictures[int(rng.integers(len(pictures)))]
        below = [opened(others[int(n)]) for n in rng.integers(0, len(others), 3)]
        photo = MADE["photographed"](opened(path), below, around, rng)
        photo.save(folder / f"{number:04}.png")
        truth[f"{number:04}.png"] = str(path)
    return truth


def found(photos: Path, index: Path, options: list[str]) -> dict[str, list[str]]:
    """Return the paths of the hits of each photo that has some, by its name."""
    hits: dict[str, list[str]] = {}
    said = tv("search", photos, "-i", index, "--verify", *options)
    for record in map(json.loads, said.splitlines()):
        hits.setdefault(Path(record["query"]).name, []).append(str(Path(record["image"]).resolve()))
    return hits


def tv(*arguments: object) -> str:
    command = ["tv", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
