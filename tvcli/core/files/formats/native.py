"""Our own box records: JSON Lines of `{"image","width","height","box","label"}`."""

from collections.abc import Iterator
from pathlib import Path

from tvcli.core.errors import BadInput
from tvcli.core.files.formats.annotation import Annotation, BoxedPhoto
from tvcli.core.files.records import Record, read_record_file, write_records


def read(path: Path) -> Iterator[Annotation]:
    """Yield the annotations of a file of records; raises BadInput naming file and line."""
    for record, where in read_record_file(path):
        image = record.get("image")
        if not isinstance(image, str) or not image or "\0" in image:
            raise BadInput(f'{where}: a record needs an "image" (the path of a photo)')
        yield Annotation(
            image=image,
            box=record.get("box"),
            label=str(record.get("label") or ""),
            where=where,
            size=_size(record),
            split=str(record.get("split") or ""),
            folders=(path.parent,),
        )


def write(path: Path, photos: list[BoxedPhoto]) -> None:
    """Write one record a box, and one without a box for a photo that has none."""
    write_records(path, (record for photo in photos for record in records_of(photo)))


def records_of(photo: BoxedPhoto) -> list[Record]:
    """Return the box records of a photo."""
    about: Record = {"image": photo.image, "width": photo.width, "height": photo.height}
    known = {"split": photo.split} if photo.split else {}
    boxed = [about | {"box": list(box), "label": label} | known for box, label in photo.objects]
    return boxed or [about | {"box": None} | known]


def _size(record: Record) -> tuple[float, float] | None:
    sides = record.get("width"), record.get("height")
    if all(isinstance(side, int | float) and side > 0 for side in sides):
        return float(sides[0] or 0), float(sides[1] or 0)
    return None
