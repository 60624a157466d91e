import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tvcli.demo.drawing import Record, collection, draw_collection
from tvcli.demo.drawing.collection import design_garment, draw_photo
from tvcli.demo.drawing.garment import KINDS

FIELDS = [
    "image", "width", "height", "box", "label", "split",
    "garment", "silhouette", "length", "neckline", "sleeves", "pattern", "colour",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("collection")


@pytest.fixture(scope="module")
def records(folder: Path) -> list[Record]:
    return list(draw_collection(folder, garments=12, photos_each=3, size=128, seed=5))


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"), dtype=float)


def test_records_hold_every_field_and_can_be_written_as_json(records: list[Record]) -> None:
    assert len(records) == 12 * 3
    for record in records:
        assert list(record) == FIELDS
        assert json.loads(json.dumps(record)) == record


def test_files_are_the_records_images_and_no_more(folder: Path, records: list[Record]) -> None:
    written = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    assert written == sorted(str(record["image"]) for record in records)
    for record in records:
        with Image.open(folder / str(record["image"])) as image:
            assert image.size == (record["width"], record["height"])
            assert (image.format, image.mode) == ("JPEG", "RGB")


def test_names_tell_kind_garment_and_photo(records: list[Record]) -> None:
    assert records[0]["image"] == "photos/dress-001-1.jpg"
    assert records[-1]["image"] == "photos/trousers-002-3.jpg"
    assert [record["label"] for record in records[::3]] == list(KINDS) * 2


def test_last_photo_of_each_garment_is_held_out(records: list[Record]) -> None:
    assert [record["split"] for record in records] == ["train", "train", "test"] * 12


def test_only_photo_of_a_garment_is_not_held_out(tmp_path: Path) -> None:
    records = draw_collection(tmp_path, garments=2, photos_each=1, size=64)
    assert [record["split"] for record in records] == ["train", "train"]


def test_same_seed_gives_the_same_bytes(
    folder: Path, records: list[Record], tmp_path: Path
) -> None:
    again = list(draw_collection(tmp_path, garments=2, photos_each=3, size=128, seed=5))
    assert again == records[:6]
    for record in again:
        name = str(record["image"])
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_fewer_garments_and_photos_are_a_part_of_more(
    records: list[Record], tmp_path: Path
) -> None:
    few = list(draw_collection(tmp_path, garments=2, photos_each=2, size=128, seed=5))
    kept = [record for record in records[:6] if not str(record["image"]).endswith("-3.jpg")]
    assert [r | {"split": ""} for r in few] == [r | {"split": ""} for r in kept]


def test_another_seed_gives_another_collection(records: list[Record], tmp_path: Path) -> None:
    other = list(draw_collection(tmp_path, garments=6, photos_each=1, size=64, seed=6))
    ours = [design_garment(i, seed=5).attributes for i in range(6)]
    assert [design_garment(i, seed=6).attributes for i in range(6)] != ours
    assert [record["box"] for record in other] != [record["box"] for record in records[:18:3]]


def test_drawing_waits_until_records_are_asked_for(tmp_path: Path) -> None:
    drawn = draw_collection(tmp_path, garments=1000, photos_each=4, size=64)
    next(drawn)
    assert len(list((tmp_path / "photos").iterdir())) == 1


def test_boxes_lie_inside_the_photos(records: list[Record]) -> None:
    for record in records:
        x0, y0, x1, y1 = record["box"]  # type: ignore[misc]
        assert 0 <= x0 < x1 <= record["width"]
        assert 0 <= y0 < y1 <= record["height"]


def test_garments_take_40_to_85_percent_of_the_height() -> None:
    for index in range(24):
        photo = draw_photo(index, 1, size=96, seed=9)
        height = photo.image.height
        assert 0.38 <= (photo.box[3] - photo.box[1]) / height <= 0.86


def test_photos_of_a_garment_differ(folder: Path, records: list[Record]) -> None:
    for first, second in pairwise(records):
        if first["garment"] != second["garment"]:
            continue
        a, b = (
            np.asarray(Image.open(folder / str(r["image"])).convert("RGB").resize((32, 32)), float)
            for r in (first, second)
        )
        assert np.abs(a - b).mean() > 8
        assert first["box"] != second["box"]


def test_a_garment_keeps_its_colour_in_every_photo() -> None:
    means = []
    for index in range(12):
        photos = [draw_photo(index, number, size=96, seed=3) for number in (1, 2, 3)]
        means.append([np.asarray(p.image)[p.worn > 0.9].mean(axis=0) for p in photos])
    means = np.array(means)
    within = np.linalg.norm(means - means.mean(axis=1, keepdims=True), axis=-1).mean()
    between = np.linalg.norm(means.mean(axis=1) - means.mean(axis=(0, 1)), axis=-1).mean()
    assert within < 20
    assert between > 3 * within


def test_photos_are_of_many_shapes(records: list[Record]) -> None:
    shapes = [int(r["width"]) / int(r["height"]) for r in records]  # type: ignore[arg-type]
    assert sum(shape < 1 for shape in shapes) > len(shapes) / 2
    assert any(shape >= 1 for shape in shapes)
    short = [min(int(r["width"]), int(r["height"])) for r in records]  # type: ignore[arg-type]
    assert min(short) >= 128 and max(short) <= round(1.3 * 128)


@pytest.mark.parametrize("cores", [1, 5])
def test_photos_are_the_same_on_any_number_of_cores(
    folder: Path,
    records: list[Record],
    cores: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collection, "cores", lambda: cores)
    again = list(draw_collection(tmp_path, garments=12, photos_each=3, size=128, seed=5))
    assert again == records
    for record in records:
        image = str(record["image"])
        assert (tmp_path / image).read_bytes() == (folder / image).read_bytes()
