import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.formats import FORMATS, BoxedPhoto, read_annotations, write_annotations

EXACT = {
    "jsonl": 1e-9,
    "coco": 1e-6,
    "via": 1e-6,
    "yolo": 1e-4,
    "voc": 1.01,
    "labelme": 1e-6,
    "cvat": 1e-6,
}  # pixels
SUFFIX = {
    "jsonl": "b.jsonl",
    "coco": "b.json",
    "via": "b.json",
    "yolo": "b",
    "voc": "b",
    "labelme": "b",
    "cvat": "b.xml",
}


@st.composite
def boxed(draw: st.DrawFn) -> list[BoxedPhoto]:
    photos = []
    for number in range(draw(st.integers(1, 3))):
        width, height = draw(st.integers(20, 900)), draw(st.integers(20, 900))
        photo = BoxedPhoto(f"{number}.jpg", Path(f"{number}.jpg"), width, height)
        for _ in range(draw(st.integers(0, 3))):
            x0, y0 = draw(st.floats(0, width - 5)), draw(st.floats(0, height - 5))
            x1, y1 = draw(st.floats(x0 + 3, width)), draw(st.floats(y0 + 3, height))
            label = draw(st.sampled_from(["cat", "a < b & c", "größe", "two words"]))
            photo.objects.append(((x0, y0, x1, y1), label))
        photos.append(photo)
    return photos


@pytest.mark.parametrize("name", sorted(FORMATS))
@given(photos=boxed())
@settings(max_examples=25)
def test_round_trips(
    name: str, photos: list[BoxedPhoto], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp(name) / SUFFIX[name]
    write_annotations(path, photos, name)
    found = list(read_annotations(path, name))
    if name == "labelme":  # it names photos by where they lie
        found = [replace(a, image=Path(a.image).name) for a in found]
    called = {photo.image.removesuffix(".jpg" if name == "yolo" else ""): photo for photo in photos}
    assert {a.image for a in found} == set(called)
    for image, photo in called.items():
        mine = [a for a in found if a.image == image and a.box is not None]
        assert [a.label for a in mine] == [label for _, label in photo.objects]
        for annotation, (box, _) in zip(mine, photo.objects, strict=True):
            scale = (photo.width, photo.height) * 2 if annotation.normalised else (1, 1, 1, 1)
            read = [side * by for side, by in zip(annotation.box, scale, strict=True)]
            assert read == pytest.approx(list(box), abs=EXACT[name])


def test_voc_counts_pixels_from_one(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(
        "<annotation><filename>a.jpg</filename><size><width>10</width><height>8</height></size>\n"
        "<object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>10</xmax><ymax>4</ymax>"
        "</bndbox></object></annotation>"
    )
    (annotation,) = read_annotations(tmp_path, "voc")
    assert annotation.box == [0, 1, 10, 4]
    assert annotation.size == (10, 8)
    assert annotation.where == f"{tmp_path / 'a.xml'}:2"


def test_xml_that_grows_or_points_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(
        '<!DOCTYPE a [<!ENTITY x "xx"><!ENTITY y SYSTEM "file:///etc/passwd">]>\n'
        "<annotation><filename>&x;&y;</filename></annotation>"
    )
    with pytest.raises(BadInput, match=r"a\.xml:1: a document type"):
        list(read_annotations(tmp_path, "voc"))


def test_xml_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<a>" * 5000)
    with pytest.raises(BadInput, match="nested too deeply"):
        list(read_annotations(tmp_path, "voc"))


@pytest.mark.parametrize(
    ("name", "file", "text", "message"),
    [
        ("voc", "a.xml", "<annotation>\n<object>", "a.xml:2: not XML"),
        ("voc", "a.xml", "<html/>", "a.xml:1: <html> where VOC has <annotation>"),
        ("voc", "a.xml", "<annotation/>", "a.xml:1: no <filename>"),
        ("yolo", "a.txt", "\n0 .5 x", "a.txt:2: not a line of YOLO's"),
        ("coco", "a.json", "[]", "not COCO"),
        ("coco", "a.json", "{", "not JSON"),
        (
            "coco",
            "a.json",
            '{"images": [], "annotations": [{"image_id": 4}]}',
            "annotation 1: image_id 4 is not among the images",
        ),
        ("via", "a.json", '{"a": 1}', "not VIA"),
        (
            "via",
            "a.json",
            '{"a": {"filename": "a.jpg", "regions": [{"shape_attributes": {"name": "circle"}, '
            '"region_attributes": {}}]}}',
            "a.jpg, region 1: a circle",
        ),
        ("jsonl", "a.jsonl", '{"box": [1, 2, 3, 4]}', 'a.jsonl:1: a record needs an "image"'),
        ("jsonl", "a.jsonl", '{"image": "p", "label": ["x"]}', 'a.jsonl:1: "label" must be text'),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, name: str, file: str, text: str, message: str
) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(BadInput) as caught:
        list(read_annotations(tmp_path / file, name))
    assert message in str(caught.value)


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_in_another_format_is_told_by_its_content(tmp_path: Path, name: str) -> None:
    target = tmp_path / SUFFIX[name]
    boxes = [((1.0, 2.0, 9.0, 8.0), "dress")]
    write_annotations(target, [BoxedPhoto("a.jpg", Path("a.jpg"), 20, 20, boxes)], name)
    if name == "jsonl":
        assert len(list(read_annotations(target, "jsonl"))) == 1
        target.write_text('{"boxes": 3}\n')
        with pytest.raises(BadInput, match='a record needs an "image"'):
            list(read_annotations(target, "jsonl"))
        return
    with pytest.raises(BadInput, match=f"looks like {name}, add --from {name}"):
        list(read_annotations(target, "jsonl"))


def test_unknown_format() -> None:
    with pytest.raises(UsageError, match="--from csv"):
        read_annotations(Path("x"), "csv")


def test_coco_crowds_are_left_out_and_photos_alone_are_kept(tmp_path: Path) -> None:
    content = {
        "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
        "annotations": [{"image_id": 1, "bbox": [0, 0, 4, 4], "iscrowd": 1}],
        "categories": [],
    }
    (tmp_path / "c.json").write_text(json.dumps(content))
    found = list(read_annotations(tmp_path / "c.json", "coco"))
    assert [(a.image, a.box) for a in found] == [("b.jpg", None)]
