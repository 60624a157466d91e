"""VGG Image Annotator's JSON: photos by name, each with shapes in pixels."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tvcli.core.errors import BadInput
from tvcli.core.files.formats.annotation import (
    Annotation,
    BoxedPhoto,
    Unusable,
    image_name,
    joined,
    read_json,
    shapes_of,
    skipping,
)
from tvcli.core.files.formats.outlines import around_ellipse, around_points, number
from tvcli.core.files.formats.photo_places import usual_folders
from tvcli.core.files.records import Record
from tvcli.core.reports import Report


def read(path: Path, report: Report) -> Iterator[Annotation]:
    """Yield the shapes of a VIA file (a project of VIA 2, or its exported annotations) as boxes.

    The label is the region's attribute `label`, else its first one. A point is no box: like
    whatever else is none, it is skipped.

    Raises:
        BadInput: not VIA.
    """
    folders = usual_folders(path)
    for key, photo in _photos(path):
        with skipping(report):
            name, regions = _photo(photo, f"{path}: {key}")
            where = f"{path}: {name}"
            found = Annotation(name, None, "", where, places=joined(folders, name))
            shapes = ((f"{where}, region {n}", region) for n, region in enumerate(regions, 1))
            yield from shapes_of(found, shapes, _box, report)


def records(photos: list[BoxedPhoto]) -> Iterator[Record]:
    """Yield the one object of annotations that VIA 2 imports (Annotation > Import, json)."""
    content = {}
    for photo in photos:
        size = photo.path.stat().st_size if photo.path.is_file() else -1  # VIA's key has the bytes
        content[f"{photo.image}{size}"] = {
            "filename": photo.image,
            "size": size,
            "regions": [_region(box, label) for box, label in photo.objects],
            "file_attributes": {},
        }
    yield content


def _region(box: tuple[float, float, float, float], label: str) -> dict[str, Any]:
    x0, y0, x1, y1 = box
    shape = {"name": "rect", "x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0}
    return {"shape_attributes": shape, "region_attributes": {"label": label}}


def _photo(photo: Any, where: str) -> tuple[str, list[Any]]:
    if not isinstance(photo, dict):
        raise Unusable(where, "not a photo of VIA's")
    name = image_name(photo.get("filename"), where)
    regions = photo.get("regions") or []
    items = list(regions.values()) if isinstance(regions, dict) else regions
    if not isinstance(items, list):
        raise Unusable(where, "its regions are neither a list nor an object")
    return name, items


def _box(region: Any, where: str) -> tuple[list[float], str]:
    try:
        shape, attributes = region["shape_attributes"], region.get("region_attributes") or {}
        label = attributes.get("label") or next(iter(attributes.values()), "")
        name = str(shape["name"])
    except (KeyError, TypeError, AttributeError):
        raise Unusable(where, "not a region of VIA's") from None
    if name == "point":
        raise Unusable(where, "a point, which is no box")
    try:
        return _around(name, shape), _text(label)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise Unusable(where, f"a {name:.20} without its numbers") from None


def _around(name: str, shape: dict[str, Any]) -> list[float]:
    """Return the box around a shape; raises ValueError for one that has no extent."""
    if name == "rect":
        x, y, width, height = (number(shape[side]) for side in ("x", "y", "width", "height"))
        return [x, y, x + width, y + height]
    if name in ("polygon", "polyline"):
        xs, ys = shape["all_points_x"], shape["all_points_y"]
        return around_points(list(zip(xs, ys, strict=True)))
    x, y = number(shape["cx"]), number(shape["cy"])
    if name == "circle":
        return around_ellipse(x, y, number(shape["r"]), number(shape["r"]))
    if name == "ellipse":
        angle = number(shape.get("theta") or 0)
        return around_ellipse(x, y, number(shape["rx"]), number(shape["ry"]), angle)
    raise ValueError


def _text(value: Any) -> str:
    """Return an attribute as text; of checkboxes, the names of those that are set."""
    if isinstance(value, dict):
        return ", ".join(str(name) for name, chosen in value.items() if chosen)
    return str(value)


def _photos(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        content = read_json(path)
        items = content.get("_via_img_metadata", content)
        photos = list(items.items())
    except ValueError as error:
        raise BadInput(f"{path}: not JSON: {error}") from None
    except AttributeError:
        raise BadInput(f"{path}: not VIA (photos with filename and regions)") from None
    if photos and not any(isinstance(photo, dict) and "filename" in photo for _, photo in photos):
        raise BadInput(f"{path}: not VIA (photos with filename and regions)")
    yield from photos
