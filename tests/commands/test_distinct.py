"""Files of the same content as one hit, and boxes that stick out of their photo."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Ran, drawn, picture

Tv = Callable[..., Ran]


def hits(ran: Ran) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ran.out.splitlines()]


@pytest.mark.parametrize("options", [[], ["--verify", "default"]])
def test_of_the_same_content_one_is_a_hit(options: list[str], tmp_path: Path, tv: Tv) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(6):
        drawn(number).save(folder / f"{number}.png")
    for copy in range(30):
        shutil.copy(folder / "0.png", folder / f"copy{copy:02}.png")
    index = tmp_path / "a.tvx"
    assert tv("index", folder, "-o", index).status == 0
    query = ("search", folder / "0.png", "-i", index, "-k", 3, *options)
    plain, found = hits(tv(*query)), hits(tv(*query, "--distinct"))
    assert [Path(hit["image"]).name for hit in plain] == ["0.png", "copy00.png", "copy01.png"]
    assert Path(found[0]["image"]).name == "0.png"
    same = [Path(name).name for name in found[0]["same_content"]]
    assert same[:2] == ["copy00.png", "copy01.png"]
    if not options:
        assert len(same) == 30 and len(set(same)) == 30
        everything = hits(tv(*query[:4], "-k", 99))
        others = [hit for hit in everything if hit["similarity"] < 0.999]
        assert [(hit["image"], hit["similarity"]) for hit in found[1:]] == [
            (hit["image"], hit["similarity"]) for hit in others[:2]
        ]
    assert [hit["rank"] for hit in found] == list(range(1, len(found) + 1))
    assert not any("same_content" in hit for hit in [*plain, *found[1:]])


def test_two_objects_of_one_photo_are_two_hits(photos: Path, tmp_path: Path, tv: Tv) -> None:
    boxes = tmp_path / "boxes.jsonl"
    places = ([0, 0, 40, 40], [40, 30, 90, 70])
    boxes.write_text(
        "".join(json.dumps({"image": "photos/0.png", "box": box}) + "\n" for box in places)
    )
    index = tmp_path / "a.tvx"
    assert tv("index", boxes, "-o", index).status == 0
    found = hits(tv("search", photos / "0.png", "-i", index, "--distinct"))
    assert sorted(hit["box"] for hit in found) == sorted(places)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_box_larger_than_the_photo_is_the_photo(suffix: str, tmp_path: Path, tv: Tv) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        picture(number, 640, 480).save(folder / f"{number}.{suffix}")
    index, query = tmp_path / "a.tvx", folder / f"1.{suffix}"
    assert tv("index", folder, "-o", index).status == 0

    def best(*options: object) -> dict[str, Any]:
        ran = tv("search", query, "-i", index, "-k", 1, *options)
        assert ran.status == 0, ran.err
        return hits(ran)[0]

    whole = best() | {"query_box": [0, 0, 640, 480]}
    assert best("--box", "0,0,9999,9999") == best("--box", "0,0,640,480") == whole
    assert best("--box", "-50,-50,320,9999") == best("--box", "0,0,320,480")
    for box, told in (
        ("900,0,990,90", "lies outside the photo"),
        ("635,0,990,90", "outside the photo but for 5x90 pixels; at least 8x8"),
    ):
        ran = tv("search", query, "-i", index, "--box", box)
        assert (ran.status, told in ran.err) == (3, True), ran.err


def test_boxes_of_records_are_clipped_too(tmp_path: Path, tv: Tv) -> None:
    picture(1, 640, 480).save(tmp_path / "a.jpg")
    boxes = tmp_path / "boxes.jsonl"
    boxes.write_text(
        '{"image": "a.jpg", "box": [0, 0, 9999, 9999], "price": 1}\n'
        '{"image": "a.jpg", "box": [100, 100, 300, 300], "price": 2}\n'
    )
    index = tmp_path / "a.tvx"
    assert tv("index", boxes, "-o", index).status == 0
    found = hits(tv("search", tmp_path / "a.jpg", "-i", index))
    assert (found[0]["similarity"], found[0]["price"]) == (pytest.approx(1, abs=1e-3), 1)
    boxes.write_text(boxes.read_text().replace('"price": 1', '"price": 5'))
    assert "1 changed" in tv("index", boxes, "-o", index, "--update").err
    found = hits(tv("search", tmp_path / "a.jpg", "-i", index))
    assert [hit["price"] for hit in found] == [5, 2]
