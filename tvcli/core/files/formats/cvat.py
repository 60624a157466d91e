"""CVAT's XML for images, version 1.1: all photos in one file, each with shapes in pixels."""

import math
from collections.abc import Iterator
from pathlib import Path

from tvcli.core.errors import BadInput
from tvcli.core.files.formats.annotation import (
    STAGE,
    Annotation,
    BoxedPhoto,
    Unusable,
    image_name,
    joined,
    one_line,
    shapes_of,
    size_of,
    skipping,
)
from tvcli.core.files.formats.outlines import around_ellipse, around_points, around_turned, number
from tvcli.core.files.formats.photo_places import usual_folders
from tvcli.core.files.formats.xml_elements import Element, parse
from tvcli.core.reports import Report

SHAPES = ("box", "polygon", "polyline", "ellipse", "mask", "cuboid")


def read(path: Path, report: Report) -> Iterator[Annotation]:
    """Yield the shapes of a CVAT file as the boxes around them.

    Points, tags and tracks, which belong to videos, are no boxes of photos: they are skipped.

    Raises:
        BadInput: not CVAT.
    """
    root = parse(path)
    if root.tag != "annotations":
        raise BadInput(f"{path}:{root.line}: <{root.tag}> where CVAT has <annotations>")
    folders = usual_folders(path)
    for track in root.all("track"):
        reason = "a track of a video: export the task as CVAT for images"
        report.skip(f"{path}:{track.line}", STAGE, reason)
    for image in root.all("image"):
        with skipping(report):
            shapes = ((f"{path}:{part.line}", part) for part in image.parts if part.tag != "tag")
            yield from shapes_of(_photo(path, image, folders), shapes, _box, report)


def lines(photos: list[BoxedPhoto]) -> Iterator[str]:
    """Yield the lines of a file of photos and boxes; ids count from 0.

    Raises:
        BadInput: a photo's name is not UTF-8.
    """
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield "<annotations>"
    yield "  <version>1.1</version>"
    for place, photo in enumerate(photos):
        name = _attribute(photo.image, photo.image)
        size = f'width="{photo.width}" height="{photo.height}"'
        yield f'  <image id="{place}" name={name} {size}>'
        for (x0, y0, x1, y1), label in photo.objects:
            sides = f'xtl="{x0}" ytl="{y0}" xbr="{x1}" ybr="{y1}"'
            named = _attribute(one_line(label), photo.image)
            yield f'    <box label={named} occluded="0" {sides}/>'
        yield "  </image>"
    yield "</annotations>"


def _attribute(text: str, image: str) -> str:
    from xml.sax.saxutils import quoteattr  # brings urllib and http

    try:
        return quoteattr(text.encode().decode())
    except UnicodeEncodeError:
        name = image.encode("utf-8", "replace").decode()
        raise BadInput(f"{name}: not UTF-8, which XML needs: write JSON Lines") from None


def _photo(path: Path, image: Element, folders: tuple[Path, ...]) -> Annotation:
    where = f"{path}:{image.line}"
    name = image_name(image.attributes.get("name"), where)
    places = joined(folders, name)
    if subset := image.attributes.get("subset"):
        name = f"{subset}/{name}"
        places = (*joined(folders, name), *places)
    size = size_of(image.attributes.get("width"), image.attributes.get("height"))
    return Annotation(name, None, "", where, size, places=places)


def _box(shape: Element, where: str) -> tuple[list[float], str]:
    if shape.tag not in SHAPES:
        raise Unusable(where, f"<{shape.tag:.20}>, which is no box")
    try:
        return _around(shape), shape.attributes.get("label", "")
    except (KeyError, ValueError, OverflowError):
        raise Unusable(where, f"a {shape.tag} without its numbers") from None


def _around(shape: Element) -> list[float]:
    values = shape.attributes
    turn = math.radians(number(values.get("rotation", 0)))
    if shape.tag in ("polygon", "polyline"):
        return around_points([point.split(",") for point in values["points"].split(";")])
    if shape.tag == "ellipse":
        x, y, across, down = (number(values[name]) for name in ("cx", "cy", "rx", "ry"))
        return around_ellipse(x, y, across, down, turn)
    if shape.tag == "mask":
        x, y, width, height = (number(values[name]) for name in ("left", "top", "width", "height"))
        return [x, y, x + width, y + height]
    if shape.tag == "cuboid":
        xs = [number(value) for name, value in values.items() if name.startswith("x")]
        ys = [number(value) for name, value in values.items() if name.startswith("y")]
        return [min(xs), min(ys), max(xs), max(ys)]
    x0, y0, x1, y1 = (number(values[name]) for name in ("xtl", "ytl", "xbr", "ybr"))
    return (
        around_turned((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0, turn)
        if turn
        else [x0, y0, x1, y1]
    )
