"""Our own box records: JSON Lines of `{"image","width","height","box","label"}`."""

from collections.abc import Iterator
from pathlib import Path

from tvcli.core.errors import BadInput
from tvcli.core.files.formats.annotation import (
    Annotation,
    BoxedPhoto,
    Unusable,
    image_name,
    joined,
    size_of,
    skipping,
)
from tvcli.core.files.paths import parent_of
from tvcli.core.files.records import Record, read_record_file, text_from_record
from tvcli.core.reports import Report


def read(path: Path, report: Report) -> Iterator[Annotation]:
    """Yield the annotations of a file of records; raises BadInput naming file and line."""
    for record, where in read_record_file(path):
        with skipping(report):
            if not record.get("image"):
                raise Unusable(where, 'a record needs an "image" (the path of a photo)')
            image = image_name(record["image"], where)
            label, split = (_text(record, field, where) for field in ("label", "split"))
            size = size_of(record.get("width"), record.get("height"))
            places = joined([parent_of(path)], image)
            yield Annotation(
                image, record.get("box"), label, where, size, split=split, places=places
            )


def _text(record: Record, field: str, where: str) -> str:
    try:
        return text_from_record(record, field, where)
    except BadInput as error:
        raise Unusable(where, str(error).removeprefix(f"{where}: ")) from None


def records(photos: list[BoxedPhoto]) -> Iterator[Record]:
    """Yield one record a box, and one without a box for a photo that has none."""
    return (record for photo in photos for record in records_of(photo))


def records_of(photo: BoxedPhoto) -> list[Record]:
    """Return the box records of a photo."""
    about: Record = {"image": photo.image, "width": photo.width, "height": photo.height}
    known = {"split": photo.split} if photo.split else {}
    boxed = [about | {"box": list(box), "label": label} | known for box, label in photo.objects]
    return boxed or [about | {"empty": True} | known]
