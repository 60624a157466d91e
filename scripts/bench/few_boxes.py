"""How good the boxes of trained heads are after few boxes were drawn, and what a training costs.

    python -m scripts.bench.few_boxes boxes.jsonl [--splits 0,1] [--counts 10,20,40,80]
        [--held-out 0.2]

The splits, the photos with one box and their order are those of `prototype.py`, so that its figures
stand beside these. In each split both heads are trained on the first photos, by the function that
`tv annotate boxes --learn` trains with, and look for the object in the photos that the split holds
out. Mean IoU, 0 where nothing is found, with an interval of 95 % by resampling photos, and the
share with an IoU of 0.7 or more. `proposed` is what the page proposes: the prototype's box where
the heads find none; `gain` is by how much that is above the prototype, photo by photo. `told` is
what the training itself says on the photos that it holds out, of which `--held-out` is the share.
"""

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from scripts.bench.locate import interval
from scripts.bench.location_splits import is_tested, place
from tvcli.core.boxes import Box, as_box, iou
from tvcli.core.encoding.encoder import make_encoder
from tvcli.core.files.records import Record, read_record_file, write_records
from tvcli.core.images.photo import decode_photo, read_photo, resize_photo
from tvcli.core.location.pair_training import HELD_OUT, load_pair, train_pair
from tvcli.core.location.prototype import Floats, fit_prototype


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("boxes", type=Path)
    parser.add_argument("--splits", default="0,1")
    parser.add_argument("--counts", default="10,20,40,80")
    parser.add_argument("--held-out", type=float, default=HELD_OUT)
    given = parser.parse_args()
    photos: defaultdict[str, list[Record]] = defaultdict(list)
    for record, _ in read_record_file(given.boxes):
        photos[record["image"]].append(record)
    single = {image: own[0] for image, own in photos.items() if len(own) == 1}
    root = given.boxes.parent.absolute()
    maps = {image: whole_map(root / image) for image in single}
    splits = [int(split) for split in given.splits.split(",")]
    for count in map(int, given.counts.split(",")):
        ious: dict[str, list[float]] = {"heads": [], "proposed": [], "prototype": []}
        spent, missed, told = [], 0, []
        for split in splits:
            own = [image for image in single if not is_tested(image, split)]
            own = sorted(own, key=lambda image: place(image, split, "order"))[:count]
            prototype = fit_prototype(
                [maps[image] for image in own], [[relative(single[image])] for image in own]
            )
            assert prototype is not None
            with TemporaryDirectory() as name:
                folder = Path(name)
                records = [single[i] | {"image": str(root / i)} for i in own]
                write_records(folder / "boxes.jsonl", records)
                started = time.process_time()
                boxes = folder / "boxes.jsonl"
                trained = train_pair(boxes, folder, [], held_out=given.held_out)
                spent.append(time.process_time() - started)
                told.append(round(trained.iou, 3))
                locator = load_pair(folder, trained.objects)
            for image in (image for image in single if is_tested(image, split)):
                truth = as_box(single[image]["box"])
                found = locator.locate(decode_photo(read_photo(root / image), colour="managed"))
                box, _ = prototype.propose(maps[image])
                first = iou(in_pixels(box, single[image]), truth)
                located = iou(found[0].box, truth) if found else 0.0
                missed += not found
                ious["prototype"].append(first)
                ious["heads"].append(located)
                ious["proposed"].append(located if found else first)
        line: dict[str, Any] = {"boxes": count, "tested": len(ious["heads"]), "missed": missed}
        for what, each in ious.items():
            values = np.array(each)
            good = round(float((values >= 0.7).mean()), 3)
            line[what] = [round(float(values.mean()), 3), *interval(values), good]
        gains = np.array(ious["proposed"]) - np.array(ious["prototype"])
        line["gain"] = [round(float(gains.mean()), 3), *interval(gains)]
        line |= {"told": told, "cpu_seconds": [round(each, 1) for each in spent]}
        print(json.dumps(line), flush=True)


def whole_map(path: Path) -> Floats:
    encoder = make_encoder("mini")
    size = encoder.settings.size
    pixels = resize_photo(decode_photo(path.read_bytes()), size, size)
    rows: Floats = encoder.network.rows(pixels[None], lambda found: found)[0]
    return rows


def relative(record: Record) -> Box:
    x0, y0, x1, y1 = as_box(record["box"])
    width, height = record["width"], record["height"]
    return x0 / width, y0 / height, x1 / width, y1 / height


def in_pixels(box: Box, record: Record) -> Box:
    x0, y0, x1, y1 = box
    width, height = record["width"], record["height"]
    return x0 * width, y0 * height, x1 * width, y1 * height


if __name__ == "__main__":
    main()
