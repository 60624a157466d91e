"""VGG Image Annotator's JSON: photos by name, each with rectangles in pixels."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tvcli.core.errors import BadInput
from tvcli.core.files.formats.annotation import Annotation, BoxedPhoto, read_text


def read(path: Path) -> Iterator[Annotation]:
    """Yield the rectangles of a VIA file (a project of VIA 2, or its exported annotations).

    The label is the region's attribute `label`, else its first one; other shapes are refused.

    Raises:
        BadInput: not VIA; the message names the photo and region.
    """
    for name, photo in _photos(path):
        regions = photo.get("regions") or []
        items = list(regions.values()) if isinstance(regions, dict) else regions
        if not isinstance(items, list):
            raise BadInput(f"{path}: {name}: its regions are neither a list nor an object")
        if not items:
            yield Annotation(name, None, "", f"{path}: {name}", folders=_folders(path))
        for number, region in enumerate(items, 1):
            where = f"{path}: {name}, region {number}"
            box, label = _rectangle(region, where)
            yield Annotation(name, box, label, where, folders=_folders(path))


def write(path: Path, photos: list[BoxedPhoto]) -> None:
    """Write the annotations that VIA 2 imports (Annotation > Import, json)."""
    content = {}
    for photo in photos:
        size = photo.path.stat().st_size if photo.path.is_file() else -1  # VIA's key has the bytes
        content[f"{photo.image}{size}"] = {
            "filename": photo.image,
            "size": size,
            "regions": [_region(box, label) for box, label in photo.objects],
            "file_attributes": {},
        }
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", "utf-8")


def _region(box: tuple[float, float, float, float], label: str) -> dict[str, Any]:
    x0, y0, x1, y1 = box
    shape = {"name": "rect", "x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0}
    return {"shape_attributes": shape, "region_attributes": {"label": label}}


def _rectangle(region: Any, where: str) -> tuple[list[float], str]:
    try:
        shape, attributes = region["shape_attributes"], region["region_attributes"]
        if shape["name"] != "rect":
            raise BadInput(f"{where}: a {shape['name']}, where only rectangles are boxes")
        x, y, width, height = (float(shape[side]) for side in ("x", "y", "width", "height"))
        label = attributes.get("label") or next(iter(attributes.values()), "")
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadInput(f"{where}: not a rectangle of VIA's") from None
    return [x, y, x + width, y + height], str(label)


def _photos(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        content = json.loads(read_text(path))
        items = content.get("_via_img_metadata", content)
        photos = [(photo["filename"], photo) for photo in items.values()]
        if not all(isinstance(name, str) and name and "\0" not in name for name, _ in photos):
            raise TypeError
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not JSON: {error}") from None
    except (KeyError, TypeError, AttributeError):
        raise BadInput(f"{path}: not VIA (photos with filename and regions)") from None
    yield from photos


def _folders(path: Path) -> tuple[Path, ...]:
    return path.parent, path.parent / "images", path.parent.parent / "images"
