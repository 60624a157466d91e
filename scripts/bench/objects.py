"""How well several objects of a photo are found: average precision against the objects asked for.

    python -m scripts.bench.objects boxes.jsonl heads/ [--splits 0,1] [--objects 1,2,5]

With `--splits`, `heads/` is what scripts/bench/location_splits.py wrote, and measured are the
photos that a split held out; without, `heads/` has classifier.h5 and boxes.h5, which saw none of
the photos. Over all photos, whatever the number of their objects; apart, over those with two or
more and those without any. AP is COCO's, at IoU 0.50 and the mean from 0.50 to 0.95; where the
classifier names objects, it is the mean over labels. Missed and spurious are at IoU 0.50 and the
locator's own threshold, or `--threshold`. Intervals are of 95 %, by resampling photos.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from scripts.bench.location_splits import is_tested
from tvcli.core.boxes import Box, as_box
from tvcli.core.files.records import read_record_file
from tvcli.core.images.photo import decode_photo
from tvcli.core.location.detection_matching import Boxes, DetectionMatching
from tvcli.core.location.locate import LocateSettings
from tvcli.core.location.locating import load_locator

RESAMPLED = 200
AT_ONCE = 4  # photos
Labelled = dict[str, Boxes]
Seen = tuple[Labelled, Labelled]  # of a photo: what was found, and what is there
Truth = dict[Path, list[tuple[Box, str]]]


def seen_photos(
    photos: Truth, heads: tuple[Path, Path], settings: LocateSettings
) -> Iterator[Seen]:
    """Yield what is found in photos beside the truth; by labels if the classifier names."""
    locator = load_locator(*heads, settings, device="cpu")
    names = "naming" in locator.heads.classifier.settings
    files = list(photos)
    for start in range(0, len(files), AT_ONCE):
        block = files[start : start + AT_ONCE]
        located = locator.locate_all([decode_photo(file.read_bytes()) for file in block])
        for file, objects in zip(block, located, strict=True):
            found, true = defaultdict[str, Boxes](Boxes), defaultdict[str, Boxes](Boxes)
            for each in objects:
                own = found[each.label if names else ""]
                own.boxes.append(each.box)
                own.scores.append(each.score)
            for box, label in photos[file]:
                own = true[label if names else ""]
                own.boxes.append(box)
                own.scores.append(1.0)
            yield dict(found), dict(true)


def matched(seen: list[Seen]) -> dict[str, DetectionMatching]:
    """Return by label what was found against what is there."""
    matchings = defaultdict[str, DetectionMatching](DetectionMatching)
    for found, true in seen:
        for label in found.keys() | true.keys():
            matchings[label].add(found.get(label, Boxes()), true.get(label, Boxes()))
    return matchings


def precisions(seen: list[Seen]) -> tuple[float, float, int, int]:
    """Return AP at 0.50 and from 0.50 to 0.95, and how many are missed and spurious."""
    matchings = matched(seen).values()
    aps = [each.precisions() for each in matchings if len(each.ious)]
    whole = np.mean(aps, axis=0) if aps else np.zeros(1)
    missed, spurious = sum(m.missed for m in matchings), sum(m.spurious for m in matchings)
    return float(whole[0]), float(whole.mean()), missed, spurious


def figures(seen: list[Seen]) -> dict[str, Any]:
    """Return the measures of some photos, with intervals."""
    rng = np.random.default_rng(0)
    half, mean, missed, spurious = precisions(seen)
    again = [
        precisions([seen[n] for n in rng.integers(0, len(seen), len(seen))])[:2]
        for _ in range(RESAMPLED)
    ]
    low, high = np.quantile(again, [0.025, 0.975], axis=0).round(3).tolist()
    return {
        "photos": len(seen),
        "objects": sum(map(count, seen)),
        "ap_50": [round(half, 3), low[0], high[0]],
        "ap_50_95": [round(mean, 3), low[1], high[1]],
        "missed": missed,
        "spurious": spurious,
        "by_label": by_label(seen),
    }


def by_label(seen: list[Seen]) -> dict[str, float]:
    """Return the AP at 0.50 of each label that is there."""
    there = sorted((label, own) for label, own in matched(seen).items() if len(own.ious))
    return {label: round(float(own.precisions()[0]), 3) for label, own in there}


def count(photo: Seen) -> int:
    """Return how many objects a photo has."""
    return sum(len(boxes.boxes) for boxes in photo[1].values())


def read_truth(file: Path) -> Truth:
    """Return the objects of each photo that a file names, none of those that are empty."""
    truth: Truth = {}
    for record, _ in read_record_file(file):
        own = truth.setdefault(file.parent / record["image"], [])
        if record.get("box") is not None:
            own.append((as_box(record["box"]), record.get("label", "")))
    return truth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("boxes", type=Path)
    parser.add_argument("heads", type=Path)
    parser.add_argument("--splits", default="")
    parser.add_argument("--objects", default="1,2,5")
    parser.add_argument("--threshold", type=float)
    given = parser.parse_args()
    truth = read_truth(given.boxes)
    for most in map(int, given.objects.split(",")):
        seen: list[Seen] = []
        settings = LocateSettings(threshold=given.threshold, max_objects=most)
        started = time.process_time()
        for split in given.splits.split(","):
            end = f"-{split}.h5" if split else ".h5"
            heads = given.heads / f"classifier{end}", given.heads / f"boxes{end}"
            own = {p: b for p, b in truth.items() if not split or is_tested(str(p), int(split))}
            seen += seen_photos(own, heads, settings)
        cost = {"cpu_seconds_a_photo": round((time.process_time() - started) / len(seen), 3)}
        many, none = [p for p in seen if count(p) > 1], [p for p in seen if not count(p)]
        print(json.dumps({"asked": most, "photos with": "any number", **figures(seen)} | cost))
        if 0 < len(many) < len(seen):
            print(json.dumps({"asked": most, "photos with": "two or more", **figures(many)}))
        if none:
            boxed = sum(bool(found) for found, _ in none)
            told = {"photos": len(none), "with a box": boxed}
            print(json.dumps({"asked": most, "photos with": "none", **told}), flush=True)


if __name__ == "__main__":
    main()
