"""Pascal VOC's XML, one file a photo: pixels counted from 1, both ends inside the box."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import escape

from tvcli.core.errors import BadInput
from tvcli.core.files.formats.annotation import Annotation, BoxedPhoto, files_of, read_text
from tvcli.core.files.own_files import check_own

DEEPEST = 16  # levels of elements
SIDES = ("xmin", "ymin", "xmax", "ymax")


@dataclass(slots=True)
class _Element:
    tag: str
    line: int
    text: str = ""
    parts: "list[_Element]" = field(default_factory=list)

    def find(self, tag: str) -> "_Element | None":
        return next((part for part in self.parts if part.tag == tag), None)

    def text_of(self, tag: str) -> str:
        part = self.find(tag)
        return part.text.strip() if part else ""


def read(path: Path) -> Iterator[Annotation]:
    """Yield the annotations of an XML file, or of all of a folder.

    Raises:
        BadInput: not VOC; the message gives the file and line. Document types and entities are
            refused, so that a file cannot grow when it is read nor name another one.
    """
    for file in files_of(path, ".xml"):
        root = _parse(file)
        if root.tag != "annotation":
            raise BadInput(f"{file}:{root.line}: <{root.tag}> where VOC has <annotation>")
        yield from _annotations(file, root)


def write(path: Path, photos: list[BoxedPhoto]) -> None:
    """Write one XML file a photo into a folder; VOC holds whole pixels, so boxes are rounded."""
    path.mkdir(parents=True, exist_ok=True)
    for photo in photos:
        file = path / f"{Path(photo.image).stem}.xml"
        check_own(file, "boxes")
        file.write_text(_document(photo), "utf-8")


def _annotations(file: Path, root: _Element) -> Iterator[Annotation]:
    name = root.text_of("filename")
    if not name or "\0" in name:
        raise BadInput(f"{file}:{root.line}: no <filename>")
    folder = root.text_of("folder") or "images"
    above = file.parent.parent
    folders = (file.parent, above / "images", above / "JPEGImages", above / Path(folder).name)
    size = _size(root.find("size"))
    objects = [part for part in root.parts if part.tag == "object"]
    if not objects:
        yield Annotation(name, None, "", f"{file}:{root.line}", size, folders=folders)
    for item in objects:
        where = f"{file}:{item.line}"
        yield Annotation(name, _box(item), item.text_of("name"), where, size, folders=folders)


def _box(item: _Element) -> list[float] | str:
    """Return a box as ours: half open, counted from 0; what is no box is left as it stands."""
    box = item.find("bndbox")
    texts = [box.text_of(side) if box else "" for side in SIDES]
    try:
        x0, y0, x1, y1 = map(float, texts)
    except ValueError:
        return ",".join(texts)
    return [x0 - 1, y0 - 1, x1, y1]


def _size(size: _Element | None) -> tuple[float, float] | None:
    try:
        sides = (float(size.text_of("width")), float(size.text_of("height"))) if size else None
    except ValueError:
        return None
    return sides if sides and min(sides) > 0 else None


def _document(photo: BoxedPhoto) -> str:
    size = f"<width>{photo.width}</width><height>{photo.height}</height><depth>3</depth>"
    lines = [
        "<annotation>",
        f"  <filename>{escape(Path(photo.image).name)}</filename>",
        f"  <size>{size}</size>",
    ]
    for (x0, y0, x1, y1), label in photo.objects:
        values = round(x0) + 1, round(y0) + 1, max(round(x1), round(x0) + 1), round(y1)
        sides = "".join(f"<{s}>{v}</{s}>" for s, v in zip(SIDES, values, strict=True))
        lines.append(f"  <object><name>{escape(label)}</name><bndbox>{sides}</bndbox></object>")
    return "\n".join([*lines, "</annotation>", ""])


def _parse(file: Path) -> _Element:
    top = _Element("", 0)
    stack = [top]
    parser = expat.ParserCreate()

    def refuse(*_: object) -> NoReturn:
        raise BadInput(f"{file}:{parser.CurrentLineNumber}: a document type: VOC has none")

    def start(tag: str, _: dict[str, str]) -> None:
        if len(stack) > DEEPEST:
            raise BadInput(f"{file}:{parser.CurrentLineNumber}: nested too deeply")
        element = _Element(tag, parser.CurrentLineNumber)
        stack[-1].parts.append(element)
        stack.append(element)

    def text(part: str) -> None:
        stack[-1].text += part

    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: stack.pop() and None
    parser.CharacterDataHandler = text
    try:
        parser.Parse(read_text(file), True)
    except expat.ExpatError as error:
        raise BadInput(f"{file}:{error.lineno}: not XML: {expat.ErrorString(error.code)}") from None
    return top.parts[0]
