"""Foreign annotations of boxes, read and written at the edge, by name."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.formats import coco, cvat, labelme, native, via, voc, yolo
from tvcli.core.files.formats.annotation import Annotation, BoxedPhoto
from tvcli.core.files.formats.recognition import likely_format
from tvcli.core.files.records import Record, dump_record, write_lines
from tvcli.core.reports import Report

__all__ = [
    "FORMATS",
    "Annotation",
    "BoxedPhoto",
    "Format",
    "annotation_lines",
    "checked_format",
    "read_annotations",
    "write_annotations",
]


class Format(NamedTuple):
    """How annotations are read, and photos with their boxes written, in a format.

    A format that is one file has `lines`: its lines, in order. One that is a folder of files has
    `write`.
    """

    read: Callable[[Path, Report], Iterator[Annotation]]
    lines: Callable[[list[BoxedPhoto]], Iterator[str]] | None = None
    write: Callable[[Path, list[BoxedPhoto], Report], int] | None = None


def _json_lines(
    records: Callable[[list[BoxedPhoto]], Iterator[Record]],
) -> Callable[[list[BoxedPhoto]], Iterator[str]]:
    return lambda photos: map(dump_record, records(photos))


FORMATS = {
    "jsonl": Format(native.read, _json_lines(native.records)),
    "coco": Format(coco.read, _json_lines(coco.records)),
    "voc": Format(voc.read, write=voc.write),
    "yolo": Format(yolo.read, write=yolo.write),
    "via": Format(via.read, _json_lines(via.records)),
    "labelme": Format(labelme.read, write=labelme.write),
    "cvat": Format(cvat.read, cvat.lines),
}


def checked_format(name: str, option: str = "--from") -> str:
    """Return the name of a format after seeing that there is one; raises UsageError."""
    if name not in FORMATS:
        raise UsageError(f"{option} {name}: one of {', '.join(FORMATS)}")
    return name


def read_annotations(path: Path, format: str, report: Report | None = None) -> Iterator[Annotation]:
    """Yield the annotations of a file (of a folder: voc, yolo, labelme) in a format, by its name.

    What is no annotation is skipped in `report`, by file and place.

    Raises:
        UsageError: no such format.
        BadInput: not there, not of that format, or nothing in it can be used; the message names
            the file and the place.
    """
    report = Report() if report is None else report
    found = _some(FORMATS[checked_format(format)].read(path, report), report)
    return _hinting(found, path) if format == "jsonl" else found


def _hinting(annotations: Iterator[Annotation], path: Path) -> Iterator[Annotation]:
    """Yield annotations; where they are not in our format, the one they seem to be in is named."""
    try:
        yield from annotations
    except BadInput:
        if likely := likely_format(path):
            raise BadInput(f"{path}: looks like {likely}, add --from {likely}") from None
        raise


def _some(annotations: Iterator[Annotation], report: Report) -> Iterator[Annotation]:
    """Yield annotations; raises BadInput if there are none, and some were skipped."""
    before, found = report.skips, False
    for annotation in annotations:
        found = True
        yield annotation
    if not found and report.skips > before:
        first = report.skipped[min(before, len(report.skipped) - 1)]
        raise BadInput(f"{first.image}: {first.reason}")


def annotation_lines(photos: list[BoxedPhoto], format: str) -> Iterator[str]:
    """Yield the lines of photos with their boxes in a format that is one file, by its name.

    Raises:
        UsageError: no such format, or one that is a folder of files.
    """
    lines = FORMATS[checked_format(format, "--to")].lines
    if lines is None:
        raise UsageError(f"--to {format} writes a folder of files: name it by -o")
    return lines(photos)


def write_annotations(
    path: Path, photos: list[BoxedPhoto], format: str, report: Report | None = None
) -> int:
    """Write photos with their boxes in a format, by its name (voc, yolo, labelme: into a folder).

    Photos that the format cannot hold are skipped in `report`. Returns how many boxes were written.

    Raises:
        UsageError: no such format.
        BadInput, OSError: the target cannot be written.
    """
    report = Report() if report is None else report
    if write := FORMATS[checked_format(format, "--to")].write:
        return write(path, photos, report)
    write_lines(path, annotation_lines(photos, format))
    return sum(len(photo.objects) for photo in photos)
