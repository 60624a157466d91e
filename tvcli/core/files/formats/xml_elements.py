"""XML of strangers as a small tree: no document types, no entities, no deep nesting."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from tvcli.core.files.formats.annotation import Unusable, read_text

DEEPEST = 16  # levels of elements
DECLARED = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([\w.-]+)["']""")
# Encodings of several bytes a character, which expat leaves to others.
WIDE = ("gbk", "gb2312", "gb18030", "big5", "euc-jp", "shift_jis", "euc-kr", "cp949")


@dataclass(slots=True)
class Element:
    """An element with its attributes, text, and the elements in it; `line` is where it begins."""

    tag: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    parts: "list[Element]" = field(default_factory=list)

    def find(self, tag: str) -> "Element | None":
        """Return the first element of a tag right inside."""
        return next((part for part in self.parts if part.tag == tag), None)

    def all(self, tag: str) -> "list[Element]":
        """Return the elements of a tag right inside."""
        return [part for part in self.parts if part.tag == tag]

    def text_of(self, tag: str) -> str:
        """Return the text of the first element of a tag right inside, or nothing."""
        part = self.find(tag)
        return part.text.strip() if part else ""


def parse(file: Path) -> Element:
    """Return the root element of an XML file.

    Raises:
        Unusable: not XML, of an encoding that is not known, nested too deeply, or with a document
            type: so a file cannot grow when it is read, nor name another one.
    """
    top = Element("", 0)
    stack = [top]
    data = _content(file)
    parser = expat.ParserCreate()

    def place() -> str:
        return f"{file}:{parser.CurrentLineNumber}"

    def refuse(*_: object) -> NoReturn:
        raise Unusable(place(), "a document type: annotations have none")

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(stack) > DEEPEST:
            raise Unusable(place(), "nested too deeply")
        element = Element(tag, parser.CurrentLineNumber, attributes)
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
        parser.Parse(data, True)
    except expat.ExpatError as error:
        reason = f"not XML: {expat.ErrorString(error.code)}"
        raise Unusable(f"{file}:{error.lineno}", reason) from None
    except (ValueError, LookupError) as error:
        raise Unusable(place(), f"not XML: {error}") from None
    return top.parts[0]


def _content(file: Path) -> bytes | str:
    """Return what expat reads: bytes, or text where it does not know the encoding declared."""
    data = read_text(file)
    declared = DECLARED.match(data)
    encoding = declared[1].decode("ascii", "replace").lower() if declared else ""
    return data.decode(encoding, "replace") if encoding in WIDE else data
