"""Boxes of annotations as people have them: on the right photo, or skipped by name and counted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.formats import (
    BoxedPhoto,
    annotation_lines,
    read_annotations,
    write_annotations,
)
from tvcli.core.files.formats.outlines import around_mask
from tvcli.core.images.annotations import boxed_photos
from tvcli.core.reports import Report

Found = list[tuple[str, list[float], str]]
Tv = Callable[..., Any]


class Listening(Report):
    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    @property
    def said(self) -> list[str]:
        return [f"{skip.image}: {skip.reason}" for skip in self.skipped]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def photos(*names: str, size: tuple[int, int] = (640, 426)) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size).save(name)


def wrote(name: str, content: Any) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def boxes(path: Path, format: str, root: str | None = None) -> tuple[Found, Listening]:
    """Return the boxes of annotations on the photos found, and what was said."""
    report = Listening()
    annotations = read_annotations(path, format, report)
    read = boxed_photos(annotations, Path.cwd(), report, Path(root) if root else None)
    found = [(p.image, list(box), label) for p in read for box, label in p.objects]
    rounded = [(image, [round(side, 3) for side in box], label) for image, box, label in found]
    return rounded, report


def coco(*annotations: Any, images: Any = None, categories: Any = None) -> dict[str, Any]:
    images = [{"id": 1, "file_name": "p.jpg"}] if images is None else images
    categories = [{"id": 7, "name": "cat"}] if categories is None else categories
    return {"images": images, "categories": categories, "annotations": list(annotations)}


def voc(name: str, box: str = "1,2,30,40", more: str = "") -> str:
    sides = zip(("xmin", "ymin", "xmax", "ymax"), box.split(","), strict=True)
    inner = "".join(f"<{side}>{value}</{side}>" for side, value in sides)
    named = f"<filename>{name}</filename>{more}"
    return (
        f"<annotation>{named}<object><name>cat</name><bndbox>{inner}</bndbox></object></annotation>"
    )


# YOLO


@pytest.mark.parametrize(
    ("line", "box"),
    [
        ("1 0.3 0.3 0.5 0.3 0.4 0.6", [192, 127.8, 320, 255.6]),
        ("1 0.3 0.3 0.5 0.3 0.4 0.6 0.9", [192, 127.8, 320, 255.6]),  # with a confidence
        ("1 0.1 0.2 0.3 0.1 0.4 0.3 0.2 0.4", [64, 42.6, 256, 170.4]),  # four corners
        ("1 0.5 0.5 0.2 0.2 0.93", [256, 170.4, 384, 255.6]),
        ("1.0 0.5 0.5 0.2 0.2", [256, 170.4, 384, 255.6]),
    ],
)
def test_yolo_lines_by_how_many_numbers_they_have(place: Path, line: str, box: list[float]) -> None:
    photos("a.jpg")
    wrote("classes.txt", "dog\ncat\n")
    assert boxes(wrote("a.txt", f"{line}\n"), "yolo")[0] == [("a.jpg", box, "cat")]


def test_yolo_poses_are_boxes_and_key_points(place: Path) -> None:
    photos("images/a.jpg")
    wrote("data.yaml", "kpt_shape: [2, 3]\nnames: [cat]\n")
    wrote("labels/a.txt", "0 0.5 0.5 0.2 0.2 0.1 0.1 2 0.9 0.9 2\n")
    found, _ = boxes(Path("labels"), "yolo")
    assert found == [("images/a.jpg", [256, 170.4, 384, 255.6], "cat")]


@pytest.mark.parametrize("names", ["names: [dog, cat]", "names:\n  0: dog\n  1: cat"])
@pytest.mark.parametrize("layout", ["images/train:labels/train", "train/images:train/labels"])
@pytest.mark.parametrize("named", ["labels", "."])
def test_yolo_datasets(place: Path, names: str, layout: str, named: str) -> None:
    images, labels = layout.split(":")
    photos(f"{images}/a.JPG")
    wrote("data.yaml", f"path: .\ntrain: {images}\n{names}\n")
    wrote("README.roboflow.txt", "A dataset\nof 1 0.5 photos\n")
    wrote("train.txt", f"./{images}/a.JPG\n")
    wrote(f"{labels}/a.txt", "\ufeff1 0.5 0.5 0.2 0.2\n")
    top = Path(named) if named == "." or labels.startswith("labels") else Path(labels)
    found, report = boxes(top, "yolo")
    assert found == [(f"{images}/a.JPG", [256, 170.4, 384, 255.6], "cat")]
    assert report.said == []


def test_yolo_texts_beside_labels_are_skipped_by_name(place: Path) -> None:
    photos("a.jpg", "b.jpg")
    wrote("a.txt", "0 0.5 0.5 0.2 0.2\nhello\n-1 0.5 0.5 0.2 0.2\n0.0 0.5 0.5 0.4 0.2\n")
    wrote("b.txt", "")
    wrote("README.txt", "Photos of dogs.\n")
    found, report = boxes(place, "yolo")
    assert [label for _, _, label in found] == ["0", "", "0"]
    assert sorted(report.said) == [
        f"{place}/README.txt:1: not a line of YOLO's: class x y width height",
        f"{place}/a.txt:2: not a line of YOLO's: class x y width height",
    ]


def test_a_broken_data_yaml_leaves_the_numbers(place: Path) -> None:
    photos("a.jpg")
    wrote("data.yaml", "names: [a, b\npath: {")
    wrote("a.txt", "1 0.5 0.5 0.2 0.2\n")
    found, report = boxes(Path("a.txt"), "yolo")
    assert found == [("a.jpg", [256, 170.4, 384, 255.6], "1")]
    (said,) = report.said
    assert said.startswith("data.yaml: not YAML")


def test_a_data_yaml_that_would_grow_is_read_in_no_time(place: Path) -> None:
    photos("a.jpg")
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 30)]
    wrote("data.yaml", "\n".join([*lines, "names: [dog]"]))
    wrote("a.txt", "0 0.5 0.5 0.2 0.2\n")
    assert boxes(Path("a.txt"), "yolo")[0] == [("a.jpg", [256, 170.4, 384, 255.6], "dog")]


# the same name in two folders


@pytest.mark.parametrize("root", [None, "images"])
def test_yolo_names_that_two_folders_have(place: Path, root: str | None) -> None:
    photos("images/x/a.jpg", "images/y/a.jpg")
    wrote("labels/x/a.txt", "0 0.5 0.5 0.2 0.2\n")
    wrote("labels/y/a.txt", "1 0.5 0.5 0.4 0.4\n")
    expected = [
        ("images/x/a.jpg", [256, 170.4, 384, 255.6], "0"),
        ("images/y/a.jpg", [192, 127.8, 448, 298.2], "1"),
    ]
    assert boxes(Path("labels"), "yolo", root)[0] == expected


@pytest.mark.parametrize("root", [None, "images"])
def test_voc_names_that_two_folders_have(place: Path, root: str | None) -> None:
    photos("images/x/a.jpg", "images/y/a.jpg")
    wrote("annotations/x/a.xml", voc("a.jpg", "1,1,10,10"))
    wrote("annotations/y/a.xml", voc("a.jpg", "1,1,20,20"))
    assert boxes(Path("annotations"), "voc", root)[0] == [
        ("images/x/a.jpg", [0, 0, 10, 10], "cat"),
        ("images/y/a.jpg", [0, 0, 20, 20], "cat"),
    ]


def test_one_photo_that_two_names_may_be_gets_no_boxes(place: Path) -> None:
    photos("flat/a.jpg", "flat/b.jpg")
    images = [
        {"id": n, "file_name": name} for n, name in enumerate(["x/a.jpg", "y/a.jpg", "z/b.jpg"])
    ]
    content = coco(*({"image_id": n, "bbox": [1, 1, 5, 5]} for n in range(3)), images=images)
    found, report = boxes(wrote("c.json", content), "coco", "flat")
    assert found == [("flat/b.jpg", [1, 1, 6, 6], "")]
    (said,) = report.said
    assert said.startswith("flat/a.jpg: may be x/a.jpg or y/a.jpg: name a --root that has both")


@pytest.mark.parametrize("format", ["voc", "yolo"])
def test_folders_are_kept_on_the_way_out_and_back(place: Path, format: str) -> None:
    photos("in/a/1.jpg", "in/b/1.jpg")
    given = [
        BoxedPhoto(f"in/{name}/1.jpg", Path(f"in/{name}/1.jpg"), 640, 426, [(box, "cat")])
        for name, box in (("a", (0.0, 0.0, 64.0, 42.0)), ("b", (1.0, 1.0, 128.0, 84.0)))
    ]
    report = Listening()
    write_annotations(Path("out"), given, format, report)
    assert report.skips == 0
    found, _ = boxes(Path("out"), format, "in")
    assert found == [
        (p.image, [pytest.approx(s, abs=0.01) for s in p.objects[0][0]], "cat") for p in given
    ]


def test_photos_whose_yolo_labels_would_be_one_file_are_named(place: Path) -> None:
    photos("1.jpg", "1.png")
    given = [
        BoxedPhoto(n, Path(n), 640, 426, [((0.0, 0.0, 9.0, 9.0), "x")]) for n in ("1.jpg", "1.png")
    ]
    report = Listening()
    write_annotations(Path("out"), given, "yolo", report)
    assert report.said == ["1.png: its labels would be those of 1.jpg"]
    assert write_annotations(Path("again"), given, "yolo", report) == 1  # boxes
    assert write_annotations(Path("xml"), given, "voc", report) == 2
    assert [image for image, _, _ in boxes(Path("xml"), "voc", ".")[0]] == ["1.jpg", "1.png"]


def test_a_line_break_in_a_label_shifts_no_class(place: Path) -> None:
    photos("a.jpg")
    objects = [((0.0, 0.0, 64.0, 42.0), label) for label in ("a\nb", "c\u2028d", "e\x85f", "z")]
    write_annotations(Path("out"), [BoxedPhoto("a.jpg", Path("a.jpg"), 640, 426, objects)], "yolo")
    assert [label for _, _, label in boxes(Path("out"), "yolo", ".")[0]] == [
        "a b",
        "c d",
        "e f",
        "z",
    ]


# COCO


def test_coco_ids_are_the_same_as_numbers_and_as_text(place: Path) -> None:
    photos("p.jpg", "q.jpg", "r.jpg")
    images = [{"id": i, "file_name": f"{n}.jpg"} for i, n in ((1.0, "p"), ("2", "q"), (3, "r"))]
    items = [{"image_id": i, "category_id": 7.0, "bbox": [1, 1, 4, 4]} for i in (1, 2, "3")]
    found, report = boxes(wrote("c.json", coco(*items, images=images)), "coco")
    assert found == [(f"{n}.jpg", [1, 1, 5, 5], "cat") for n in "pqr"]
    assert report.said == []


def test_coco_items_that_are_no_box_are_named_and_the_rest_is_read(place: Path) -> None:
    photos("p.jpg")
    items = [
        {"image_id": 1, "category_id": 7, "bbox": [1, 1, 4, 4]},
        {"image_id": 9, "category_id": 7, "bbox": [1, 1, 4, 4]},
        {"image_id": 1, "category_id": 7, "bbox": [0, 0, 9, 9], "iscrowd": 1},
        {"image_id": 1, "category_id": 7, "keypoints": [1, 2, 2]},
        {"image_id": 1, "category_id": 7, "bbox": [1, 1, 0, 4]},
        5,
        {"image_id": 1, "category_id": 8, "bbox": [1, 1, 4, 4]},
        {
            "image_id": 1,
            "category_id": 7,
            "segmentation": [[9, 5, 20, 5, 20, 30], [4, 9, 5, 9, 5, 10]],
        },
        {
            "image_id": 1,
            "category_id": 7,
            "bbox": [],
            "segmentation": {"size": [426, 640], "counts": [430, 3, 423, 2]},
        },
    ]
    found, report = boxes(wrote("c.json", coco(*items)), "coco")
    assert found == [
        ("p.jpg", [1, 1, 5, 5], "cat"),
        ("p.jpg", [1, 1, 5, 5], "8"),
        ("p.jpg", [4, 5, 20, 30], "cat"),
        ("p.jpg", [1, 4, 3, 7], "cat"),
    ]
    assert [said.replace("p.jpg: ", "") for said in report.said] == [
        "c.json: annotation 2: image_id 9 is not among the images",
        "c.json: annotation 3: a crowd, no single object",
        "c.json: annotation 4: has neither a bbox nor a segmentation",
        "c.json: item 6 of annotations: not an object",
        "c.json: annotation 5: box [1.0, 1.0, 1.0, 5.0] is empty or inverted",
    ]
    assert report.notes == ["1 boxes of categories without a name: labelled by their number"]


def test_coco_masks_are_bounded_as_pycocotools_bounds_them() -> None:
    for number, polygon in enumerate(
        ([10, 10, 60, 12, 50, 80], [0, 0, 99, 0, 99, 49, 0, 49], [3.5, 7, 90, 7, 90, 8.5])
    ):
        (mask,) = coco_mask.frPyObjects([polygon], 100, 120)
        x, y, width, height = coco_mask.toBbox(mask)
        text = {"size": mask["size"], "counts": mask["counts"].decode()}
        assert around_mask(text) == [x, y, x + width, y + height], number


@pytest.mark.parametrize("side", ["nan", "inf", -1, True, "x"])
def test_sizes_that_are_none_are_not_gone_by(place: Path, side: object) -> None:
    photos("p.jpg")
    images = [{"id": 1, "file_name": "p.jpg", "width": side, "height": 426}]
    item = {"image_id": 1, "category_id": 7, "bbox": [1, 1, 4, 4]}
    found, report = boxes(wrote("c.json", coco(item, images=images)), "coco")
    assert (found, report.said) == ([("p.jpg", [1, 1, 5, 5], "cat")], [])


def test_coco_images_of_one_id_get_no_boxes(place: Path) -> None:
    photos("p.jpg", "q.jpg", "r.jpg")
    images = [{"id": i, "file_name": f"{n}.jpg"} for i, n in ((1, "p"), (1, "q"), (2, "r"))]
    items = [{"image_id": i, "category_id": 7, "bbox": [1, 1, 4, 4]} for i in (1, 2)]
    found, report = boxes(wrote("c.json", coco(*items, images=images)), "coco")
    assert found == [("r.jpg", [1, 1, 5, 5], "cat")]
    assert report.said == ["c.json: annotation 1: two images have its image_id"]


@pytest.mark.parametrize(
    ("file", "photo"),
    [
        ("annotations/instances_val2017.json", "val2017/p.jpg"),
        ("annotations/instances_train.json", "images/train/p.jpg"),
        ("annotations/train.json", "train/p.jpg"),
        ("annotations/c.json", "images/p.jpg"),
        ("train/_annotations.coco.json", "train/p.jpg"),
        ("c.json", "p.jpg"),
    ],
)
def test_usual_layouts_are_found(place: Path, file: str, photo: str) -> None:
    photos(photo, "images/test/p.jpg")
    wrote(file, coco({"image_id": 1, "category_id": 7, "bbox": [1, 1, 4, 4]}))
    assert boxes(Path(file), "coco")[0] == [(photo, [1, 1, 5, 5], "cat")]


@pytest.mark.parametrize("format", ["coco", "via", "jsonl"])
@pytest.mark.parametrize("target", ["out.json", "deep/er/out.json", "photos/out.json"])
def test_what_was_written_is_found_again_under_a_root(
    place: Path, format: str, target: str
) -> None:
    photos("photos/a/1.jpg", "photos/b/1.jpg")
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    base = Path(target).parent
    given = []
    for name in ("a", "b"):
        path = Path(f"photos/{name}/1.jpg")
        image = Path("..", *[".."] * (len(base.parts) - 1), path) if base.parts else path
        given.append(BoxedPhoto(str(image), path, 640, 426, [((1.0, 1.0, 9.0, 9.0), name)]))
    write_annotations(Path(target), given, format)
    Path("photos").rename("moved") if target != "photos/out.json" else None
    root, target = ("photos", target) if target == "photos/out.json" else ("moved", target)
    expected = [(f"{root}/{name}/1.jpg", [1, 1, 9, 9], name) for name in ("a", "b")]
    assert boxes(Path(target), format, root)[0] == expected


def test_windows_paths_are_found_under_a_root(place: Path) -> None:
    photos("photos/sub/p.jpg")
    images = [{"id": 1, "file_name": "C:\\data\\sub\\p.jpg"}]
    content = coco({"image_id": 1, "category_id": 7, "bbox": [1, 1, 4, 4]}, images=images)
    assert boxes(wrote("c.json", content), "coco", "photos")[0] == [
        ("photos/sub/p.jpg", [1, 1, 5, 5], "cat")
    ]


# VIA


def test_via_shapes_are_bounded_by_their_boxes(place: Path) -> None:
    photos("p.jpg")
    shapes = [
        {"name": "rect", "x": 10, "y": 20, "width": 100, "height": 120},
        {"name": "polygon", "all_points_x": [10, 60, 60], "all_points_y": [10, 10, 80]},
        {"name": "circle", "cx": 50, "cy": 50, "r": 20},
        {"name": "ellipse", "cx": 50, "cy": 50, "rx": 20, "ry": 10},
        {"name": "point", "cx": 50, "cy": 50},
        {"name": "polygon", "all_points_x": [10]},
    ]
    kinds = [{"type": "raccoon"}, {}, {"kind": {"cat": True, "dog": False}}, {}, {}, {}]
    regions = [
        {"shape_attributes": shape, "region_attributes": kind}
        for shape, kind in zip(shapes, kinds, strict=True)
    ]
    content = {"p.jpg1": {"filename": "p.jpg", "regions": regions}, "x": 7}
    found, report = boxes(wrote("v.json", content), "via")
    assert found == [
        ("p.jpg", [10, 20, 110, 140], "raccoon"),
        ("p.jpg", [10, 10, 60, 80], ""),
        ("p.jpg", [30, 30, 70, 70], "cat"),
        ("p.jpg", [30, 40, 70, 60], ""),
    ]
    assert report.said == [
        "v.json: p.jpg, region 5: a point, which is no box",
        "v.json: p.jpg, region 6: a polygon without its numbers",
        "v.json: x: not a photo of VIA's",
    ]


# VOC


def test_one_bad_voc_file_does_not_refuse_the_others(place: Path) -> None:
    photos("a.jpg", "猫.jpg")
    wrote("a.xml", voc("a.jpg"))
    wrote("cut.xml", voc("a.jpg")[:50])
    wrote("foreign.xml", "<html/>")
    wrote("gbk.xml", ('<?xml version="1.0" encoding="GBK"?>' + voc("猫.jpg")).encode("gbk"))
    wrote("unknown.xml", '<?xml version="1.0" encoding="x-none"?>' + voc("a.jpg"))
    found, report = boxes(place, "voc")
    assert found == [("a.jpg", [0, 1, 30, 40], "cat"), ("猫.jpg", [0, 1, 30, 40], "cat")]
    assert [said.removeprefix(f"{place}/").split(": ")[0] for said in report.said] == [
        "cut.xml:1",
        "foreign.xml:1",
        "unknown.xml:1",
    ]


@pytest.mark.parametrize(
    ("filename", "more", "photo"),
    [
        ("b", "", "b.jpg"),
        ("b.jpg", "<path>/home/who/b.jpg</path>", "b.jpg"),
        ("c.jpg", "<path>C:\\data\\a.jpg</path>", "a.jpg"),  # with the file's own name
        ("b.jpg", "<path>/home/who/c.jpg</path>", "b.jpg"),
        ("", "<path>/home/who/b.jpg</path>", "b.jpg"),
        ("gone.jpg", "", "a.jpg"),
    ],
)
def test_the_photo_of_a_voc_file(place: Path, filename: str, more: str, photo: str) -> None:
    photos("a.jpg", "b.jpg", "c.jpg")
    wrote("a.xml", voc(filename, more=more))
    assert boxes(Path("a.xml"), "voc")[0] == [(photo, [0, 1, 30, 40], "cat")]


# what sticks out, and what is one stream


def test_boxes_that_stick_out_are_clipped_and_counted(place: Path) -> None:
    photos("p.jpg")
    items = [
        {"image_id": 1, "category_id": 7, "bbox": box}
        for box in ([-5, -5, 60, 60], [600, 0, 300, 9], [636, 0, 300, 9])
    ]
    found, report = boxes(wrote("c.json", coco(*items)), "coco")
    assert [box for _, box, _ in found] == [[0, 0, 55, 55], [600, 0, 640, 9]]
    assert report.notes == ["2 boxes stuck out of their photos and were clipped to them"]
    assert "sticks out of the photo (640 x 426)" in report.said[0]


@pytest.mark.parametrize("format", ["coco", "via"])
def test_one_line_holds_all_of_a_format_of_one_object(place: Path, format: str) -> None:
    given = [BoxedPhoto("a.jpg", Path("a.jpg"), 64, 42, [((0.0, 0.0, 9.0, 9.0), "x")])]
    (line,) = annotation_lines(given, format)
    path = wrote("x.json", line)
    assert [(a.image, a.box) for a in read_annotations(path, format)] == [("a.jpg", [0, 0, 9, 9])]


def test_folders_are_no_streams() -> None:
    with pytest.raises(UsageError, match="--to voc writes a folder of files: name it by -o"):
        annotation_lines([], "voc")


# labelme and CVAT


def test_labelme_shapes_are_bounded_by_their_boxes(place: Path) -> None:
    photos("images/p.jpg")
    shapes = [
        {"label": "cat", "shape_type": "rectangle", "points": [[110, 140], [10, 20]]},
        {"label": "x", "shape_type": "polygon", "points": [[1, 1], [50, 1], [50, 70]]},
        {"label": "o", "shape_type": "circle", "points": [[50, 50], [53, 54]]},
        {"label": "m", "shape_type": "mask", "points": [[10, 10], [19, 29]]},
        {"label": "old", "points": [[5, 6], [7, 8], [9, 1]]},
        {"label": "dot", "shape_type": "point", "points": [[5, 6]]},
        {"label": "none", "shape_type": "circle", "points": [[5, 6]]},
        7,
    ]
    wrote("marks/p.json", {"imagePath": "..\\images\\p.jpg", "imageWidth": 640, "shapes": shapes})
    wrote("marks/other.json", {"a": 1})
    found, report = boxes(Path("marks"), "labelme")
    assert found == [
        ("images/p.jpg", [10, 20, 110, 140], "cat"),
        ("images/p.jpg", [1, 1, 50, 70], "x"),
        ("images/p.jpg", [45, 45, 55, 55], "o"),
        ("images/p.jpg", [10, 10, 20, 30], "m"),
        ("images/p.jpg", [5, 1, 9, 8], "old"),
    ]
    assert report.said == [
        'marks/other.json: not labelme (an object with "shapes" and "imagePath")',
        "marks/p.json: shape 6: a point, which is no box",
        "marks/p.json: shape 7: a circle without its points",
        "marks/p.json: shape 8: not a shape of labelme's",
    ]


def test_cvat_shapes_are_bounded_by_their_boxes(place: Path) -> None:
    photos("images/p.jpg")
    shapes = """
      <box label="cat" xtl="10" ytl="20" xbr="110" ybr="140"/>
      <box label="turned" xtl="100" ytl="100" xbr="140" ybr="120" rotation="90"/>
      <polygon label="x" points="1,1;50,1;50,70"/>
      <ellipse label="e" cx="50" cy="50" rx="20" ry="10"/>
      <mask label="m" rle="1, 2" left="3" top="4" width="10" height="20"/>
      <points label="p" points="1,1"/>
      <tag label="t"/>
      <box label="none" xtl="10"/>"""
    image = f'<image id="0" name="p.jpg" width="640" height="426">{shapes}</image>'
    wrote("c.xml", f'<annotations>\n{image}<track id="0"/><image id="1"/></annotations>')
    found, report = boxes(Path("c.xml"), "cvat")
    assert found == [
        ("images/p.jpg", [10, 20, 110, 140], "cat"),
        ("images/p.jpg", [110, 90, 130, 130], "turned"),
        ("images/p.jpg", [1, 1, 50, 70], "x"),
        ("images/p.jpg", [30, 40, 70, 60], "e"),
        ("images/p.jpg", [3, 4, 13, 24], "m"),
    ]
    assert report.said == [
        "c.xml:10: a track of a video: export the task as CVAT for images",
        "c.xml:8: <points>, which is no box",
        "c.xml:10: a box without its numbers",
        "c.xml:10: it does not name its image",
    ]


@pytest.mark.parametrize("format", ["labelme", "cvat"])
def test_labelme_and_cvat_there_and_back(place: Path, format: str) -> None:
    photos("in/a/1.jpg", "in/b/1.jpg")
    given = [
        BoxedPhoto(
            f"in/{n}/1.jpg", Path(f"in/{n}/1.jpg"), 640, 426, [((1.5, 2.0, 9.0, 8.0), "<&\n'\">")]
        )
        for n in "ab"
    ]
    write_annotations(Path("out"), given, format)
    label = "<&\n'\">" if format == "labelme" else "<& '\">"
    expected = [(f"in/{n}/1.jpg", [1.5, 2, 9, 8], label) for n in "ab"]
    assert boxes(Path("out"), format)[0] == expected
    assert boxes(Path("out"), format, "in")[0] == expected


def test_cvat_subsets_are_folders_of_photos(place: Path) -> None:
    photos("images/Train/p.jpg", "images/Test/p.jpg")
    box = '<box label="cat" xtl="1" ytl="2" xbr="{}" ybr="9"/>'
    items = [
        f'<image name="p.jpg" subset="{subset}">{box.format(side)}</image>'
        for subset, side in (("Train", 10), ("Test", 20))
    ]
    wrote("c.xml", f"<annotations>{''.join(items)}</annotations>")
    assert boxes(Path("c.xml"), "cvat")[0] == [
        ("images/Test/p.jpg", [1, 2, 20, 9], "cat"),
        ("images/Train/p.jpg", [1, 2, 10, 9], "cat"),
    ]


def test_coco_panoptic_segments_are_boxes(place: Path) -> None:
    photos("p.jpg")
    segments = [{"category_id": 7, "bbox": [1, 2, 3, 4]}, {"category_id": 7}, 5]
    content = coco({"image_id": 1, "file_name": "p.png", "segments_info": segments})
    found, report = boxes(wrote("c.json", content), "coco")
    assert found == [("p.jpg", [1, 2, 4, 6], "cat")]
    assert [said.split(": ")[1] for said in report.said] == [
        "annotation 1, segment 2",
        "annotation 1, segment 3",
    ]


def test_yolo_labels_beside_a_folder_of_images(place: Path) -> None:
    photos("Images/1.jpg")
    wrote("obj.names", "cat\n")
    wrote("Annotations/1.txt", "0 0.5 0.5 0.2 0.2\n")
    for named in ("Annotations", "."):
        found, _ = boxes(Path(named), "yolo")
        assert found == [("Images/1.jpg", [256, 170.4, 384, 255.6], "cat")]


def test_a_labelme_file_that_names_itself_is_of_the_photo_beside_it(place: Path) -> None:
    photos("p.jpg")
    shapes = [{"label": "cat", "points": [[1, 2], [9, 2], [9, 8]]}]
    wrote("p.json", {"imagePath": "p.json", "shapes": shapes})
    assert boxes(Path("p.json"), "labelme")[0] == [("p.jpg", [1, 2, 9, 8], "cat")]


def test_annotations_of_which_no_photo_is_found_are_bad_input(place: Path) -> None:
    photos("there.jpg")
    lines = [{"image": name, "box": [1, 2, 30, 40]} for name in ("gone.jpg", "lost.jpg")]
    path = wrote("boxes.jsonl", "\n".join(map(json.dumps, lines)))
    with pytest.raises(
        BadInput, match=r"none of 2 photos could be used; .*gone\.jpg: not found"
    ) as told:
        boxes(path, "jsonl")
    assert str(told.value).endswith("; --root names the folder with the photos")
    path.write_text(path.read_text() + "\n" + json.dumps({**lines[0], "image": "there.jpg"}))
    found, report = boxes(path, "jsonl")
    assert [image for image, *_ in found] == ["there.jpg"] and report.skips == 2


@pytest.mark.parametrize("label", ["a\0b", "\ud800"])
def test_a_label_that_no_encodings_file_can_hold_is_skipped_by_name(
    place: Path, label: str
) -> None:
    photos("p.jpg")
    record = {"image": "p.jpg", "box": [1, 2, 30, 40], "label": 0}
    text = "\n".join(map(json.dumps, (record, record | {"label": label})))
    found, report = boxes(wrote("boxes.jsonl", text), "jsonl")
    assert found == [("p.jpg", [1, 2, 30, 40], "0")]
    assert len(report.said) == 1 and "boxes.jsonl:2: " in report.said[0]
    shapes = [
        {"label": name, "shape_type": "rectangle", "points": [[1, 2], [30, 40]]}
        for name in (0, label)
    ]
    found, report = boxes(wrote("p.json", {"shapes": shapes, "imagePath": "p.jpg"}), "labelme")
    assert found == [("p.jpg", [1, 2, 30, 40], "0")]
    assert len(report.said) == 1 and "its label must be text" in report.said[0]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400])
def test_a_number_that_is_none_refuses_no_other_box(place: Path, number: str) -> None:
    photos("p.jpg")
    good = {"image_id": 1, "category_id": 7, "bbox": [1, 2, 29, 38], "area": 8888}
    bad = good | {"bbox": [9999, 2, 29, 38]}
    text = json.dumps(coco(good, bad)).replace("8888", number).replace("9999", number)
    found, report = boxes(wrote("coco.json", text), "coco")
    assert found == [("p.jpg", [1, 2, 30, 40], "cat")]
    assert len(report.said) == 1 and "annotation 2: " in report.said[0]
    shape = {"name": "rect", "x": 1, "y": 2, "width": 29, "height": 38}
    regions = [{"shape_attributes": shape}, {"shape_attributes": shape | {"x": 9999}}]
    text = json.dumps({"a": {"filename": "p.jpg", "regions": regions}}).replace("9999", number)
    assert boxes(wrote("via.json", text), "via")[0] == [("p.jpg", [1, 2, 30, 40], "")]
    shapes = [
        {"label": "x", "shape_type": "rectangle", "points": [[side, 2], [30, 40]]}
        for side in (1, 9999)
    ]
    text = json.dumps({"shapes": shapes, "imagePath": "p.jpg"}).replace("9999", number)
    assert boxes(wrote("labelme.json", text), "labelme")[0] == [("p.jpg", [1, 2, 30, 40], "x")]


def test_a_name_that_is_no_utf_8_refuses_no_box(place: Path) -> None:
    photos("p.jpg")
    good = {"image_id": 1, "category_id": 7, "bbox": [1, 2, 29, 38]}
    content = coco(good, categories=[{"id": 7, "name": "caf_"}])
    data = json.dumps(content).encode().replace(b"caf_", b"caf\xe9")
    assert boxes(wrote("coco.json", data), "coco")[0] == [("p.jpg", [1, 2, 30, 40], "caf\ufffd")]


def test_a_root_that_is_no_folder_is_one_line(place: Path) -> None:
    photos("p.jpg")
    path = wrote("coco.json", coco({"image_id": 1, "category_id": 7, "bbox": [1, 2, 29, 38]}))
    report = Listening()
    for root in ("gone", "p.jpg"):
        with pytest.raises(BadInput, match=f"{root}: no such folder"):
            list(boxed_photos(read_annotations(path, "coco"), place, report, Path(root)))
    assert report.said == []


def test_what_has_a_file_for_each_photo_comes_through_no_pipe(place: Path) -> None:
    for format in ("yolo", "voc", "labelme"):
        with pytest.raises(UsageError, match="name the folder"):
            list(read_annotations(Path("-"), format))


def test_photos_without_objects_are_told_in_our_records(place: Path) -> None:
    photos("p.jpg")
    (photo,) = boxed_photos(
        read_annotations(wrote("coco.json", coco()), "coco"), Path.cwd(), Listening()
    )
    (line,) = annotation_lines([photo], "jsonl")
    assert json.loads(line) == {"image": "p.jpg", "width": 640, "height": 426, "empty": True}


@pytest.mark.parametrize(
    ("format", "name", "content", "said"),
    [
        ("yolo", "p.txt", "0 inf .1 .2 .2 .3 .3", "p.txt:1: inf is not a finite number"),
        (
            "voc",
            "p.xml",
            "<cx>9</cx><cy>9</cy><w>3</w><h>4</h><angle>inf</angle>",
            "not '9,9,3,4,inf'",
        ),
    ],
)
def test_outlines_of_numbers_without_end_are_skipped(
    place: Path, format: str, name: str, content: str, said: str
) -> None:
    photos("p.jpg")
    if format == "voc":
        turned = f"<object><robndbox>{content}</robndbox></object>"
        content = f"<annotation><filename>p.jpg</filename>{turned}</annotation>"
    report = Listening()
    annotations = read_annotations(wrote(name, content), format, report)
    with pytest.raises(BadInput) as error:
        list(boxed_photos(annotations, place, report))
    assert said in str(error.value)


def test_annotated_sizes_that_are_no_numbers_are_not_looked_at(place: Path) -> None:
    photos("p.jpg")
    for sides in ("inf", "-1", "0", "nan", "wide"):
        size = f"<size><width>{sides}</width><height>{sides}</height></size>"
        assert boxes(wrote("p.xml", voc("p.jpg", more=size)), "voc")[0] == [
            ("p.jpg", [0, 1, 30, 40], "cat")
        ]
        shapes = [{"label": "cat", "points": [[1, 2], [9, 8]]}]
        about = {"shapes": shapes, "imagePath": "p.jpg", "imageWidth": sides, "imageHeight": sides}
        assert boxes(wrote("p.json", about), "labelme")[0] == [("p.jpg", [1, 2, 9, 8], "cat")]


@pytest.mark.parametrize(
    ("format", "target", "file"),
    [
        ("voc", "out", "out/p.xml"),
        ("yolo", "out", "out/p.txt"),
        ("labelme", "out", "out/p.json"),
        ("coco", "c.json", "c.json"),
        ("via", "c.json", "c.json"),
        ("cvat", "c.xml", "c.xml"),
    ],
)
def test_boxes_replace_boxes_of_tv_and_no_file_of_others(
    tv: Tv, place: Path, format: str, target: str, file: str
) -> None:
    photos("p.jpg")
    given = {"image": "p.jpg", "width": 640, "height": 426, "box": [1, 2, 30, 40], "label": "cat"}
    wrote("b.jsonl", given)
    convert = ("crops", "b.jsonl", "--to", format, "-o", target)
    assert tv(*convert).status == 0
    written = Path(file).read_bytes()
    assert tv(*convert).status == 0
    assert Path(file).read_bytes() == written
    Path(file).write_text("mine")
    ran = tv(*convert)
    assert ran.status == 2 and "--force" in ran.err
    assert Path(file).read_text() == "mine"
