"""Pascal VOC's XML, one file a photo: pixels counted from 1, both ends inside the box."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

from tvcli.core.files.formats.annotation import (
    STAGE,
    Annotation,
    BoxedPhoto,
    Unusable,
    files_of,
    joined,
    name_below,
    names_on_the_way_out,
    one_line,
    shapes_of,
    size_of,
    skipping,
    target_of,
    write_own,
)
from tvcli.core.files.formats.outlines import around_turned
from tvcli.core.files.formats.photo_places import USUAL
from tvcli.core.files.formats.xml_elements import Element, parse
from tvcli.core.reports import Report

SIDES = ("xmin", "ymin", "xmax", "ymax")
TURNED = ("cx", "cy", "w", "h", "angle")


def read(path: Path, report: Report) -> Iterator[Annotation]:
    """Yield the annotations of an XML file, or of all of a folder and the folders in it.

    Files that are not VOC are skipped. The photo is the one that two of `<filename>`, `<path>` and
    the XML file's own name agree on, else the `<filename>`.

    Raises:
        BadInput: no XML files.
    """
    for file in files_of(path, ".xml"):
        with skipping(report):
            root = parse(file)
            if root.tag != "annotation":
                place = f"{file}:{root.line}"
                raise Unusable(place, f"<{root.tag}> where VOC has <annotation>")
            shapes = ((f"{file}:{item.line}", item) for item in root.all("object"))
            yield from shapes_of(_photo(file, path, root), shapes, _box, report)


def write(path: Path, photos: list[BoxedPhoto], report: Report) -> int:
    """Write one XML file a photo into a folder; VOC holds whole pixels, so boxes are rounded.

    Folders that tell photos apart become folders there. Returns how many boxes were written.
    """
    names = names_on_the_way_out(photos)
    taken: set[Path] = set()
    count = 0
    for photo in photos:
        target = target_of(names[photo.image], path, ".xml", taken)
        try:
            write_own(target, _document(photo).encode())
            count += len(photo.objects)
        except UnicodeEncodeError:
            report.skip(photo.image, STAGE, "its name is not UTF-8, which XML needs")
    return count


def _photo(file: Path, top: Path, root: Element) -> Annotation:
    name = _name_of(file, root)
    below = Path(name_below(file, top)).parent
    folder = PureWindowsPath(root.text_of("folder")).name or "images"
    folders = [file.parent]
    for above in (file.parent.parent, top.parent / below):
        folders += [above / usual for usual in (*USUAL, folder)]
    folders += [top.parent / usual / below for usual in (*USUAL, folder)]
    image = (below / name).as_posix()
    places = joined(folders, name) + joined(folders, file.stem)
    sides = root.find("size") or Element("size", root.line)
    size = size_of(sides.text_of("width"), sides.text_of("height"))
    return Annotation(image, None, "", f"{file}:{root.line}", size, places=places)


def _name_of(file: Path, root: Element) -> str:
    """Return the name of a file's photo, with or without its suffix."""
    named, path = root.text_of("filename"), PureWindowsPath(root.text_of("path")).name
    if (not named and not path) or "\0" in named + path:
        raise Unusable(f"{file}:{root.line}", "no <filename>")
    votes = Counter(Path(name).stem for name in (named, path, file.name) if name)
    most, count = votes.most_common(1)[0]
    given = [name for name in (named, path) if name]
    if count == 1:
        return given[0]
    return next((name for name in given if Path(name).stem == most), most)


def _box(item: Element, where: str) -> tuple[list[float] | str, str]:
    """Return a box as ours: half open, counted from 0; what is no box is left as it stands."""
    label = item.text_of("name")
    box, turned = item.find("bndbox"), item.find("robndbox")
    names = TURNED if turned and not box else SIDES
    holder = box or turned
    texts = [holder.text_of(name) if holder else "" for name in names]
    try:
        values = [float(text) for text in texts]
        if names is TURNED:
            return around_turned(*values), label
    except ValueError:
        return ",".join(texts), label
    x0, y0, x1, y1 = values
    return [x0 - 1, y0 - 1, x1, y1], label


def _document(photo: BoxedPhoto) -> str:
    from xml.sax.saxutils import escape  # brings urllib and http

    size = f"<width>{photo.width}</width><height>{photo.height}</height><depth>3</depth>"
    lines = [
        "<annotation>",
        f"  <filename>{escape(Path(photo.image).name)}</filename>",
        f"  <size>{size}</size>",
    ]
    for (x0, y0, x1, y1), label in photo.objects:
        values = round(x0) + 1, round(y0) + 1, max(round(x1), round(x0) + 1), round(y1)
        sides = "".join(f"<{s}>{v}</{s}>" for s, v in zip(SIDES, values, strict=True))
        name = escape(one_line(label))
        lines.append(f"  <object><name>{name}</name><bndbox>{sides}</bndbox></object>")
    return "\n".join([*lines, "</annotation>", ""])
