"""What a locator takes for the object: photos of other things that get a box, and objects missed.

    python -m scripts.bench.rejection BOXES --background DIR --others DIR [--split 1] [--mine]

Of the photos of BOXES, 50 are kept apart for each split. The heads learn from the others alone,
with distractors, with twenty photos of `--background`, with both, and with `--mine` from the false
alarms of the last on the twenty photos, too. The chain runs through `tv`, at the default threshold.
Shares come with Wilson's 95 % intervals. `--others`, which may be given several times, must be
photos on which nothing was chosen.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from tvcli.core.files.sources import walk_photos

KEPT_APART, GIVEN = 50, 20
TV = Path(sys.executable).with_name("tv")  # of this environment, wherever it runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("boxes", type=Path)
    parser.add_argument("--background", type=Path, required=True)
    parser.add_argument("--others", type=Path, action="append", required=True)
    parser.add_argument("--split", type=int, action="append")
    parser.add_argument("--mine", action="store_true")
    given = parser.parse_args()
    for split in given.split or [1]:
        with tempfile.TemporaryDirectory() as name:
            for line in measured(given, split, Path(name)):
                print(json.dumps({"split": split, **line}), flush=True)


def measured(given: argparse.Namespace, split: int, folder: Path) -> list[dict[str, Any]]:
    """Return what is missed and what is wrongly found without and with photos of other things."""
    lines = [json.loads(line) for line in given.boxes.read_text().splitlines()]
    for line in lines:
        line["image"] = str((given.boxes.parent / line["image"]).absolute())
    names = shuffled({line["image"] for line in lines}, split)
    apart = names[:KEPT_APART]
    learned = "".join(json.dumps(r) + "\n" for r in lines if r["image"] not in apart)
    (folder / "boxes.jsonl").write_text(learned)
    (folder / "apart.txt").write_text("".join(f"{image}\n" for image in apart))
    (folder / "other").mkdir()
    photos = shuffled({str(photo) for photo in walk_photos(given.background)}, split)[:GIVEN]
    for photo in map(Path, photos):
        (folder / "other" / photo.name).symlink_to(photo.absolute())
    found = []
    teach_crops(folder, "alone", [])
    for name, option in (("alone", "--no-distractors"), ("distractors", "--distractors")):
        found.append(shares(folder, given.others, "alone", name, option))
    teach_crops(folder, "background", ["--background", "other"])
    for name, option in (("background", "--no-distractors"), ("both", "--distractors")):
        found.append(shares(folder, given.others, "background", name, option))
    if given.mine:
        known = heads("both", "background")
        tv(folder, "locate", "other", *known, "--threshold", "0", "-o", "found.jsonl")
        alarms = ["--background", "other", "--false-alarms", "found.jsonl"]
        teach_crops(folder, "alarms", alarms)
        found.append(shares(folder, given.others, "alarms", "false alarms", "--distractors"))
    return found


def teach_crops(folder: Path, crops: str, options: list[str]) -> None:
    """Cut and encode crops, and train the boxes' nets from them."""
    tv(folder, "crops", "boxes.jsonl", *options, "-o", f"{crops}.jsonl")
    tv(folder, "encode", f"{crops}.jsonl", "-o", f"{crops}.h5")
    tv(folder, "train-boxes", f"{crops}.h5", "-o", f"{crops}-b.h5")


def shares(folder: Path, others: list[Path], crops: str, name: str, option: str) -> dict[str, Any]:
    """Train a classifier and return the shares of photos with a box: of the object, of others."""
    tv(folder, "train-classifier", f"{crops}.h5", option, "-o", f"{name}-c.h5")
    found: dict[str, Any] = {"learned": name}
    asked = [("found", "apart.txt"), *((photos.name, str(photos.absolute())) for photos in others)]
    for what, photos in asked:
        tv(folder, "locate", photos, *heads(name, crops), "--keep-empty", "-o", f"{what}.jsonl")
        records = map(json.loads, (folder / f"{what}.jsonl").read_text().splitlines())
        boxed = {record["image"]: "box" in record for record in records}
        hits, photos_seen = sum(boxed.values()), len(boxed)
        interval = binomtest(hits, photos_seen).proportion_ci(method="wilson")
        found[what] = round(hits / photos_seen, 3)
        found[f"{what}_interval"] = [round(interval.low, 3), round(interval.high, 3)]
        found[f"{what}_photos"] = photos_seen
    return found


def heads(name: str, crops: str) -> list[str]:
    return ["--classifier", f"{name}-c.h5", "--boxes", f"{crops}-b.h5"]


def shuffled(names: set[str], seed: int) -> list[str]:
    """Return names in an order that depends on them and the seed alone."""
    return sorted(names, key=lambda name: hashlib.blake2b(f"{seed}:{name}".encode()).digest())


def tv(folder: Path, *words: str) -> None:
    subprocess.run([TV, *words, "-q"], cwd=folder, check=True)


if __name__ == "__main__":
    main()
