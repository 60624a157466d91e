"""How well several objects of a photo are found: average precision against the objects asked for.

    python -m scripts.bench.objects boxes.jsonl heads/ [--splits 0,1] [--objects 1,2,5]

`heads/` is what scripts/bench/location_splits.py wrote. Over all photos that a split held out,
whatever the number of their objects; apart, over those with two or more. AP is COCO's, at IoU 0.50
and the mean from 0.50 to 0.95; intervals are of 95 %, by resampling photos.
"""

import argparse
import json
from collections import defaultdict
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
Seen = tuple[Boxes, Boxes]  # of a photo: what was found, and what is there


def seen_photos(
    photos: dict[Path, list[Box]], heads: tuple[Path, Path], settings: LocateSettings
) -> list[Seen]:
    """Return what is found in photos, one after another, beside the truth."""
    locator = load_locator(*heads, settings, device="cpu")
    found = []
    for file, boxes in photos.items():
        objects = locator.locate(decode_photo(file.read_bytes()))
        own = Boxes([o.box for o in objects], [o.score for o in objects])
        found.append((own, Boxes(list(boxes), [1.0] * len(boxes))))
    return found


def precisions(seen: list[Seen]) -> tuple[float, float, int, int]:
    """Return AP at 0.50 and from 0.50 to 0.95, and how many are missed and spurious."""
    matching = DetectionMatching()
    for found, true in seen:
        matching.add(found, true)
    aps = matching.precisions()
    return aps[0], float(np.mean(aps)), matching.missed, matching.spurious


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
        "objects": sum(len(true.boxes) for _, true in seen),
        "ap_50": [round(half, 3), low[0], high[0]],
        "ap_50_95": [round(mean, 3), low[1], high[1]],
        "missed": missed,
        "spurious": spurious,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("boxes", type=Path)
    parser.add_argument("heads", type=Path)
    parser.add_argument("--splits", default="0,1")
    parser.add_argument("--objects", default="1,2,5")
    parser.add_argument("--threshold", type=float)
    given = parser.parse_args()
    truth: defaultdict[Path, list[Box]] = defaultdict(list)
    for record, _ in read_record_file(given.boxes):
        truth[given.boxes.parent / record["image"]].append(as_box(record["box"]))
    for most in map(int, given.objects.split(",")):
        seen: list[Seen] = []
        for split in given.splits.split(","):
            heads = given.heads / f"classifier-{split}.h5", given.heads / f"boxes-{split}.h5"
            tested = {p: b for p, b in truth.items() if is_tested(str(p), int(split))}
            settings = LocateSettings(threshold=given.threshold, max_objects=most)
            seen += seen_photos(tested, heads, settings)
        many = [each for each in seen if len(each[1].boxes) > 1]
        for what, own in (("all", seen), ("two or more", many)):
            print(json.dumps({"asked": most, "photos with": what, **figures(own)}), flush=True)


if __name__ == "__main__":
    main()
