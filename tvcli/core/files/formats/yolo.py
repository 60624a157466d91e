"""YOLO's text, one file a photo: lines of `class x y width height`, centre and size in parts."""

from collections.abc import Iterator
from pathlib import Path

from tvcli.core.errors import BadInput
from tvcli.core.files.formats.annotation import Annotation, BoxedPhoto, files_of, read_text
from tvcli.core.files.own_files import check_own
from tvcli.core.files.photo_formats import SUFFIXES

CLASS_FILES = ("classes.txt", "obj.names")


def read(path: Path) -> Iterator[Annotation]:
    """Yield the annotations of a label file, or of all of a folder; an empty file is a photo alone.

    The photo has the file's name; classes are named by `classes.txt` or `obj.names` beside it or
    above, else by number.

    Raises:
        BadInput: a line that is not YOLO's; the message gives file and line.
    """
    for file in files_of(path, ".txt"):
        if file.name not in CLASS_FILES:
            yield from _read_file(file, _classes(file.parent))


def write(path: Path, photos: list[BoxedPhoto]) -> None:
    """Write one file a photo into a folder, and `classes.txt`."""
    path.mkdir(parents=True, exist_ok=True)
    labels = sorted({label for photo in photos for _, label in photo.objects})
    for photo in photos:
        lines = []
        for (x0, y0, x1, y1), label in photo.objects:
            width, height = photo.width, photo.height
            values = (x0 + x1) / 2 / width, (y0 + y1) / 2 / height
            sides = (x1 - x0) / width, (y1 - y0) / height
            numbers = " ".join(f"{value:.8f}" for value in (*values, *sides))
            lines.append(f"{labels.index(label)} {numbers}\n")
        file = path / f"{Path(photo.image).stem}.txt"
        check_own(file, "boxes")
        file.write_text("".join(lines), "utf-8")
    (path / "classes.txt").write_text("".join(f"{label}\n" for label in labels), "utf-8")


def _read_file(file: Path, classes: list[str]) -> Iterator[Annotation]:
    folders = file.parent, file.parent.parent / "images", _images_folder(file)
    name = _photo_of(file, folders)
    lines = read_text(file).decode("utf-8", "replace").splitlines()
    boxes = 0
    for number, line in enumerate(lines, 1):
        if line.strip():
            where = f"{file}:{number}"
            box, label = _box(line.split(), where, classes)
            boxes += 1
            yield Annotation(name, box, label, where, normalised=True, folders=folders)
    if not boxes:
        yield Annotation(name, None, "", f"{file}:1", folders=folders)


def _box(fields: list[str], where: str, classes: list[str]) -> tuple[list[float], str]:
    try:
        number = int(fields[0])
        x, y, width, height = map(float, fields[1:5])
    except (ValueError, IndexError):
        raise BadInput(f"{where}: not a line of YOLO's: class x y width height") from None
    label = classes[number] if 0 <= number < len(classes) else str(number)
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2], label


def _photo_of(file: Path, folders: tuple[Path, ...]) -> str:
    """Return the name of a label file's photo, by trying the suffixes in the folders."""
    names = [file.stem + suffix for suffix in sorted(SUFFIXES)]
    found = (name for folder in folders for name in names if (folder / name).is_file())
    return next(found, f"{file.stem}.jpg")


def _images_folder(file: Path) -> Path:
    """Return the folder that mirrors `…/labels/train` as `…/images/train`."""
    parts = [("images" if part == "labels" else part) for part in file.parent.parts]
    return Path(*parts)


def _classes(folder: Path) -> list[str]:
    places = [place / name for place in (folder, folder.parent) for name in CLASS_FILES]
    file = next((place for place in places if place.is_file()), None)
    return file.read_text("utf-8", "replace").splitlines() if file else []
