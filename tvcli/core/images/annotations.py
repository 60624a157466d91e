"""From annotations to photos with boxes that were checked against the photos themselves."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from tvcli.core.boxes import OUTSIDE, Box, area, as_box, clip
from tvcli.core.errors import BadInput
from tvcli.core.files.external_sort import SpilledRecords, external_sort, spilled
from tvcli.core.files.formats import Annotation, BoxedPhoto
from tvcli.core.files.formats.photo_places import find_photo
from tvcli.core.files.paths import absolute_path, is_path, shown_path
from tvcli.core.files.records import Record
from tvcli.core.files.sources import Source
from tvcli.core.files.spellings import as_on_disk
from tvcli.core.images.photo import BadImage, photo_size, read_photo
from tvcli.core.reports import Report, nothing_found

STAGE = "boxes"
SAME_SHAPE = 0.02  # how far width over height may differ between two sizes of one photo
LEAST_INSIDE = 0.1  # of a box's area: one with less inside its photo is a mistake
KNOWN_PLACES = 2**16  # photos whose place is remembered


def boxed_photos(
    annotations: Iterable[Annotation], base: Path, report: Report, root: Path | None = None
) -> Iterator[BoxedPhoto]:
    """Yield the annotated photos, with boxes in pixels of the photo as it is now.

    Photos lie under `root`, by default where the format has them, and are known by the path found;
    `image` becomes relative to `base`. Where the annotated size is not the photo's, boxes are
    scaled if both have the same shape, and those that stick out are clipped; both is noted. Photos
    that cannot be read and boxes that are none, or lie outside, are skipped and named with file
    and line.

    Raises:
        BadInput: there were none, or all were skipped; `root` is no folder.
    """
    if root is not None and not root.is_dir():
        raise BadInput(f"{root}: no such folder; --root is the one with the photos")
    scaled = clipped = usable = 0
    records = external_sort(_found(annotations, root), key=lambda record: record["path"])
    for name, group in groupby(records, key=lambda record: record["path"]):
        found = list(group)
        items = [_annotation(record["annotation"]) for record in found]
        try:
            _check_names(found, items)
            width, height = photo_size(read_photo(Path(name)))
        except BadImage as error:
            report.skip(shown_path(Path(), name), STAGE, f"{error} ({items[0].where})")
            continue
        split = next((item.split for item in items if item.split), "")
        photo = BoxedPhoto(os.path.relpath(name, base), Path(name), width, height, split=split)
        cut = _add_objects(photo, items, report)
        if photo.objects or all(item.box is None for item in items):
            clipped += cut
            scaled += any(item.size not in (None, (photo.width, photo.height)) for item in items)
            usable += 1
            yield photo
    if not usable:
        if not report.skips:
            raise BadInput("no photos found: the boxes name none")
        astray = root is None and all("not found" in skip.reason for skip in report.skipped)
        hint = "; --root names the folder with the photos" if astray else ""
        raise nothing_found(report, hint=hint)
    if scaled:
        report.note(f"{scaled} photos have another size than annotated: their boxes were scaled")
    if clipped:
        report.note(f"{clipped} boxes stuck out of their photos and were clipped to them")


def without_objects(source: Source) -> Iterator[Annotation]:
    """Yield an annotation without a box for each photo of a source."""
    for region in source.regions:
        path = absolute_path(source.root / region.image)
        yield Annotation(path, None, "", region.image, places=(path,))


@dataclass(frozen=True, slots=True)
class SpilledPhotos:
    """Photos with their boxes on the disk: counted, and read as often as wished."""

    spilled_records: SpilledRecords

    def __len__(self) -> int:
        return len(self.spilled_records)

    def __iter__(self) -> Iterator[BoxedPhoto]:
        for record in self.spilled_records:
            objects = [(as_box(box), label) for box, label in record["objects"]]
            yield BoxedPhoto(**{**record, "path": Path(record["path"]), "objects": objects})


@contextmanager
def spilled_photos(photos: Iterable[BoxedPhoto]) -> Iterator[SpilledPhotos]:
    """Keep photos with their boxes on the disk for the time of the block."""
    with spilled({**asdict(photo), "path": str(photo.path)} for photo in photos) as spilled_records:
        yield SpilledPhotos(spilled_records)


def _found(annotations: Iterable[Annotation], root: Path | None) -> Iterator[Record]:
    """Yield annotations as records, with where their photos lie, and whether that is a guess."""
    find = lru_cache(KNOWN_PLACES)(find_photo)
    for annotation in annotations:
        places = tuple(map(as_on_disk, annotation.places))
        path, guess = find(annotation.image, places, root)
        yield {
            "path": as_on_disk(path),
            "guess": guess,
            "annotation": {**asdict(annotation), "places": ()},
        }


def _annotation(record: Record) -> Annotation:
    size = record["size"]
    return Annotation(**{**record, "size": size and tuple(size), "places": ()})


def _check_names(found: list[Record], items: list[Annotation]) -> None:
    """Refuse a photo that several may be; raises BadImage naming two of them."""
    names = list(dict.fromkeys(os.path.normpath(item.image) for item in items))
    if len(names) > 1 and any(record["guess"] for record in found):
        raise BadImage(f"may be {names[0]} or {names[1]}: name a --root that has both")


def _add_objects(photo: BoxedPhoto, items: list[Annotation], report: Report) -> int:
    """Add the good boxes; return how many of them were clipped."""
    cut = 0
    for item in items:
        if item.box is None:
            continue
        try:
            box, beyond = _checked(item, photo)
        except ValueError as error:
            report.skip(shown_path(Path(), str(photo.path)), STAGE, f"{item.where}: {error}")
        else:
            photo.objects.append((box, item.label))
            cut += beyond > OUTSIDE
    return cut


def _checked(item: Annotation, photo: BoxedPhoto) -> tuple[Box, float]:
    """Return a box in the photo's pixels, clipped to it, and by how many pixels it stuck out.

    Raises:
        ValueError: it or its label is none, or less than `LEAST_INSIDE` of it lies inside.
    """
    if item.label and not is_path(item.label):  # nor can HDF5 hold it
        raise ValueError("its label must be text without NUL, and with whole characters")
    x0, y0, x1, y1 = as_box(item.box)
    across, down = _scales(item, photo)
    box = x0 * across, y0 * down, x1 * across, y1 * down
    shown = f"box {[round(side, 1) for side in box]}"
    clipped = clip(box, photo.width, photo.height)
    if clipped is None:
        raise ValueError(f"{shown} lies outside the photo ({photo.width} x {photo.height})")
    if area(clipped) < LEAST_INSIDE * area(box):
        raise ValueError(f"{shown} sticks out of the photo ({photo.width} x {photo.height})")
    return clipped, max(abs(a - b) for a, b in zip(box, clipped, strict=True))


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
