"""Keywords in sidecars: what others wrote stays byte for byte, or the file is left alone."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tvcli.core.errors import BadInput
from tvcli.core.files.xmp_sidecar import DC, RDF, add_subjects

# As darktable writes it: an attribute each, a history, and keywords in a Seq or a Bag.
DARKTABLE = """<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:darktable="http://darktable.sf.net/"
   darktable:xmp_version="5"
   darktable:note="two&#xA;lines > one">
   <dc:subject>
    <rdf:Seq>
     <rdf:li>holiday</rdf:li>
    </rdf:Seq>
   </dc:subject>
   <darktable:history><rdf:Seq><rdf:li darktable:num="0"/></rdf:Seq></darktable:history>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""
# As Lightroom writes it: one description without content, other prefixes, a packet around it.
LIGHTROOM = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<r:Description r:about='' xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
 crs:Look="a/b>c" crs:Exposure="+0.5"/></r:RDF></x:xmpmeta><?xpacket end="w"?>"""
DIGIKAM = LIGHTROOM.replace(
    "/></r:RDF>",
    "><d:subject xmlns:d='http://purl.org/dc/elements/1.1/'><r:Bag/></d:subject>"
    "</r:Description></r:RDF>",
)


def subjects(sidecar: Path) -> list[str | None]:
    items = ElementTree.parse(sidecar).iter(f"{{{DC}}}subject")
    return [li.text for subject in items for li in subject.iter(f"{{{RDF}}}li")]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return tmp_path / "a.jpg"


def test_a_new_sidecar_lies_where_photo_managers_look_and_holds_what_it_is_given(
    photo: Path,
) -> None:
    assert add_subjects(photo, ["R&D <milk>", "two\nlines\x07", "R&D <milk>"])
    sidecar = photo.with_name("a.jpg.xmp")
    assert subjects(sidecar) == ["R&D <milk>", "two lines"]
    before = sidecar.read_bytes()
    assert not add_subjects(photo, ["two lines"])
    assert sidecar.read_bytes() == before
    assert [path.name for path in photo.parent.iterdir()] == ["a.jpg.xmp"]


@pytest.mark.parametrize(
    ("text", "kept"), [(DARKTABLE, ["holiday"]), (LIGHTROOM, []), (DIGIKAM, [])]
)
def test_what_others_wrote_stays_byte_for_byte(photo: Path, text: str, kept: list[str]) -> None:
    sidecar = photo.with_name("a.jpg.xmp")
    sidecar.write_text(text)
    assert add_subjects(photo, ["milk", *kept])
    assert subjects(sidecar) == [*kept, "milk"]
    after = sidecar.read_text()
    for part in text.split("/>") if not kept else text.split("    </rdf:Seq>\n   </dc:subject>"):
        assert part in after
    assert add_subjects(photo, ["juice"])
    assert subjects(sidecar) == [*kept, "milk", "juice"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"not xml", "not XMP"),
        (b"<a/>", "rdf:Description"),
        (LIGHTROOM.encode("utf-16"), "UTF-8"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]>' + LIGHTROOM[60:].encode(), "document type"),
        (DIGIKAM.replace("<r:Bag/>", "milk").encode(), "not known"),
        (b"<a>" * 100 + b"</a>" * 100, "nested"),
    ],
)
def test_what_is_not_understood_is_left_alone(photo: Path, content: bytes, reason: str) -> None:
    sidecar = photo.with_name("a.jpg.xmp")
    sidecar.write_bytes(content)
    with pytest.raises(BadInput, match=reason):
        add_subjects(photo, ["milk"])
    assert sidecar.read_bytes() == content


def test_a_link_is_not_followed(photo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text(LIGHTROOM)
    photo.with_name("a.jpg.xmp").symlink_to(other)
    with pytest.raises(BadInput, match="no plain file"):
        add_subjects(photo, ["milk"])
    assert other.read_text() == LIGHTROOM
