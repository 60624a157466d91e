"""XMP sidecars: keywords of a photo (`dc:subject`) in the file beside it that photo managers read.

The sidecar of `photo.jpg` is `photo.jpg.xmp`, as darktable and digiKam name it. What is there stays
byte for byte: a parser finds the place where keywords belong, and they are put in there. ISO
16684-1:2019, "Extensible metadata platform (XMP)", sections 7 and 8.3.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from tvcli.core.errors import BadInput
from tvcli.core.files.atomic_write import atomic_write

RDF, DC = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "http://purl.org/dc/elements/1.1/"
SUBJECT = f"{DC} subject"
CONTAINERS = (f"{RDF} Bag", f"{RDF} Seq")
LARGEST = 16 * 2**20  # bytes of a sidecar, which has a few thousand
DEEPEST = 64  # levels of elements
TAG = re.compile(rb"""<([^\s/>]+)(?:\s+[^\s=]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*(/?)>""")
NEW = f"""\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="tv">
 <rdf:RDF xmlns:rdf="{RDF}">
  <rdf:Description rdf:about=""/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>
"""


def sidecar_of(photo: Path) -> Path:
    """Return where the sidecar of a photo lies."""
    return photo.with_name(f"{photo.name}.xmp")


def add_subjects(photo: Path, subjects: Iterable[str]) -> bool:
    """Add keywords to the sidecar of a photo, made where there is none; tell whether any was new.

    Raises:
        BadInput: a sidecar is there that is not XMP in UTF-8, or keeps keywords in another way; it
            stays as it is.
        OSError: it cannot be read or written.
    """
    sidecar = sidecar_of(photo)
    if sidecar.is_symlink() or (sidecar.exists() and not sidecar.is_file()):
        raise BadInput(f"{sidecar}: is no plain file, and is left alone")
    before = _content(sidecar) if sidecar.exists() else NEW.encode()
    kept = _read(before, sidecar)
    wanted = [one for one in dict.fromkeys(map(_plain, subjects)) if one not in kept.subjects]
    if not wanted:
        return False
    after = _with(before, kept, wanted)
    if _read(after, sidecar).subjects != kept.subjects | set(wanted):
        raise BadInput(f"{sidecar}: keeps keywords in a way that is not known; it is left alone")
    with atomic_write(sidecar) as partial:
        partial.write_bytes(after)
    return True


@dataclass(slots=True)
class _Kept:
    """What a sidecar says: its keywords, and where the tags begin that more belong into.

    `container` is the first list of keywords, `description` the first description: the offsets of
    their opening and closing tags.
    """

    subjects: set[str] = field(default_factory=set)
    container: list[int] = field(default_factory=list)
    description: list[int] = field(default_factory=list)


def _content(sidecar: Path) -> bytes:
    if sidecar.stat().st_size > LARGEST:
        raise BadInput(f"{sidecar}: larger than {LARGEST >> 20} MiB; it is left alone")
    return sidecar.read_bytes()


def _read(data: bytes, sidecar: Path) -> _Kept:
    """Return what a sidecar says; raises BadInput where it is not XMP, or has a document type."""
    kept = _Kept()
    path: list[str] = []  # the elements that are open
    text: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")

    def refuse(*_: object) -> NoReturn:
        raise BadInput(f"{sidecar}: has a document type, which XMP has not; it is left alone")

    def place_of(tag: str) -> list[int] | None:
        """Return where the tags are noted of an element that is open, or just closed."""
        if tag in CONTAINERS and path[-1:] == [SUBJECT]:
            return kept.container
        inside = tag == f"{RDF} Description" and path[-1:] == [f"{RDF} RDF"]
        return kept.description if inside else None

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(path) >= DEEPEST or SUBJECT in attributes:
            raise BadInput(f"{sidecar}: keywords that are no list, or nested too deeply")
        if (place := place_of(tag)) is not None and not place:
            place.append(parser.CurrentByteIndex)
        path.append(tag)
        text.clear()

    def end(tag: str) -> None:
        path.pop()
        if tag == f"{RDF} li" and path[-2:-1] == [SUBJECT] and path[-1] in CONTAINERS:
            kept.subjects.add("".join(text).strip())
        if tag == SUBJECT and not kept.container:
            raise BadInput(f"{sidecar}: keeps keywords in a way that is not known")
        if (place := place_of(tag)) is not None and len(place) == 1:
            place.append(parser.CurrentByteIndex)
        text.clear()

    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    try:
        data.decode("utf-8")  # places are counted in its bytes
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise BadInput(f"{sidecar}: not XMP in UTF-8: {error}; it is left alone") from None
    if not kept.description:
        raise BadInput(f"{sidecar}: not XMP: it has no rdf:Description; it is left alone")
    return kept


def _with(data: bytes, kept: _Kept, subjects: list[str]) -> bytes:
    """Return a sidecar with more keywords: in its list, or in a new one in its description."""
    from xml.sax.saxutils import escape  # brings urllib and http

    item = f'<rdf:li xmlns:rdf="{RDF}">'
    items = "".join(f"{item}{escape(subject)}</rdf:li>" for subject in subjects)
    if kept.container:
        return _into(data, kept.container, items)
    bag = f'<rdf:Bag xmlns:rdf="{RDF}">{items.replace(item, "<rdf:li>")}</rdf:Bag>'
    return _into(data, kept.description, f'<dc:subject xmlns:dc="{DC}">{bag}</dc:subject>')


def _into(data: bytes, tags: list[int], more: str) -> bytes:
    """Put something at the end of the element whose two tags begin at some offsets.

    An element without content, `<a/>`, is opened.
    """
    opening, closing = tags
    tag = TAG.match(data, opening)
    if tag and tag[2]:
        opened = data[opening : tag.start(2)] + b">" + more.encode() + b"</" + tag[1] + b">"
        return data[:opening] + opened + data[tag.end() :]
    return data[:closing] + more.encode() + data[closing:]


def _plain(subject: str) -> str:
    """Return a keyword as XML can hold it: one line, without control characters."""
    shown = "".join(c if c.isprintable() else " " for c in subject)
    return " ".join(shown.encode("utf-8", "replace").decode("utf-8").split())
