import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tvcli.core.boxes import Box, area, iou, overlap
from tvcli.core.errors import UsageError
from tvcli.core.files.formats import Annotation, BoxedPhoto
from tvcli.core.images.annotations import boxed_photos, spilled_photos
from tvcli.core.location.crops import (
    CropSettings,
    in_turn,
    is_target,
    median_size,
    parse_numbers,
    sample_crops,
    scales_for,
    splitter,
)
from tvcli.core.location.false_alarms import read_false_alarms
from tvcli.core.reports import Report


def split_photos(photos: list[tuple[str, str]], test: float, seed: int) -> dict[str, str]:
    split = splitter(photos, test, seed)
    return {image: split(image, known) for image, known in photos}


@st.composite
def photo(draw: st.DrawFn) -> BoxedPhoto:
    width, height = draw(st.integers(40, 600)), draw(st.integers(40, 600))
    x0, y0 = draw(st.floats(0, width - 10)), draw(st.floats(0, height - 10))
    box = x0, y0, draw(st.floats(x0 + 5, width)), draw(st.floats(y0 + 5, height))
    return BoxedPhoto("a.jpg", Path("a.jpg"), width, height, [(box, "cat")])


@given(photo(), st.integers(0, 99))
@settings(max_examples=60)
def test_crops_keep_their_rules(photo: BoxedPhoto, seed: int) -> None:
    (box, _), scales = photo.objects[0], (1.0, 2.0, 3.0)
    records = list(
        sample_crops([photo], CropSettings(per_photo=4, looks=6, scales=scales, seed=seed))
    )
    kinds = [record["target"] for record in records]
    assert kinds.count("target") == 4
    assert kinds.count("look") == 6
    sides = [min(photo.width, photo.height) / scale for scale in scales]
    for record in records:
        crop: Box = tuple(record["crop"])
        assert crop[0] >= 0 and crop[1] >= 0
        assert crop[2] <= photo.width + 0.01 and crop[3] <= photo.height + 0.01
        if record["target"] == "look":
            assert overlap(crop, box) > 0
            continue
        width, height = crop[2] - crop[0], crop[3] - crop[1]
        assert width == pytest.approx(height, abs=0.03)
        assert min(abs(width - side) for side in sides) < 0.03
        inside = overlap(crop, box) / area(crop)
        if record["target"] == "background":
            assert inside <= 0.501
            small = area(box) < 0.499 * area(crop)
            assert not small or overlap(crop, box) < 0.91 * area(box) + 1
        else:
            smallest = abs(width - min(sides)) < 0.03
            assert inside >= 0.499 or overlap(crop, box) > 0.89 * area(box) or smallest


@given(st.lists(st.text("abcdef", min_size=1), min_size=2, unique=True), st.integers(0, 9))
def test_the_split_of_a_photo_stays_when_photos_are_added(names: list[str], seed: int) -> None:
    few = split_photos([(name, "") for name in names[:-1]], 0.3, seed)
    more = split_photos([(name, "") for name in names], 0.3, seed)
    changed = [name for name in few if few[name] != more[name]]
    assert len(changed) <= 1  # only one that was held out for want of any other
    if list(few.values()).count("test") > 1:
        assert not changed


def test_known_splits_are_kept_and_some_photo_is_held_out() -> None:
    assert split_photos([("a", "train"), ("b", "test")], 0.5, 0) == {"a": "train", "b": "test"}
    assert "test" in split_photos([("a", ""), ("b", ""), ("c", "")], 0.01, 0).values()
    assert set(split_photos([("a", ""), ("b", "")], 0.0, 0).values()) == {"train"}


def test_the_same_seed_gives_the_same_crops_whatever_other_photos_there_are() -> None:
    one = BoxedPhoto("a.jpg", Path("a.jpg"), 90, 60, [((10, 10, 50, 40), "cat")])
    other = BoxedPhoto("b.jpg", Path("b.jpg"), 90, 60, [((10, 10, 50, 40), "cat")])
    setting = CropSettings(looks=3)
    alone = [r["crop"] for r in sample_crops([one], setting)]
    both = [r["crop"] for r in sample_crops([other, one], setting) if r["image"] == "a.jpg"]
    assert alone == both


def test_a_small_object_counts_when_nearly_all_of_it_is_inside() -> None:
    assert is_target((0, 0, 100, 100), [(10, 10, 20, 20)])
    assert not is_target((0, 0, 100, 100), [(95, 95, 105, 105)])
    assert is_target((0, 0, 100, 100), [(0, 0, 50, 200)])
    assert not is_target((0, 0, 100, 100), [(60, 0, 160, 200)])


def test_a_photo_without_object_gives_background_and_looks_without_a_box() -> None:
    empty = BoxedPhoto("a.jpg", Path("a.jpg"), 90, 60)
    records = list(sample_crops([empty], CropSettings(per_photo=3, looks=13)))
    assert [record["target"] for record in records] == ["background"] * 3 + ["look"] * 13
    assert not any("box" in record for record in records)
    looks = [record["crop"] for record in records[3:]]
    assert looks.count([0, 0, 90, 60]) == 2  # the first, and the twelfth after it
    for x0, y0, x1, y1 in looks:
        assert 0 <= x0 < x1 <= 90 and 0 <= y0 < y1 <= 60
        assert (x1 - x0) * (y1 - y0) > 0.12 * 0.6 * 90 * 60


def test_what_shows_no_object_is_a_false_alarm_and_is_looked_at(tmp_path: Path) -> None:
    found = tmp_path / "found.jsonl"
    boxes = [([12, 10, 50, 40], 0.9), ([60, 5, 85, 30], 0.8), ([1, 45, 20, 58], 0.95)]
    found.write_text(
        "".join(json.dumps({"image": "a.jpg", "box": b, "score": s}) + "\n" for b, s in boxes)
        + json.dumps({"image": "b.jpg", "box": None})
        + "\n"
    )
    path = tmp_path / "a.jpg"
    photo = BoxedPhoto("a.jpg", path, 90, 60, [((10, 10, 50, 40), "cat")])
    alarms = read_false_alarms(found)
    assert alarms.of(photo) == [(1, 45, 20, 58), (60, 5, 85, 30)]  # the surest first
    assert alarms.of(BoxedPhoto("b.jpg", tmp_path / "b.jpg", 90, 60)) == []
    setting = CropSettings(per_photo=2, looks=2)
    plain = list(sample_crops([photo], setting))
    records = list(sample_crops([photo], setting, alarms))
    assert records[: len(plain)] == plain
    extra = records[len(plain) :]
    assert len(extra) == 8
    for number, record in enumerate(extra):
        assert record["target"] == "look" and "box" not in record
        assert overlap(tuple(record["crop"]), alarms.of(photo)[number // 4]) > 0


@pytest.mark.parametrize("text", ["", "1,x", "0.5", "nan", "1,inf"])
def test_bad_numbers(text: str) -> None:
    with pytest.raises(UsageError, match="--scales"):
        parse_numbers("--scales", text, least=1.0)


@pytest.mark.parametrize("splits", [("", "", ""), ("train", "train", "train"), ("", "test", "")])
def test_crops_of_spooled_photos_are_those_of_photos_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, splits: tuple[str, ...]
) -> None:
    """Annotations in no order, sorted on the disk in runs that part the boxes of a photo."""
    for number in range(9):
        Image.new("RGB", (90, 60), (number, 0, 0)).save(tmp_path / f"{number}.png")
    boxed = [
        Annotation(f"{number}.png", [left, 10, left + 30, 50], "x", f"b:{number}", split=split)
        for left in (5, 20, 40)
        for number, split in zip((4, 1, 8, 0, 7, 2, 6, 3, 5), splits * 3, strict=True)
    ]
    boxed = [replace(item, places=(str(tmp_path / item.image),)) for item in boxed]
    setting = CropSettings(per_photo=2, looks=2, test=0.01)
    photos = list(boxed_photos(boxed, tmp_path, Report()))
    assert [photo.image for photo in photos] == [f"{number}.png" for number in range(9)]
    assert all(len(photo.objects) == 3 for photo in photos)
    expected = list(sample_crops(photos, setting))
    sides = {record["image"]: record["split"] for record in expected}
    held_out = [name for name, side in sides.items() if side == "test"]
    assert len(held_out) == (3 if "test" in splits else 1)
    monkeypatch.setattr("tvcli.core.files.external_sort.RECORDS_A_RUN", 4)
    with spilled_photos(boxed_photos(boxed, tmp_path, Report())) as spilled_records:
        assert len(spilled_records) == 9
        assert list(sample_crops(spilled_records, setting)) == expected


def test_crops_of_small_objects_are_cut_from_larger_photos() -> None:
    small = BoxedPhoto("a.jpg", Path("a.jpg"), 200, 100, [((10, 10, 30, 30), "cat")])
    large = BoxedPhoto("b.jpg", Path("b.jpg"), 200, 100, [((0, 0, 90, 90), "cat")])
    assert median_size([small, large, small]) == pytest.approx(0.2)
    assert median_size([]) == 1
    assert scales_for(0.2) == (2.5, 5, 7.5)
    assert scales_for(0.001) == (4, 8, 12)
    assert scales_for(0.5) == scales_for(2.0) == (1, 2, 3)
    (first, *_) = sample_crops([small, large, small], CropSettings(looks=0))
    assert first["crop"][2] - first["crop"][0] == pytest.approx(40)


def test_each_label_of_a_photo_takes_its_turn() -> None:
    cells = [((n * 10.0, 0.0, n * 10 + 9.0, 9.0), "red") for n in range(4)]
    objects = [*cells, ((50.0, 50.0, 90.0, 90.0), "white")]
    turns = in_turn(objects, np.random.default_rng(0))
    assert [label for _, label in turns] == ["red", "white"] * 4
    assert sorted(turns[::2]) == cells
    assert in_turn(objects[:1], np.random.default_rng(0)) == objects[:1]


def test_a_look_is_about_the_object_that_fills_it() -> None:
    boxes: list[Box] = [(x, y, x + 18, y + 18) for x in (10, 30, 50, 70) for y in (10, 30, 50, 70)]
    objects = [(box, "cell") for box in boxes]
    photo = BoxedPhoto("a.jpg", Path("a.jpg"), 100, 100, objects)
    records = list(sample_crops([photo], CropSettings(per_photo=0, looks=48)))
    clear = 0
    for number, record in enumerate(records):
        crop, about = tuple(record["crop"]), tuple(record["box"])
        ranked = sorted((iou(crop, box) for box in boxes), reverse=True)
        assert iou(crop, about) == pytest.approx(ranked[0], abs=1e-3)
        if number % 12:
            clear += ranked[0] > 1.45 * ranked[1]
    assert clear == 44
