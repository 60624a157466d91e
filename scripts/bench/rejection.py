"""What a locator takes for the object: photos of other things that get a box, and objects missed.

    python -m scripts.bench.rejection BOXES --background DIR --others DIR [--split 1] [--mine]

Of the photos of BOXES, 50 are kept apart for each split; the heads learn from the others, without
and with twenty photos of `--background`, and with `--mine` from the false alarms of a first pair of
heads, too. The chain runs through `tv`, at the default threshold. Shares come with Wilson's 95 %
intervals. `--others` must be photos on which nothing was chosen.
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
    parser.add_argument("--others", type=Path, required=True)
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
    found = [one(folder, given.others, "none", [])]
    found.append(one(folder, given.others, "background", ["--background", "other"]))
    if given.mine:
        tv(folder, "locate", "other", *heads("background"), "--threshold", "0", "-o", "found.jsonl")
        alarms = ["--background", "other", "--false-alarms", "found.jsonl"]
        found.append(one(folder, given.others, "false alarms", alarms))
    return found


def one(folder: Path, others: Path, name: str, options: list[str]) -> dict[str, Any]:
    """Train both heads and return the shares of photos that are missed, and wrongly found."""
    tv(folder, "crops", "boxes.jsonl", *options, "-o", "crops.jsonl")
    (folder / "crops.h5").unlink(missing_ok=True)
    tv(folder, "encode", "crops.jsonl", "-o", "crops.h5")
    tv(folder, "train-classifier", "crops.h5", "-o", f"{name}-c.h5")
    tv(folder, "train-boxes", "crops.h5", "-o", f"{name}-b.h5")
    shares: dict[str, Any] = {"learned": name}
    for what, photos in (("found", "apart.txt"), ("false", str(others.absolute()))):
        tv(folder, "locate", photos, *heads(name), "--keep-empty", "-o", f"{what}.jsonl")
        records = map(json.loads, (folder / f"{what}.jsonl").read_text().splitlines())
        boxed = {record["image"]: "box" in record for record in records}
        hits, photos_seen = sum(boxed.values()), len(boxed)
        interval = binomtest(hits, photos_seen).proportion_ci(method="wilson")
        shares[what] = round(hits / photos_seen, 3)
        shares[f"{what}_interval"] = [round(interval.low, 3), round(interval.high, 3)]
        shares[f"{what}_photos"] = photos_seen
    return shares


def heads(name: str) -> list[str]:
    return ["--classifier", f"{name}-c.h5", "--boxes", f"{name}-b.h5"]


def shuffled(names: set[str], seed: int) -> list[str]:
    """Return names in an order that depends on them and the seed alone."""
    return sorted(names, key=lambda name: hashlib.blake2b(f"{seed}:{name}".encode()).digest())


def tv(folder: Path, *words: str) -> None:
    subprocess.run([TV, *words, "-q"], cwd=folder, check=True)


if __name__ == "__main__":
    main()
