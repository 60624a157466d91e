"""Records of photos without an object, as the box editor writes them, in all that reads boxes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran

ABOUT = {"width": 96, "height": 80}


@pytest.fixture
def boxes(photos: Path) -> Path:
    file = photos / "boxes.jsonl"
    records = [{"image": "0.png", **ABOUT, "box": [10, 10, 60, 60], "label": "coat"}]
    records += [{"image": f"{number}.png", **ABOUT, "empty": True} for number in (1, 2)]
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return file


def test_crops_take_background_from_them(tv: Callable[..., Ran], boxes: Path) -> None:
    made = boxes.parent / "crops.jsonl"
    assert tv("crops", boxes, "-o", made, "-q").status == 0
    crops = [json.loads(line) for line in made.read_text().splitlines()]
    kinds = {image: {crop["target"] for crop in crops if image in crop["image"]} for image in "012"}
    assert "target" in kinds["0"]
    assert kinds["1"] == kinds["2"] == {"background", "look"}


def test_an_index_of_the_boxes_has_no_row_of_them(tv: Callable[..., Ran], boxes: Path) -> None:
    index = boxes.parent / "x.tvx"
    assert tv("index", boxes, "-o", index, "--size", 64, "-q").status == 0
    assert json.loads(tv("info", index, "--json").out)["rows"] == 1


def test_detections_on_them_are_spurious(tv: Callable[..., Ran], boxes: Path) -> None:
    located = boxes.parent / "located.jsonl"
    records = [{"image": f"{number}.png", "box": [10, 10, 60, 60], "score": 0.9} for number in "01"]
    located.write_text("".join(json.dumps(record) + "\n" for record in records))
    ran = tv("eval", "boxes", located, boxes)
    measured = json.loads(ran.out)
    assert (measured["objects"], measured["missed"], measured["spurious"]) == (1, 0, 1)


@pytest.mark.parametrize("to", [[], ["--to", "coco"]])
def test_an_empty_list_of_boxes_makes_no_crops(
    tv: Callable[..., Ran], tmp_path: Path, to: list[str]
) -> None:
    (tmp_path / "none.jsonl").touch()
    ran = tv("crops", tmp_path / "none.jsonl", "-o", tmp_path / "crops.jsonl", *to)
    assert (ran.status, ran.err) == (3, "tv: no photos found: the boxes name none\n")
    assert not (tmp_path / "crops.jsonl").exists()
