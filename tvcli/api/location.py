"""Where the object is: crops to learn from, the two heads, and boxes found by them."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from tvcli.api.choices import checks_choices
from tvcli.api.notebook import Card, cards
from tvcli.api.photos import PathLike, PhotoLike, as_path, is_name_in_memory
from tvcli.api.records import Readable, Results
from tvcli.api.reporting import made_by, report_of
from tvcli.api.sources import SourceLike, opened_photos
from tvcli.core.backbones.specs import Device
from tvcli.core.boxes import Box
from tvcli.core.errors import UsageError
from tvcli.core.files.formats import read_annotations
from tvcli.core.files.paths import folder_of, shown_path
from tvcli.core.files.records import Record, write_records
from tvcli.core.files.sources import input_files, open_sources
from tvcli.core.images.annotations import boxed_photos, spilled_photos, without_objects
from tvcli.core.location.crops import CropSettings, sample_crops
from tvcli.core.location.false_alarms import NONE, read_false_alarms
from tvcli.core.reports import Report


@dataclass(frozen=True, slots=True, repr=False)
class Crops(Readable):
    """A file of crop records: where it is, the crops in it, and the photos they are of."""

    path: Path
    crops: int
    photos: int


@dataclass(frozen=True, slots=True, repr=False)
class TrainedClassifier(Readable):
    """A classifier's file, with its shares on crops of held-out photos, all from 0 to 1.

    `threshold` is the probability from which `locate` takes a window for the object.
    """

    path: Path
    accuracy: float
    precision: float
    recall: float
    threshold: float
    crops: int
    held_out: int


@dataclass(frozen=True, slots=True, repr=False)
class TrainedBoxes(Readable):
    """A box head's file, with its mean IoU on crops of held-out photos, beside the mean box's.

    `errors` are the mean distances of x0, y0, x1 and y1 in pixels of a crop at the encoder's size.
    """

    path: Path
    iou: float
    mean_box_iou: float
    errors: tuple[float, ...]
    crops: int
    held_out: int


@dataclass(frozen=True, slots=True, repr=False)
class Detection(Readable):
    """An object found: `box` in pixels of the photo as displayed, `score` its probability.

    `box` is None where a photo was kept in which nothing was found.
    """

    image: str
    box: Box | None
    score: float = 0.0
    label: str = ""
    width: int = 0
    height: int = 0

    def as_record(self) -> Record:
        """Return the record that `tv locate` writes, with the path as it is here."""
        record: Record = {"image": self.image, "width": self.width, "height": self.height}
        if self.box is not None:
            record |= {"box": list(self.box), "label": self.label, "score": self.score}
        return record

    def _repr_html_(self) -> str:
        return Detections([self])._repr_html_()


class Detections(Results[Detection]):
    """Objects found, photo by photo, the surest of a photo first."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        shown = [
            Card(Path(d.image), (Path(d.image).name, f"{d.label} {d.score:.2f}".strip()), d.box)
            for d in self
        ]
        return cards(f"{len(self)} detections", shown)


@checks_choices
def make_crops(
    boxes: PathLike,
    output: PathLike,
    *,
    format: Literal["jsonl", "coco", "voc", "yolo", "via"] = "jsonl",
    root: PathLike | None = None,
    per_photo: int = 5,
    looks: int | None = None,
    scales: Sequence[float] | None = None,
    extend: tuple[float, float] = (0.0, 0.0),
    test: float = 0.05,
    background: Sequence[PathLike] = (),
    false_alarms: PathLike | None = None,
    seed: int = 0,
    report: Report | None = None,
) -> Crops:
    """Draw crops of the object and of the background from photos with boxes, as `tv crops` does.

    Args:
        boxes: the file with the boxes, or for `voc` and `yolo` the folder.
        output: the .jsonl file of crops to write.
        format: the format of the boxes.
        root: the folder with the photos; None: beside the boxes.
        per_photo: crops of the object per photo, and as many of the background.
        looks: close-up crops per photo, for `train_boxes` alone; None: 4 to 24.
        scales: the short side of a photo as multiples of the crop; None: 1, 2 and 3, and larger
            ones where the objects are small.
        extend: by how much boxes grow at the top and the bottom, as shares of their height.
        test: the share of the photos that is held out.
        background: photos, or folders of photos, that do not show the object.
        false_alarms: a file of boxes that `locate` found; those that show no object are learned
            from, as background.
        seed: the seed of the random numbers.
        report: told of progress and of photos that are skipped; None: Python's `logging` is.

    Shapes: a record has `crop` and `box` (4,).
    Dtypes: float, rounded to hundredths.
    Units: pixels of the photo as displayed, (x0, y0, x1, y1), half open.

    Raises:
        BadInput: the boxes cannot be read or name no photo, or the file cannot be written.

    Source: target and background crops: TiefVision (2016); close-ups: Gidaris and Komodakis,
    "Object detection via a multi-region CNN" (2015), section 4.
    """
    known, target = report_of(report), Path(output)
    sides = None if scales is None else tuple(scales)
    settings = CropSettings(per_photo, looks, sides, extend, test, seed)
    annotations = read_annotations(Path(boxes), format)
    if background:
        empty = open_sources([os.fspath(path) for path in background])
        annotations = chain(annotations, without_objects(empty))
    alarms = NONE if false_alarms is None else read_false_alarms(Path(false_alarms))
    folder = as_path(root)
    checked = boxed_photos(annotations, folder_of(target), known, folder)
    with spilled_photos(checked) as photos:
        return Crops(
            target, write_records(target, sample_crops(photos, settings, alarms)), len(photos)
        )


def train_classifier(
    crops: PathLike,
    output: PathLike,
    *,
    distractors: bool | None = None,
    seed: int = 0,
    report: Report | None = None,
) -> TrainedClassifier:
    """Train the head that tells the object from the background, as `tv train-classifier` does.

    Args:
        crops: the .h5 file of encoded crops.
        output: the .h5 file of the head to write.
        distractors: learn from the 500 kinds of things that ship with `mini`, too, so that these
            are not taken for the object; None: if some crops are of photos without the object.
        seed: the seed of the random numbers.
        report: told of progress; None: Python's `logging` is.

    Shapes: the crops' encodings are (N, C, H, W).
    Dtypes: float16 in the file, trained in float32.
    Units: accuracy, precision, recall and threshold are shares from 0 to 1.

    Raises:
        BadInput: the file is no encodings of crops, or has too few of either kind; `distractors`
            are asked for, and do not ship for its backbone and size.
        Mismatch: a file of a newer version.

    Source: OverFeat (Sermanet et al. 2014), section 3: a classifier that slides over the maps.
    """
    from tvcli.core.location.location_heads import teach_classifier  # brings torch

    source, target = Path(crops), Path(output)
    made = made_by("train_classifier", source, target, inputs=input_files([str(source)]), seed=seed)
    found = teach_classifier(
        source, target, made, seed=seed, report=report_of(report), distractors=distractors
    )
    quality = found.quality
    return TrainedClassifier(
        target,
        quality.accuracy,
        quality.precision,
        quality.recall,
        quality.threshold,
        found.basis.crops,
        found.basis.held_out_crops,
    )


def train_boxes(
    crops: PathLike, output: PathLike, *, seed: int = 0, report: Report | None = None
) -> TrainedBoxes:
    """Train the head that says where in a crop the object is, as `tv train-boxes` does.

    Args:
        crops: the .h5 file of encoded crops.
        output: the .h5 file of the head to write.
        seed: the seed of the random numbers.
        report: told of progress; None: Python's `logging` is.

    Shapes: the crops' encodings are (N, C, H, W), the boxes (N, 4).
    Dtypes: float16 in the file, trained in float32.
    Units: errors are in pixels of a crop at the encoder's size; IoU is a share from 0 to 1.

    Raises:
        BadInput: the file is no encodings of crops, or too few of them show an object.
        Mismatch: a file of a newer version.

    Source: OverFeat (Sermanet et al. 2014), section 4: regressors of the four sides of the box.
    """
    from tvcli.core.location.location_heads import teach_boxes  # brings torch

    source, target = Path(crops), Path(output)
    made = made_by("train_boxes", source, target, inputs=input_files([str(source)]), seed=seed)
    found = teach_boxes(source, target, made, seed=seed, report=report_of(report))
    return TrainedBoxes(
        target,
        found.errors.iou,
        found.mean_box.iou,
        tuple(found.errors.pixels),
        found.basis.crops,
        found.basis.held_out_crops,
    )


@checks_choices
def locate(
    photos: SourceLike | PhotoLike | Iterable[PhotoLike],
    output: PathLike | None = None,
    *,
    classifier: PathLike,
    boxes: PathLike,
    threshold: float | None = None,
    label_thresholds: Mapping[str, float] | None = None,
    scales: Sequence[float] | None = None,
    combine: Literal["mean", "median", "weighted", "cluster", "look"] = "look",
    looks: int | None = None,
    max_objects: int = 1,
    effort: Literal["fast", "normal", "thorough"] = "normal",
    keep_empty: bool = False,
    weights: PathLike | None = None,
    device: Device = "auto",
    report: Report | None = None,
) -> Detections:
    """Find the object in photos with two trained heads, as `tv locate` does.

    Args:
        photos: photos, folders, lists or records; or pictures and arrays in memory.
        output: a .jsonl file of detections to write as well, or None.
        classifier: the head of `train_classifier`.
        boxes: the head of `train_boxes`.
        threshold: the least probability of an object; None: the one that was learned.
        label_thresholds: others, of objects with these labels.
        scales: sizes at which a photo is searched, as multiples of the window; 0 squeezes it in.
            None: as the effort has it.
        combine: how overlapping boxes become one; `look` then zooms in to place it better.
        looks: with `look`, how many times; None: as the effort has it.
        max_objects: at most so many objects a photo.
        effort: how much is looked at, as `--fast` and `--thorough` say it.
        keep_empty: also return photos in which nothing was found, without a box.
        weights: a local file of the backbone's weights; None: as recorded.
        device: `auto`, `cpu`, `cuda` or `mps`.
        report: told of progress and of photos that are skipped; None: Python's `logging` is.

    Shapes: a detection's `box` is (4,). An array of pixels is (H, W), (H, W, 3) or (H, W, 4).
    Dtypes: boxes and scores are float; arrays of pixels are uint8.
    Units: boxes are in pixels of the photo as displayed, half open; scores are probabilities.

    Raises:
        UsageError: nothing is named, or a threshold is of a label that was not learned.
        BadInput: not one photo could be used, or a head cannot be read.
        Mismatch: the heads were trained on different encodings.

    Source: OverFeat (Sermanet et al. 2014), sections 3.3 and 4.
    """
    from tvcli.core.location.locate import LocateSettings
    from tvcli.core.location.locating import load_locator, locate_photos

    sizes = None if scales is None else tuple(map(float, scales))
    labelled = dict(label_thresholds or {})
    settings = LocateSettings(threshold, sizes, combine, max_objects, looks, effort, labelled)
    known = report_of(report)
    locator = load_locator(
        Path(classifier), Path(boxes), settings, weights=as_path(weights), device=device
    )
    base = Path.cwd() if output is None else folder_of(Path(output))
    with opened_photos(photos, known) as source:
        if output is not None and not source.arguments:
            raise UsageError("photos in memory have no paths to write: leave the output out")
        found = list(locate_photos(source, locator, base, known, keep_empty=keep_empty))
    if output is not None:
        write_records(Path(output), found)
    return Detections([_detection(record, base) for record in found])


def _detection(record: dict[str, Any], base: Path) -> Detection:
    box: Any = record.get("box")
    image = record["image"]
    return Detection(
        image if is_name_in_memory(image) else shown_path(base, image),
        None if box is None else tuple(box),
        record.get("score", 0.0),
        record.get("label", ""),
        record["width"],
        record["height"],
    )
