"""Foreign annotations of boxes, read and written at the edge, by name."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tvcli.core.errors import UsageError
from tvcli.core.files.formats import coco, native, via, voc, yolo
from tvcli.core.files.formats.annotation import Annotation, BoxedPhoto

__all__ = [
    "FORMATS",
    "Annotation",
    "BoxedPhoto",
    "Format",
    "checked_format",
    "read_annotations",
    "write_annotations",
]


class Format(NamedTuple):
    """How annotations are read from a file or folder, and photos with their boxes written to it."""

    read: Callable[[Path], Iterator[Annotation]]
    write: Callable[[Path, list[BoxedPhoto]], None]


FORMATS = {
    "jsonl": Format(native.read, native.write),
    "coco": Format(coco.read, coco.write),
    "voc": Format(voc.read, voc.write),
    "yolo": Format(yolo.read, yolo.write),
    "via": Format(via.read, via.write),
}


def checked_format(name: str, option: str = "--from") -> str:
    """Return the name of a format after seeing that there is one; raises UsageError."""
    if name not in FORMATS:
        raise UsageError(f"{option} {name}: one of {', '.join(FORMATS)}")
    return name


def read_annotations(path: Path, format: str) -> Iterator[Annotation]:
    """Yield the annotations of a file (of a folder: voc and yolo) in a format, by its name.

    Raises:
        UsageError: no such format.
        BadInput: not there, or not of that format; the message names the file and the place.
    """
    return FORMATS[checked_format(format)].read(path)


def write_annotations(path: Path, photos: list[BoxedPhoto], format: str) -> None:
    """Write photos with their boxes in a format, by its name (voc and yolo: into a folder).

    Raises:
        UsageError: no such format.
        OSError: the target cannot be written.
    """
    FORMATS[checked_format(format, "--to")].write(path, photos)
