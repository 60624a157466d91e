"""How good the boxes are that a prototype proposes after few boxes were drawn.

    python -m scripts.bench.prototype boxes.jsonl [--splits 0,1] [--shrinkage 0.1,0.3] [--doubt]
        [--backbone mini]

Photos with one box, encoded whole. In each split (of `location_splits.py`) a prototype is
made of 1 to 80 photos of those learned from, and proposes boxes on those held out. Mean IoU, with
an interval of 95 % by resampling the photos of all splits, beside always answering the mean box.
With `--doubt` the photos learned from come in another order: ten by chance, then always the ten
that the prototype is least sure of.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from scripts.bench.locate import interval
from scripts.bench.location_splits import is_tested, place
from tvcli.core.boxes import Box, as_box, iou
from tvcli.core.encoding.encoder import make_encoder
from tvcli.core.files.records import read_record_file
from tvcli.core.images.photo import decode_photo, resize_photo
from tvcli.core.location import prototype

COUNTS = (1, 3, 10, 20, 40, 80)
AT_ONCE = 10  # photos, before they are put in order by doubt again


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("boxes", type=Path)
    parser.add_argument("--splits", default="0,1,2,3,4")
    parser.add_argument("--shrinkage", default=str(prototype.SHRINKAGE))
    parser.add_argument("--doubt", action="store_true")
    parser.add_argument("--backbone", default="mini")
    given = parser.parse_args()
    boxes: defaultdict[str, list[Box]] = defaultdict(list)
    for record, _ in read_record_file(given.boxes):
        width, height = record["width"], record["height"]
        box = as_box(record["box"])
        boxes[record["image"]].append(
            (box[0] / width, box[1] / height, box[2] / width, box[3] / height)
        )
    single = {image: own[0] for image, own in boxes.items() if len(own) == 1}
    encoder = make_encoder(given.backbone)
    size, maps = encoder.settings.size, {}
    for image in single:
        pixels = resize_photo(decode_photo((given.boxes.parent / image).read_bytes()), size, size)
        maps[image] = encoder.network.rows(pixels[None], lambda found: found)[0]
    splits = [int(split) for split in given.splits.split(",")]
    for shrinkage in map(float, given.shrinkage.split(",")):
        prototype.SHRINKAGE = shrinkage
        for count in COUNTS:
            ious: dict[str, list[float]] = {"prototype": [], "mean box": []}
            for split in splits:
                own = [image for image in single if not is_tested(image, split)]
                own = sorted(own, key=lambda image: place(image, split, "order"))
                own = _by_doubt(own, count, maps, single) if given.doubt else own[:count]
                found = prototype.fit_prototype(
                    [maps[image] for image in own], [[single[image]] for image in own]
                )
                assert found is not None
                mean = np.mean([single[image] for image in own], axis=0)
                for image in (image for image in single if is_tested(image, split)):
                    ious["prototype"].append(iou(found.propose(maps[image])[0], single[image]))
                    ious["mean box"].append(iou(as_box(mean.tolist()), single[image]))
            line: dict[str, Any] = {"shrinkage": shrinkage, "boxes": count, "doubt": given.doubt}
            line["tested"] = len(ious["prototype"])
            for what, each in ious.items():
                values = np.array(each)
                line[what] = [round(float(values.mean()), 3), *interval(values)]
            print(json.dumps(line), flush=True)


def _by_doubt(
    images: list[str], count: int, maps: dict[str, prototype.Floats], boxes: dict[str, Box]
) -> list[str]:
    """Return the photos that are learned from where the least sure ones of those left come next."""
    chosen = images[: min(AT_ONCE, count)]
    while len(chosen) < count:
        found = prototype.fit_prototype([maps[i] for i in chosen], [[boxes[i]] for i in chosen])
        assert found is not None
        sure = {i: found.propose(maps[i])[1] for i in images if i not in chosen}
        chosen += sorted(sure, key=lambda image: sure[image])[: min(AT_ONCE, count - len(chosen))]
    return chosen


if __name__ == "__main__":
    main()
