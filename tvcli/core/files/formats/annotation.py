"""What every format of boxes is read into, and written from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tvcli.core.boxes import Box
from tvcli.core.errors import BadInput

MAX_FILE = 512 * 2**20  # bytes of one file of annotations


@dataclass(frozen=True, slots=True)
class Annotation:
    """One box as annotated, not yet checked against its photo; `box` None: a photo without one.

    `where` is its place (file and line), `size` the annotated width and height in pixels; with
    `normalised` the box is in fractions of them. `folders` are where the photo may lie, relative
    to the file of annotations, the first that has it counts.
    """

    image: str
    box: Any
    label: str
    where: str
    size: tuple[float, float] | None = None
    normalised: bool = False
    split: str = ""
    folders: tuple[Path, ...] = (Path(),)


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


def read_text(path: Path) -> bytes:
    """Return the content of a file of annotations.

    Raises:
        BadInput: not there, not readable, or absurdly large.
    """
    try:
        if path.stat().st_size > MAX_FILE:
            raise BadInput(f"{path}: larger than {MAX_FILE >> 20} MiB, not annotations of boxes")
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error


def files_of(path: Path, suffix: str) -> list[Path]:
    """Return a file, or the files of a folder with some suffix, sorted.

    Raises:
        BadInput: there are none.
    """
    if path.is_file():
        return [path]
    found = sorted(p for p in path.rglob(f"*{suffix}") if not p.name.startswith("."))
    if not found:
        raise BadInput(f"{path}: no {suffix} files here")
    return found
