"""From which accuracy of a classifier on held-out crops on its boxes are worth looking at.

    python -m scripts.bench.weak_heads boxes.jsonl [--splits 0,1] [--spoilt 0,0.5,0.75,1]

Heads are trained on photos with one box each, by the function that `tv annotate boxes --learn`
trains with. In a share of the photos the box is put elsewhere, at random, so that there is less
and less to learn. A line tells the accuracy that the classifier has on the photos that its training
held out, whose boxes are spoilt alike, and what `tv locate` finds with it in photos of the split
that nobody spoilt: the share of boxes with an IoU of 0.5 or more, of photos without a box, and the
mean IoU, 0 where nothing is found.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from scripts.bench.location_splits import is_tested
from tvcli.core.boxes import as_box, iou
from tvcli.core.files.artifacts import open_artifact
from tvcli.core.files.records import Record, read_record_file, write_records
from tvcli.core.images.photo import decode_photo, read_photo
from tvcli.core.location.crops import CropSettings
from tvcli.core.location.pair_training import CLASSIFIER_FILE, load_pair, train_pair

SIDES = "width", "height"
STOPPING = 0.15  # of the photos: their crops stop the training, and are what accuracy is told on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("boxes", type=Path)
    parser.add_argument("--splits", default="0,1")
    parser.add_argument("--spoilt", default="0,0.5,0.75,1")
    given = parser.parse_args()
    root = given.boxes.parent.absolute()
    photos: dict[str, list[Record]] = {}
    for record, _ in read_record_file(given.boxes):
        image = str(root / record["image"])
        photos.setdefault(image, []).append(record | {"image": image})
    single = [own[0] for own in photos.values() if len(own) == 1]
    for split in map(int, given.splits.split(",")):
        tested = [record for record in single if is_tested(record["image"], split)]
        learned = [record for record in single if not is_tested(record["image"], split)]
        for share in map(float, given.spoilt.split(",")):
            print(json.dumps({"split": split, "spoilt": share} | row(learned, tested, share)))


def row(learned: list[Record], tested: list[Record], share: float) -> dict[str, float]:
    """Return the accuracy of a classifier, and how good the boxes found with it are."""
    rng = np.random.default_rng(0)
    spoilt = [elsewhere(r, rng) if rng.random() < share else r for r in learned]
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_records(folder / "boxes.jsonl", spoilt)
        settings = CropSettings(test=STOPPING)
        train_pair(folder / "boxes.jsonl", folder, [], held_out=0.0, settings=settings)
        with open_artifact(folder / CLASSIFIER_FILE, "head") as file:
            accuracy, basis = file.settings["quality"]["accuracy"], file.settings["basis"]
        locator = load_pair(folder, 1)
    found = []
    for record in tested:
        pixels = decode_photo(read_photo(Path(record["image"])), colour="managed")
        boxes = locator.locate(pixels)
        found.append(iou(boxes[0].box, as_box(record["box"])) if boxes else np.nan)
    ious = np.array(found)
    return {
        "accuracy": round(accuracy, 3),
        "held_out_photos": basis["held_out_photos"],
        "right": round(float((ious[np.isfinite(ious)] >= 0.5).mean()), 3),
        "without": round(float(np.isnan(ious).mean()), 3),
        "iou": round(float(np.nan_to_num(ious).mean()), 3),
    }


def elsewhere(record: Record, rng: np.random.Generator) -> Record:
    """Return a record with a box of the same area or less, anywhere in the photo."""
    x0, y0, x1, y1 = record["box"]
    sides = [min(x1 - x0, 0.6 * record["width"]), min(y1 - y0, 0.6 * record["height"])]
    left, top = (rng.uniform(0, record[of] - s) for of, s in zip(SIDES, sides, strict=True))
    return record | {"box": [left, top, left + sides[0], top + sides[1]]}


if __name__ == "__main__":
    main()
