"""Foreign annotations of boxes, read and written at the edge, by name."""

from collections.abc import Callable, Iterator
from pathlib import Path

from tvcli.core.errors import UsageError
from tvcli.core.files.formats import coco, native, via, voc, yolo
from tvcli.core.files.formats.annotation import Annotation, BoxedPhoto

__all__ = [
    "READERS",
    "WRITERS",
    "Annotation",
    "BoxedPhoto",
    "read_annotations",
    "write_annotations",
]

READERS: dict[str, Callable[[Path], Iterator[Annotation]]] = {
    "jsonl": native.read,
    "coco": coco.read,
    "voc": voc.read,
    "yolo": yolo.read,
    "via": via.read,
}
WRITERS: dict[str, Callable[[Path, list[BoxedPhoto]], None]] = {
    "jsonl": native.write,
    "coco": coco.write,
    "voc": voc.write,
    "yolo": yolo.write,
    "via": via.write,
}


def read_annotations(path: Path, format: str) -> Iterator[Annotation]:
    """Yield the annotations of a file (of a folder: voc and yolo) in a format, by its name.

    Raises:
        UsageError: no such format.
        BadInput: not there, or not of that format; the message names the file and the place.
    """
    if format not in READERS:
        raise UsageError(f"--from {format}: one of {', '.join(READERS)}")
    return READERS[format](path)


def write_annotations(path: Path, photos: list[BoxedPhoto], format: str) -> None:
    """Write photos with their boxes in a format, by its name (voc and yolo: into a folder).

    Raises:
        UsageError: no such format.
        OSError: the target cannot be written.
    """
    if format not in WRITERS:
        raise UsageError(f"--to {format}: one of {', '.join(WRITERS)}")
    WRITERS[format](path, photos)
