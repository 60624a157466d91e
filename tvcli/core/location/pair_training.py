"""Both heads from boxed photos in one call, measured on photos that neither of them has seen.

It is the chain of `tv crops`, `tv encode`, `tv train-classifier` and `tv train-boxes`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tvcli.core.boxes import iou
from tvcli.core.encoding.checkpoints import encode_file
from tvcli.core.encoding.encoder import make_encoder
from tvcli.core.errors import BadInput
from tvcli.core.files.formats import BoxedPhoto, read_annotations
from tvcli.core.files.provenance import provenance
from tvcli.core.files.records import write_records
from tvcli.core.files.sources import open_sources
from tvcli.core.images.annotations import boxed_photos
from tvcli.core.images.photo import decode_photo, read_photo
from tvcli.core.location.crops import CropSettings, sample_crops
from tvcli.core.location.locate import LocateSettings, Locator
from tvcli.core.location.locating import load_locator
from tvcli.core.reports import Report

CLASSIFIER_FILE, BOXES_FILE = "classifier.h5", "boxes.h5"
HELD_OUT = 0.2  # of the photos with boxes
LEAST_LEARNED = 2  # photos: one to train on, one whose crops set the threshold


@dataclass(frozen=True, slots=True)
class TrainedPair:
    """How many photos both heads were trained on, and their mean IoU on those held out.

    `objects` is how many objects half of the photos have or more: how many to look for in one.
    """

    photos: int
    held_out: int
    iou: float
    objects: int


def train_pair(
    boxes: Path,
    folder: Path,
    command: list[str],
    *,
    held_out: float = HELD_OUT,
    settings: CropSettings | None = None,
    seed: int = 0,
    report: Report | None = None,
) -> TrainedPair:
    """Train both heads on the photos of a file of boxes, and write them into a folder.

    A share of the photos with boxes is held out: no crop is cut from them, and they choose nothing.
    The IoU of each is that of the surest box found and of the object that it fits best, 0 where
    none is found. Crops and encodings lie in the folder meanwhile.

    Raises:
        BadInput: too few photos, crops or boxes to train on, or the folder cannot be written.
    """
    report, settings = report or Report(), settings or CropSettings(seed=seed)
    photos = list(boxed_photos(read_annotations(boxes, "jsonl", report), folder, report))
    boxed = [photo for photo in photos if photo.objects]
    count = round(held_out * len(boxed))
    drawn = np.random.default_rng(seed).permutation(len(boxed))[:count]
    tested = [boxed[number] for number in sorted(drawn)]
    learned = [photo for photo in photos if photo not in tested]
    if len(boxed) - count < LEAST_LEARNED:
        raise BadInput(f"too few photos with boxes to train on: {len(boxed)}")
    from tvcli.core.location.location_heads import teach_boxes, teach_classifier  # brings torch

    crops, encoded = folder / "crops.jsonl", folder / "crops.h5"
    write_records(crops, sample_crops(learned, settings))
    made = provenance(command, [boxes], seed)
    encode_file(open_sources([str(crops)]), make_encoder("mini"), encoded, report, made)
    teach_classifier(encoded, folder / CLASSIFIER_FILE, made, seed=seed, report=report)
    teach_boxes(encoded, folder / BOXES_FILE, made, seed=seed, report=report)
    for file in (crops, encoded):
        file.unlink()
    objects = int(np.median([len(photo.objects) for photo in boxed]))
    locator = load_pair(folder, objects)
    ious = [_iou(locator, photo) for photo in tested]
    return TrainedPair(len(learned), len(tested), float(np.mean(ious)) if ious else 0.0, objects)


def load_pair(folder: Path, objects: int) -> Locator:
    """Return what locates so many objects with the heads of a folder; raises as `load_locator`."""
    settings = LocateSettings(max_objects=objects)
    return load_locator(folder / CLASSIFIER_FILE, folder / BOXES_FILE, settings, device="cpu")


def _iou(locator: Locator, photo: BoxedPhoto) -> float:
    pixels = decode_photo(read_photo(photo.path), colour=locator.encoder.settings.colour)
    found = locator.locate(pixels)
    return max((iou(found[0].box, box) for box, _ in photo.objects), default=0.0) if found else 0.0
