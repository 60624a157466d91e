"""Whether a file in the way of an output is tv's own, and may be replaced without asking."""

import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Literal

from tvcli.core.errors import BadInput, Mismatch, UsageError
from tvcli.core.files.records import Record, read_record_file

OwnKind = Literal[
    "encodings",
    "classifier head",
    "boxes head",
    "rank head",
    "crops",
    "detections",
    "triplets",
    "errors",
    "records",
    "labels",
    "boxes",
    "plot",
    "picture",
    "table",
]
MARK = "made by tv"  # in the comment of pictures and in the metadata of plots
ENDS = 64 * 2**10  # bytes at either end of a file that are looked at for a mark
# How boxes begin as they are written: of COCO, labelme, VOC and CVAT.
BOXES = (
    b'{"images": [',
    b'{"version": "5.0.0", "flags": {}, "shapes": [',
    b"<annotation>",
    b'<?xml version="1.0" encoding="utf-8"?>\n<annotations>',
)
VIA = b'"file_attributes"'

_forced = False


@contextmanager
def replacing_anything(forced: bool) -> Iterator[None]:
    """Replace files of others too inside the block, if that is asked for (`--force`)."""
    global _forced
    before, _forced = _forced, forced
    try:
        yield
    finally:
        _forced = before


def check_own(path: Path, kind: OwnKind) -> None:
    """See that an output replaces nothing but a file of tv's of its own kind, or an empty one.

    Devices and pipes are left to whoever writes, and so are folders of boxes.

    Raises:
        UsageError: a folder is there, or a file that is another's.
    """
    if kind != "boxes" and path.is_dir():
        raise UsageError(f"{path}: a folder; name a file")  # now, not after hours of work
    if _forced:
        return
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size == 0 or KINDS[kind](path):
            return
    except (FileNotFoundError, NotADirectoryError):  # the latter is told by whoever writes
        return
    except OSError as error:
        raise UsageError(f"{path}: cannot be read to see whose it is: {error.strerror}") from error
    raise UsageError(
        f"{path}: is there and was not written by such a command; name another file, or replace it "
        f"with --force"
    )


def check_own_folder(folder: Path, mark: str) -> None:
    """See that a folder to be filled is new, empty, or one that was filled so: it has a `mark`.

    Raises:
        UsageError: other files are there.
    """
    if _forced or not folder.is_dir() or (folder / mark).is_file() or not any(folder.iterdir()):
        return
    raise UsageError(f"{folder}: other files are there; name a new folder, or give --force")


def _is_artifact(kind: str, head: str | None = None) -> Callable[[Path], bool]:
    def is_such(path: Path) -> bool:
        from tvcli.core.files.artifacts import open_artifact  # brings h5py

        try:
            with open_artifact(path, kind) as artifact:
                return head is None or artifact.settings.get("head") == head
        except Mismatch:  # of another version
            return True
        except BadInput:
            return False

    return is_such


def _is_records(accepted: Callable[[Record], bool]) -> Callable[[Path], bool]:
    def is_such(path: Path) -> bool:
        with path.open("rb") as stream:
            if stream.read(1) not in (b"{", b"["):
                return False
        try:
            return all(accepted(record) for record, _ in islice(read_record_file(path), 1))
        except BadInput:
            return False

    return is_such


def _has(*names: str) -> Callable[[Record], bool]:
    return lambda record: all(name in record for name in names)


def _is_marked(path: Path) -> bool:
    with path.open("rb") as stream:
        start = stream.read(ENDS)
        stream.seek(max(0, path.stat().st_size - ENDS))
        return MARK.encode() in start or MARK.encode() in stream.read(ENDS)


def _is_boxes(path: Path) -> bool:
    """Tell whether this holds boxes in one of the formats that are written."""
    with path.open("rb") as stream:
        start = stream.read(ENDS)
    if start.startswith(BOXES) or VIA in start:
        return True
    if _is_records(_is_box)(path):
        return True
    lines = start.splitlines()[: -1 if len(start) == ENDS else None]  # the last may be cut off
    return path.suffix == ".txt" and all(map(_is_yolo, lines))


def is_own_table(path: Path) -> bool:
    """Tell whether a table is of records or rows of tv, going by the names of its columns."""
    with path.open("rb") as stream:
        if stream.read(4) == b"PAR1":
            stream.seek(max(0, path.stat().st_size - ENDS))
            return b"image" in stream.read(ENDS)
        stream.seek(0)
        names = stream.readline(ENDS).decode("utf-8", "replace").rstrip().split(",")
    return "image" in names and bool({"score", "query", "x0", "width", "probability"} & set(names))


def _is_box(record: Record) -> bool:
    return "image" in record and not record.keys() & {"crop", "score", "stage", "query"}


def _is_yolo(line: bytes) -> bool:
    """Tell whether this is a box as YOLO has it: a number of a class, and four parts of a side."""
    number, *sides = line.split()
    return number.isdigit() and len(sides) == 4 and all(b"." in side for side in sides)


def _is_detection(record: Record) -> bool:
    return "image" in record and ("score" in record or "box" not in record)


KINDS: dict[OwnKind, Callable[[Path], bool]] = {
    "encodings": _is_artifact("encodings"),
    "classifier head": _is_artifact("head", "classifier"),
    "boxes head": _is_artifact("head", "boxes"),
    "rank head": _is_artifact("head", "rank"),
    "crops": _is_records(_has("image", "crop")),
    "detections": _is_records(_is_detection),
    "triplets": _is_records(_has("anchor", "positive", "negative")),
    "errors": _is_records(_has("image", "stage", "reason")),
    "records": _is_records(lambda record: "image" in record or "anchor" in record),
    "labels": _is_records(_has("image", "label", "probability")),
    "boxes": _is_boxes,
    "table": is_own_table,
    "plot": _is_marked,
    "picture": _is_marked,
}
