"""COCO's JSON: images, annotations with `bbox` [x, y, width, height] in pixels, categories."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tvcli.core.errors import BadInput
from tvcli.core.files.fields import MOST_EXACT
from tvcli.core.files.formats.annotation import (
    STAGE,
    Annotation,
    BoxedPhoto,
    Unusable,
    image_name,
    joined,
    read_json,
    size_of,
    skipping,
)
from tvcli.core.files.formats.outlines import around_flat, around_mask, around_points, number
from tvcli.core.files.formats.photo_places import usual_folders
from tvcli.core.files.records import Record
from tvcli.core.reports import Report

Item = dict[str, Any]


def read(path: Path, report: Report) -> Iterator[Annotation]:
    """Yield the annotations of a COCO file: their `bbox`, else the box around `segmentation`.

    Crowds (`iscrowd`) are no single objects: like whatever else is no box, they are skipped. A
    category without a name is called by its number.

    Raises:
        BadInput: not COCO.
    """
    content = _content(path)
    images = _images(content, path, report)
    names = _names(content, path, report)
    folders = usual_folders(path)
    boxed, unnamed = set(), 0
    for where, item in _annotations(content, path, report):
        image = _id(item.get("image_id"))
        boxed.add(image)
        category = _id(item.get("category_id"))
        with skipping(report):
            if image not in images:
                raise Unusable(where, f"image_id {image} is not among the images")
            yield _annotation(images[image], where, _box(item, where), names, category, folders)
            unnamed += category != "null" and category not in names
    if unnamed:
        report.note(f"{unnamed} boxes of categories without a name: labelled by their number")
    for image, about in images.items():
        if image not in boxed:
            with skipping(report):
                yield _annotation(about, f"{path}: image {image}", None, names, "", folders)


def records(photos: list[BoxedPhoto]) -> Iterator[Record]:
    """Yield the one object that COCO has of photos and boxes; ids count from 1."""
    labels = sorted({label for photo in photos for _, label in photo.objects})
    numbers = {label: number for number, label in enumerate(labels, 1)}
    images: list[Item] = []
    annotations: list[Item] = []
    for image, photo in enumerate(photos, 1):
        size = {"width": photo.width, "height": photo.height}
        images.append({"id": image, "file_name": photo.image, **size})
        for (x0, y0, x1, y1), label in photo.objects:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": numbers[label],
                    "bbox": [x0, y0, x1 - x0, y1 - y0],
                    "area": (x1 - x0) * (y1 - y0),
                    "iscrowd": 0,
                }
            )
    categories = [{"id": number, "name": label} for label, number in numbers.items()]
    yield {"images": images, "annotations": annotations, "categories": categories}


def _annotations(content: Item, path: Path, report: Report) -> Iterator[tuple[str, Item]]:
    """Yield annotations with their places; those of panoptic files are segments of an image."""
    for place, item in _items(content, "annotations", path, report):
        where = f"{path}: annotation {place}"
        segments = item.get("segments_info")
        if not isinstance(segments, list):
            yield where, item
            continue
        for part, segment in enumerate(segments, 1):
            about = segment if isinstance(segment, dict) else {}
            yield f"{where}, segment {part}", {**about, "image_id": item.get("image_id")}


def _annotation(
    image: Item | None,
    where: str,
    box: list[float] | None,
    names: dict[str, str],
    category: str,
    folders: tuple[Path, ...],
) -> Annotation:
    if image is None:
        raise Unusable(where, "two images have its image_id")
    name = image_name(image.get("file_name"), where)
    label = names.get(category, "" if category == "null" else category)
    places = joined(folders, name)
    size = size_of(image.get("width"), image.get("height"))
    return Annotation(name, box, label, where, size, places=places)


def _box(item: Item, where: str) -> list[float]:
    """Return the box of an annotation; raises Unusable saying why it has none."""
    outline = item.get("segmentation")
    try:
        if item.get("iscrowd") not in (None, 0, False, "0"):
            raise ValueError("a crowd, no single object")
        if item.get("bbox"):
            x, y, width, height = (number(side) for side in item["bbox"])
            return [x, y, x + width, y + height]
        if isinstance(outline, dict):
            return around_mask(outline)
        if isinstance(outline, list) and outline:
            parts = outline if isinstance(outline[0], list) else [outline]
            boxes = [around_flat(part) for part in parts]
            return around_points([box[side : side + 2] for box in boxes for side in (0, 2)])
    except (ValueError, TypeError, OverflowError) as error:
        raise Unusable(where, f"{error}" or "no box of four numbers") from None
    raise Unusable(where, "has neither a bbox nor a segmentation")


def _id(value: Any) -> str:
    """Return an id as text: 1, 1.0 and "1" are the same."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= MOST_EXACT:
        value = int(value)
    return value.strip() if isinstance(value, str) else json.dumps(value)


def _images(content: Item, path: Path, report: Report) -> dict[str, Item | None]:
    """Return the images by their ids; None where two different ones have the same."""
    images: dict[str, Item | None] = {}
    for _, item in _items(content, "images", path, report):
        known = images.setdefault(_id(item.get("id")), item)
        if known is not None and known.get("file_name") != item.get("file_name"):
            images[_id(item.get("id"))] = None
    return images


def _names(content: Item, path: Path, report: Report) -> dict[str, str]:
    items = _items(content, "categories", path, report)
    return {_id(item.get("id")): str(item["name"]) for _, item in items if item.get("name")}


def _content(path: Path) -> Item:
    try:
        content = read_json(path)
    except ValueError as error:
        raise BadInput(f"{path}: not JSON: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise BadInput(f'{path}: not COCO (an object with "images" and "annotations")')
    return content


def _items(content: Item, name: str, path: Path, report: Report) -> Iterator[tuple[int, Item]]:
    items = content.get(name) or []
    if not isinstance(items, list):
        raise BadInput(f'{path}: "{name}" is not a list')
    for place, item in enumerate(items, 1):
        if isinstance(item, dict):
            yield place, item
        else:
            report.skip(f"{path}: item {place} of {name}", STAGE, "not an object")
