"""labelme's JSON, one file a photo: shapes by their points, in pixels."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tvcli.core.files.formats.annotation import (
    Annotation,
    BoxedPhoto,
    Unusable,
    files_of,
    image_name,
    joined,
    name_below,
    names_on_the_way_out,
    read_json,
)
from tvcli.core.files.formats.outlines import around_ellipse, around_points, number
from tvcli.core.files.formats.photo_places import USUAL
from tvcli.core.files.records import dump_record
from tvcli.core.reports import Report


def read(path: Path, report: Report) -> Iterator[Annotation]:
    """Yield the shapes of a labelme file, or of all of a folder, as the boxes around them.

    Other JSON files are skipped, and so are points.

    Raises:
        BadInput: no JSON files.
    """
    for file in files_of(path, ".json"):
        try:
            yield from _read_file(file, path, report)
        except Unusable as error:
            error.skip(report)


def write(path: Path, photos: list[BoxedPhoto], report: Report) -> int:
    """Write one JSON file a photo into a folder, with its path in it; return how many boxes."""
    names = names_on_the_way_out(photos)
    taken: set[Path] = set()
    for photo in photos:
        name = names[photo.image]
        target = path / Path(name).with_suffix(".json")
        target = path / f"{name}.json" if target in taken else target
        taken.add(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        image = os.path.relpath(photo.path.absolute(), target.parent.absolute())
        target.write_text(dump_record(_document(photo, image)) + "\n", "utf-8")
    return sum(len(photo.objects) for photo in photos)


def _document(photo: BoxedPhoto, image: str) -> dict[str, Any]:
    shapes: list[dict[str, Any]] = [
        {
            "label": label,
            "points": [[x0, y0], [x1, y1]],
            "group_id": None,
            "shape_type": "rectangle",
            "flags": {},
        }
        for (x0, y0, x1, y1), label in photo.objects
    ]
    about = {"version": "5.0.0", "flags": {}, "shapes": shapes, "imagePath": image}
    return about | {
        "imageData": None,
        "imageHeight": photo.height,
        "imageWidth": photo.width,
    }


def _read_file(file: Path, top: Path, report: Report) -> Iterator[Annotation]:
    try:
        content = read_json(file)
    except ValueError as error:
        raise Unusable(str(file), f"not JSON: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        raise Unusable(str(file), 'not labelme (an object with "shapes" and "imagePath")')
    named = image_name(content.get("imagePath"), str(file)).replace("\\", "/")
    if named.endswith(".json"):  # as older versions wrote it at times
        named = file.stem
    above = file.parent.parent
    folders = [file.parent, *(top / name for top in (file.parent, above) for name in USUAL)]
    places = joined(folders, named) + joined(folders, os.path.basename(named))  # noqa: PTH119
    image = os.path.normpath(Path(name_below(file, top)).parent / named)
    size = _size(content)
    if not content["shapes"]:
        yield Annotation(image, None, "", str(file), size, places=places)
    for place, shape in enumerate(content["shapes"], 1):
        where = f"{file}: shape {place}"
        try:
            box = _box(shape, where)
        except Unusable as error:
            error.skip(report)
        else:
            label = shape.get("label")
            label = "" if label is None else str(label)
            yield Annotation(image, box, label, where, size, places=places)


def _box(shape: Any, where: str) -> list[float]:
    kind, points = "", None
    if isinstance(shape, dict):
        kind, points = str(shape.get("shape_type") or "polygon"), shape.get("points")
    if not isinstance(points, list) or not points:
        raise Unusable(where, "not a shape of labelme's")
    if kind in ("point", "points"):
        raise Unusable(where, f"a {kind}, which is no box")
    try:
        if kind == "circle":
            (x, y), edge = map(number, points[0]), [number(side) for side in points[1]]
            radius = ((edge[0] - x) ** 2 + (edge[1] - y) ** 2) ** 0.5
            return around_ellipse(x, y, radius, radius)
        x0, y0, x1, y1 = around_points(points)
    except (ValueError, TypeError, IndexError, KeyError, OverflowError):
        raise Unusable(where, f"a {kind:.20} without its points") from None
    beyond = 1 if kind == "mask" else 0  # its points are its first and its last pixel
    return [x0, y0, x1 + beyond, y1 + beyond]


def _size(content: dict[str, Any]) -> tuple[float, float] | None:
    try:
        sides = number(content.get("imageWidth")), number(content.get("imageHeight"))
    except (ValueError, OverflowError):
        return None
    return sides if min(sides) > 0 else None
