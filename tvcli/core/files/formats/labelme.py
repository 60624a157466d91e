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
    shapes_of,
    size_of,
    skipping,
    target_of,
    write_own,
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
        with skipping(report):
            yield from _read_file(file, path, report)


def write(path: Path, photos: list[BoxedPhoto], report: Report) -> int:
    """Write one JSON file a photo into a folder, with its path in it; return how many boxes."""
    names = names_on_the_way_out(photos)
    taken: set[Path] = set()
    for photo in photos:
        target = target_of(names[photo.image], path, ".json", taken)
        image = os.path.relpath(photo.path.absolute(), target.parent.absolute())
        write_own(target, f"{dump_record(_document(photo, image))}\n".encode())
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
    return about | {"imageData": None, "imageHeight": photo.height, "imageWidth": photo.width}


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
    size = size_of(content.get("imageWidth"), content.get("imageHeight"))
    photo = Annotation(image, None, "", str(file), size, places=places)
    shapes = ((f"{file}: shape {n}", shape) for n, shape in enumerate(content["shapes"], 1))
    yield from shapes_of(photo, shapes, _box, report)


def _box(shape: Any, where: str) -> tuple[list[float], str]:
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
            x0, y0, x1, y1 = around_ellipse(x, y, radius, radius)
        else:
            x0, y0, x1, y1 = around_points(points)
    except (ValueError, TypeError, IndexError, KeyError, OverflowError):
        raise Unusable(where, f"a {kind:.20} without its points") from None
    beyond = 1 if kind == "mask" else 0  # its points are its first and its last pixel
    label = shape.get("label")
    return [x0, y0, x1 + beyond, y1 + beyond], "" if label is None else str(label)
