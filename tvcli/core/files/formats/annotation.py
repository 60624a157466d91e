"""What every format of boxes is read into, and written from."""

import codecs
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tvcli.core.boxes import Box
from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.formats.outlines import number
from tvcli.core.files.own_files import check_own
from tvcli.core.files.paths import is_path
from tvcli.core.files.pipes import comes_once, opened
from tvcli.core.files.strict_json import parse_lenient_json
from tvcli.core.reports import Report

STAGE = "boxes"
MAX_FILE = 512 * 2**20  # bytes of one file of annotations


@dataclass(frozen=True, slots=True)
class Annotation:
    """One box as annotated, not yet checked against its photo; `box` None: a photo without one.

    `image` is the photo's name, with its folders as far as the format knows them; where the format
    has none its suffix is missing. `where` is the annotation's place (file and line), `size` the
    annotated width and height in pixels; with `normalised` the box is in fractions of them.
    `places` are the paths at which the photo may lie, the first that is there counts.
    """

    image: str
    box: Any
    label: str
    where: str
    size: tuple[float, float] | None = None
    normalised: bool = False
    split: str = ""
    places: tuple[str, ...] = ()


@dataclass(slots=True)
class BoxedPhoto:
    """A photo with its objects: boxes in pixels of the photo as displayed, and their labels.

    `path` is where the photo lies, `image` what records call it.
    """

    image: str
    path: Path
    width: int
    height: int
    objects: list[tuple[Box, str]] = field(default_factory=list)
    split: str = ""


class Unusable(BadInput):
    """An item of a file of annotations that is no box of a photo: `where`, and the `reason`."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where, self.reason = where, reason


@contextmanager
def skipping(report: Report) -> Iterator[None]:
    """Leave out, named and counted, what turns out to be unusable inside the block."""
    try:
        yield
    except Unusable as error:
        report.skip(error.where, STAGE, error.reason)


def shapes_of(
    photo: Annotation,
    shapes: Iterable[tuple[str, Any]],
    box_of: Callable[[Any, str], tuple[Any, str]],
    report: Report,
) -> Iterator[Annotation]:
    """Yield an annotation for each shape of a photo; the photo alone where it has none.

    `shapes` come with their places, by which `box_of` may call them `Unusable`; it returns the box
    and the label of one.
    """
    is_bare = True
    for where, shape in shapes:
        is_bare = False
        with skipping(report):
            box, label = box_of(shape, where)
            yield replace(photo, box=box, label=label, where=where)
    if is_bare:
        yield photo


def read_text(path: Path) -> bytes:
    """Return the content of a file of annotations, of standard input (`-`) or of a pipe.

    Raises:
        Unusable: not there, not readable, or absurdly large.
    """
    try:
        with opened(path) as stream:
            data = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise Unusable(str(path), f"cannot be read: {error.strerror}") from error
    if len(data) > MAX_FILE:
        reason = f"larger than {MAX_FILE >> 20} MiB, not annotations of boxes"
        raise Unusable(str(path), reason)
    return data


def read_json(path: Path) -> Any:
    """Return what a file of JSON says; numbers that are none come as NaN or infinite.

    One of them, or a text that is no UTF-8, must not refuse all that is said beside it.

    Raises:
        Unusable: as `read_text` does.
        ValueError: not JSON.
    """
    data = read_text(path)
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError:
        text = decoded(data)
    return parse_lenient_json(text)


def decoded(data: bytes) -> str:
    """Return text as UTF-8, or as UTF-16 where its mark says so; what is neither is replaced."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    return data.decode("utf-8-sig", "replace")


def files_of(path: Path, suffix: str) -> list[Path]:
    """Return a file, or the files of a folder with some suffix, sorted.

    Raises:
        UsageError: a pipe, which has no name that tells of which photo it is.
        BadInput: there are none.
    """
    if comes_once(path):
        raise UsageError(f"{path}: this format has a file for each photo: name the folder of them")
    if path.is_file():
        return [path]
    found = sorted(p for p in path.rglob(f"*{suffix}") if not p.name.startswith("."))
    if not found:
        raise BadInput(f"{path}: no {suffix} files here")
    return found


def name_below(file: Path, top: Path) -> str:
    """Return the name of a file without its suffix, with its folders below `top`."""
    return (file.relative_to(top) if top.is_dir() else Path(file.name)).with_suffix("").as_posix()


def image_name(value: Any, where: str) -> str:
    """Return the name of a photo as a format gives it.

    Raises:
        Unusable: not a name.
    """
    if not is_path(value):
        raise Unusable(where, "it does not name its image")
    return value


def size_of(width: Any, height: Any) -> tuple[float, float] | None:
    """Return an annotated width and height; None where they are no numbers above 0."""
    try:
        sides = number(width), number(height)
    except ValueError:
        return None
    return sides if min(sides) > 0 else None


def one_line(label: str) -> str:
    """Return a label without line breaks and other control characters, as line formats need it."""
    return " ".join("".join(c if c.isprintable() else " " for c in label).split())


def joined(folders: Iterable[Path | str], name: str) -> tuple[str, ...]:
    """Return the paths that a name has in some folders."""
    return tuple(os.path.join(folder, name) for folder in folders)  # noqa: PTH118


def names_on_the_way_out(photos: Iterable[BoxedPhoto]) -> dict[str, str]:
    """Return, for each image, its name below the folder that all photos share."""
    images = [os.path.abspath(photo.path) for photo in photos]  # noqa: PTH100 - links stay
    shared = os.path.commonpath([os.path.dirname(image) for image in images]) if images else ""  # noqa: PTH120
    return {p.image: os.path.relpath(i, shared) for p, i in zip(photos, images, strict=True)}


def target_of(name: str, folder: Path, suffix: str, taken: set[Path]) -> Path:
    """Return the file of a photo in a folder, and note it; a second `a` is `a.png.xml`."""
    target = folder / Path(name).with_suffix(suffix)
    target = folder / f"{name}{suffix}" if target in taken else target
    taken.add(target)
    return target


def write_own(target: Path, data: bytes) -> None:
    """Write the boxes of a photo, with the folders above; raises UsageError as `check_own` does."""
    check_own(target, "boxes")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
