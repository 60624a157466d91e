"""YOLO's text, one file a photo: lines of `class x y width height`, centre and size in parts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tvcli.core.files.formats.annotation import (
    STAGE,
    Annotation,
    BoxedPhoto,
    Unusable,
    decoded,
    files_of,
    joined,
    name_below,
    names_on_the_way_out,
    one_line,
    read_text,
    skipping,
    write_own,
)
from tvcli.core.files.formats.outlines import around_flat
from tvcli.core.files.formats.photo_places import USUAL
from tvcli.core.reports import Report

CLASS_FILES = ("classes.txt", "obj.names")
DATA_FILES = ("data.yaml", "dataset.yaml", "data.yml")
MAX_YAML = 2**20  # bytes
LABELS, IMAGES = "labels", "images"


@dataclass(frozen=True, slots=True)
class _Dataset:
    """What is said of label files beside them or above: names of classes, folders of photos."""

    names: dict[int, str] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    keypoints: bool = False


def read(path: Path, report: Report) -> Iterator[Annotation]:
    """Yield the annotations of a label file, or of all of a folder; an empty file is a photo alone.

    A line of five numbers is a box, of six a box with its confidence, of more the corners of an
    outline, bounded by its box. The photo has the file's name; classes are named by `classes.txt`,
    `obj.names` or `data.yaml` beside it or above, else by number. Other lines and text files are
    skipped.

    Raises:
        BadInput: no text files.
    """
    files = files_of(path, ".txt")
    labels = [file for file in files if LABELS in file.relative_to(path).parent.parts]
    known: dict[Path, _Dataset] = {}
    for file in labels or files:
        if file.name in CLASS_FILES:
            continue
        if file.parent not in known:
            known[file.parent] = _dataset(file.parent, path, report)
        with skipping(report):
            yield from _read_file(file, path, known[file.parent], report)


def write(path: Path, photos: list[BoxedPhoto], report: Report) -> int:
    """Write one file a photo into a folder, and `classes.txt`; folders that tell photos apart stay.

    A photo whose file would be that of another (a.jpg, a.png) is skipped. Returns how many boxes
    were written.
    """
    path.mkdir(parents=True, exist_ok=True)
    labels = sorted({one_line(label) for photo in photos for _, label in photo.objects})
    numbers = {label: number for number, label in enumerate(labels)}
    names = names_on_the_way_out(photos)
    taken: dict[Path, str] = {}
    count = 0
    for photo in photos:
        target = path / Path(names[photo.image]).with_suffix(".txt")
        if taken.setdefault(target, photo.image) != photo.image:
            report.skip(photo.image, STAGE, f"its labels would be those of {taken[target]}")
            continue
        lines = [
            f"{numbers[one_line(label)]} {_parts(box, photo.width, photo.height)}\n"
            for box, label in photo.objects
        ]
        write_own(target, "".join(lines).encode())
        count += len(lines)
    text = "".join(f"{label}\n" for label in labels)
    (path / CLASS_FILES[0]).write_bytes(text.encode("utf-8", "replace"))
    return count


def _parts(box: tuple[float, float, float, float], width: int, height: int) -> str:
    x0, y0, x1, y1 = box
    centre = (x0 + x1) / 2 / width, (y0 + y1) / 2 / height
    sides = (x1 - x0) / width, (y1 - y0) / height
    return " ".join(f"{value:.8f}" for value in (*centre, *sides))


def _read_file(file: Path, top: Path, dataset: _Dataset, report: Report) -> Iterator[Annotation]:
    name = name_below(file, top)
    image = _mirrored(Path(name)).as_posix()
    above = top.parent if top.is_dir() else top.parent.parent
    beside = file.parent / file.stem, _mirrored(file.absolute().parent / file.stem)
    usual = [above / folder / name for folder in USUAL]
    usual += [file.parent.parent / folder / file.stem for folder in USUAL]
    places = [str(place) for place in (*beside, *usual)]
    places += joined(dataset.folders, name) + joined(dataset.folders, file.stem)
    lines = decoded(read_text(file)).split("\n")
    found, wrong = [], []
    for number, line in enumerate(lines, 1):
        if line.strip():
            where = f"{file}:{number}"
            try:
                box, label = _box(line.split(), where, dataset)
                found.append(
                    Annotation(image, box, label, where, normalised=True, places=tuple(places))
                )
            except Unusable as error:
                wrong.append(error)
    if wrong and not found:
        raise wrong[0]  # another text, such as a README
    for bad in wrong:
        report.skip(bad.where, STAGE, bad.reason)
    yield from found or [Annotation(image, None, "", f"{file}:1", places=tuple(places))]


def _box(fields: list[str], where: str, dataset: _Dataset) -> tuple[list[float], str]:
    try:
        number = round(float(fields[0]))
        values = [float(value) for value in fields[1:]]
    except (ValueError, OverflowError):
        values = []
    if len(values) < 4:
        raise Unusable(where, "not a line of YOLO's: class x y width height")
    label = dataset.names.get(number, "" if number < 0 else str(number))
    if len(values) > 5 and not dataset.keypoints:
        try:
            return around_flat(values), label  # an odd one at the end is a confidence
        except ValueError as error:
            raise Unusable(where, str(error)) from None
    x, y, width, height = values[:4]
    return [x - width / 2, y - height / 2, x + width / 2, y + height / 2], label


def _mirrored(path: Path) -> Path:
    """Return `…/images/…` of `…/labels/…`, by the last such folder."""
    parts = list(path.parts)
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == LABELS:
            parts[place] = IMAGES
            break
    return Path(*parts)


def _dataset(folder: Path, top: Path, report: Report) -> _Dataset:
    """Return what is said of the labels in a folder, there or above, up to two above the top."""
    end = top.parent if top.is_dir() else top.parent.parent
    places = [folder]
    while places[-1] != end and places[-1].parent != places[-1]:
        places.append(places[-1].parent)
    places.append(end / "..")
    classes = next((p / n for p in places for n in CLASS_FILES if (p / n).is_file()), None)
    data = next((p / n for p in places for n in DATA_FILES if (p / n).is_file()), None)
    found = _Dataset()
    with skipping(report):
        found = found if data is None else _described(data)
    if classes is None:
        return found
    names = [line.strip() for line in decoded(read_text(classes)).rstrip().split("\n")]
    return _Dataset(dict(enumerate(names)), found.folders, found.keypoints)


def _described(file: Path) -> _Dataset:
    """Return what a `data.yaml` says: `names` as a list or by number, `path`, `train`, `val`."""
    import yaml

    data = read_text(file)
    if len(data) > MAX_YAML:
        raise Unusable(str(file), "too large to describe a dataset")
    try:  # the base loader makes texts alone, and follows no merges, which may grow without end
        content = yaml.load(decoded(data), yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Unusable(str(file), f"not YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(content, dict):
        return _Dataset()
    return _Dataset(_names(content.get("names")), _folders(file, content), "kpt_shape" in content)


def _names(names: Any) -> dict[int, str]:
    named = dict(enumerate(names)) if isinstance(names, list) else names
    return {
        int(number): name
        for number, name in (named.items() if isinstance(named, dict) else ())
        if isinstance(name, str) and str(number).strip().isdecimal()
    }


def _folders(file: Path, content: dict[str, Any]) -> tuple[Path, ...]:
    base = content.get("path")
    top = file.parent / base if isinstance(base, str) else file.parent
    found = [top, top / IMAGES]
    for part in ("train", "val", "test"):
        values = content.get(part)
        for value in values if isinstance(values, list) else [values]:
            if isinstance(value, str) and value and "\0" not in value:
                found += [top / value, (top / value).parent]
    return tuple(dict.fromkeys(found[:100]))
