"""Where the photo of an annotation lies."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tvcli.core.files.paths import parent_of
from tvcli.core.files.photo_formats import SUFFIXES

ENDINGS = tuple(sorted(SUFFIXES) + sorted(suffix.upper() for suffix in SUFFIXES))
USUAL = ("images", "Images", "JPEGImages")  # folders beside annotations, or beside their folder


def find_photo(image: str, places: tuple[str, ...], root: Path | None) -> tuple[str, bool]:
    """Return where a photo lies (if nowhere, where it is expected first), and if that is a guess.

    The photo is the first of `places` that is there. With `root` it is the name under it, or the
    name less some of its leading folders, which is a guess: other photos may end alike.
    """
    tries = ((place, False) for place in places or (image,))
    if root is not None:
        tries = ((str(root / tail), guess) for tail, guess in _tails(image))
    expected = ""
    for place, guess in tries:
        expected = expected or place
        found = next((path for path in _endings(place) if os.path.isfile(path)), None)  # noqa: PTH113 - never raises
        if found is not None:
            return found, guess
    return expected, False


def usual_folders(file: Path) -> tuple[Path, ...]:
    """Return the folders in which the photos of a file of annotations usually lie.

    Of the folders beside it and above those come first that its name has in it, such as
    `val2017/` for `annotations/instances_val2017.json`.
    """
    folder = parent_of(file)
    tops = folder, folder.parent if folder.name else folder / ".."
    around = [folder for top in tops for folder in (top, *(top / name for name in USUAL))]
    named = [part for folder in around for part in _named_in(file.stem, folder)]
    return (*named, *around)


def _named_in(stem: str, folder: Path) -> Iterator[Path]:
    """Yield the folders in a folder whose name ends, or is a word of, a file's name."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    except OSError:
        return
    for name in names:
        words = stem.replace("-", "_").replace(".", "_").split("_")
        if name in words or stem == name or stem.endswith((f"_{name}", f"-{name}")):
            yield folder / name


def _tails(image: str) -> Iterator[tuple[str, bool]]:
    """Yield a name, then less and less of it, from the left; Windows' separators are read too."""
    yield image, False
    parts = PurePosixPath(os.path.normpath(image.replace("\\", "/"))).parts
    parts = tuple(part for part in parts if part not in ("/", "//", "..", "."))
    for start in range(len(parts)):
        tail = "/".join(parts[start:])
        if tail != image:
            yield tail, True


def _endings(place: str) -> Iterator[str]:
    """Yield a path, if it is named like a photo, then with every suffix that photos have."""
    if os.path.splitext(place)[1].lower() in SUFFIXES:  # noqa: PTH122
        yield place
    elif os.path.isdir(os.path.dirname(place) or "."):  # noqa: PTH112, PTH120
        yield from (place + ending for ending in ENDINGS)
        yield place
