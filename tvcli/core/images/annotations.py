"""From annotations to photos with boxes that were checked against the photos themselves."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from itertools import groupby
from pathlib import Path

from tvcli.core.boxes import Box, as_box, clip
from tvcli.core.files.external_sort import SpilledRecords, external_sort, spilled
from tvcli.core.files.formats import Annotation, BoxedPhoto
from tvcli.core.files.records import Record
from tvcli.core.images.photo import BadImage, photo_size, read_photo
from tvcli.core.reports import Report

STAGE = "boxes"
SAME_SHAPE = 0.02  # how far width over height may differ between two sizes of one photo
OUTSIDE = 2.0  # pixels by which rounding may put a box outside its photo


def boxed_photos(
    annotations: Iterable[Annotation], base: Path, report: Report, root: Path | None = None
) -> Iterator[BoxedPhoto]:
    """Yield the annotated photos, with boxes in pixels of the photo as it is now.

    Photos lie under `root`, by default where the format has them; `image` becomes relative to
    `base`. Where the annotated size is not the photo's, boxes are scaled, and that is noted, if
    both have the same shape. Photos that cannot be read and boxes that are none, or lie outside,
    are skipped and named with file and line.
    """
    scaled = 0
    records = external_sort(map(_as_record, annotations), key=lambda record: record["image"])
    ordered = map(_annotation, records)
    for _, group in groupby(ordered, key=lambda annotation: annotation.image):
        items = list(group)
        path = _find(items[0], root)
        try:
            width, height = photo_size(read_photo(path))
        except BadImage as error:
            report.skip(str(path), STAGE, f"{error} ({items[0].where})")
            continue
        split = items[0].split
        photo = BoxedPhoto(os.path.relpath(path, base), path, width, height, split=split)
        if _add_objects(photo, items, report):
            scaled += items[0].size not in (None, (photo.width, photo.height))
            yield photo
    if scaled:
        report.note(f"{scaled} photos have another size than annotated: their boxes were scaled")


@dataclass(frozen=True, slots=True)
class SpooledPhotos:
    """Photos with their boxes on the disk: counted, and read as often as wished."""

    spilled_records: SpilledRecords

    def __len__(self) -> int:
        return len(self.spilled_records)

    def __iter__(self) -> Iterator[BoxedPhoto]:
        for record in self.spilled_records:
            objects = [(as_box(box), label) for box, label in record["objects"]]
            yield BoxedPhoto(**{**record, "path": Path(record["path"]), "objects": objects})


@contextmanager
def spooled_photos(photos: Iterable[BoxedPhoto]) -> Iterator[SpooledPhotos]:
    """Keep photos with their boxes on the disk for the time of the block."""
    with spilled({**asdict(photo), "path": str(photo.path)} for photo in photos) as spilled_records:
        yield SpooledPhotos(spilled_records)


def _as_record(annotation: Annotation) -> Record:
    values = {field.name: getattr(annotation, field.name) for field in fields(Annotation)}
    return values | {"folders": [str(folder) for folder in annotation.folders]}


def _annotation(record: Record) -> Annotation:
    size, folders = record["size"], tuple(map(Path, record["folders"]))
    return Annotation(**{**record, "size": size and tuple(size), "folders": folders})


def _find(item: Annotation, root: Path | None) -> Path:
    """Return where an annotation's photo lies; if nowhere, where it was expected first."""
    if root is not None:
        return root / item.image
    places = [folder / item.image for folder in item.folders]
    return next((place for place in places if place.is_file()), places[0])


def _add_objects(photo: BoxedPhoto, items: list[Annotation], report: Report) -> bool:
    """Add the good boxes; tell whether the photo is of use: with one, or annotated to have none."""
    for item in items:
        if item.box is None:
            continue
        try:
            photo.objects.append((_checked(item, photo), item.label))
        except ValueError as error:
            report.skip(photo.image, STAGE, f"{item.where}: {error}")
    return bool(photo.objects) or all(item.box is None for item in items)


def _checked(item: Annotation, photo: BoxedPhoto) -> Box:
    """Return a box in the photo's pixels, clipped to it; raises ValueError saying what is wrong."""
    x0, y0, x1, y1 = as_box(item.box)
    across, down = _scales(item, photo)
    box = x0 * across, y0 * down, x1 * across, y1 * down
    shown = [round(side, 1) for side in box]
    clipped = clip(box, photo.width, photo.height)
    if clipped is None:
        raise ValueError(f"box {shown} lies outside the photo ({photo.width} x {photo.height})")
    beyond = max(abs(a - b) for a, b in zip(box, clipped, strict=True))
    if beyond > max(OUTSIDE, 0.05 * max(box[2] - box[0], box[3] - box[1])):
        raise ValueError(f"box {shown} sticks out of the photo ({photo.width} x {photo.height})")
    return clipped


def _scales(item: Annotation, photo: BoxedPhoto) -> tuple[float, float]:
    if item.normalised:
        return float(photo.width), float(photo.height)
    if item.size is None:
        return 1.0, 1.0
    width, height = item.size
    across, down = photo.width / width, photo.height / height
    rounding = 1 / min(width, height, photo.width, photo.height)
    if abs(across / down - 1) > SAME_SHAPE + rounding:
        turned = (
            " (annotated before it was turned upright?)"
            if (width > height) != (photo.width > photo.height)
            else ""
        )
        raise ValueError(
            f"annotated on {width:g} x {height:g}, but the photo is {photo.width} x "
            f"{photo.height}{turned}: another picture; annotate it again"
        )
    return across, down
