"""COCO's JSON: images, annotations with `bbox` [x, y, width, height] in pixels, categories."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tvcli.core.errors import BadInput
from tvcli.core.files.formats.annotation import Annotation, BoxedPhoto, read_text


def read(path: Path) -> Iterator[Annotation]:
    """Yield the annotations of a COCO file; its crowds (`iscrowd`) are no single objects and go.

    Raises:
        BadInput: not COCO; the message gives the number of the item that is wrong.
    """
    content = _content(path)
    images = {_id(item, "id"): (item, place) for place, item in _items(content, "images", path)}
    names = {
        _id(item, "id"): str(item.get("name", ""))
        for _, item in _items(content, "categories", path)
    }
    boxed = set()
    for place, item in _items(content, "annotations", path):
        where = f"{path}: annotation {place}"
        number = _id(item, "image_id")
        if number not in images:
            raise BadInput(f"{where}: image_id {number} is not among the images")
        boxed.add(number)
        if not item.get("iscrowd"):
            label = names.get(_id(item, "category_id"), "")
            yield _annotation(path, images[number][0], where, _corners(item), label)
    for number, (item, place) in images.items():
        if number not in boxed:
            yield _annotation(path, item, f"{path}: image {place}", None, "")


def write(path: Path, photos: list[BoxedPhoto]) -> None:
    """Write photos and boxes as COCO; ids count from 1."""
    labels = sorted({label for photo in photos for _, label in photo.objects})
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, photo in enumerate(photos, 1):
        size = {"width": photo.width, "height": photo.height}
        images.append({"id": number, "file_name": photo.image, **size})
        for (x0, y0, x1, y1), label in photo.objects:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": labels.index(label) + 1,
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": (x1 - x0) * (y1 - y0),
                    "iscrowd": 0,
                }
            )
    categories = [{"id": number, "name": label} for number, label in enumerate(labels, 1)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", "utf-8")


def _annotation(path: Path, image: Any, where: str, box: Any, label: str) -> Annotation:
    name = image.get("file_name")
    if not isinstance(name, str) or not name or "\0" in name:
        raise BadInput(f"{where}: its image has no file_name")
    sides = image.get("width"), image.get("height")
    known = all(isinstance(side, int | float) and side > 0 for side in sides)
    folders = path.parent, path.parent / "images", path.parent.parent / "images"
    size = (float(sides[0]), float(sides[1])) if known else None
    return Annotation(name, box, label, where, size, folders=folders)


def _id(item: dict[str, Any], name: str) -> str:
    """Return an id as text: whatever it is, it can be looked up by that."""
    return json.dumps(item.get(name))


def _corners(item: dict[str, Any]) -> Any:
    box = item.get("bbox")
    numbers = isinstance(box, list) and len(box) == 4
    if not numbers or not all(isinstance(side, int | float) for side in box or []):
        return box if box is not None else []
    x, y, width, height = box or []
    return [x, y, x + width, y + height]


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not JSON: {error}") from None
    if not isinstance(content, dict) or "images" not in content:
        raise BadInput(f'{path}: not COCO (an object with "images" and "annotations")')
    return content


def _items(content: dict[str, Any], name: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    items = content.get(name, [])
    if not isinstance(items, list):
        raise BadInput(f'{path}: "{name}" is not a list')
    for place, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise BadInput(f'{path}: item {place} of "{name}" is not an object')
        yield place, item
