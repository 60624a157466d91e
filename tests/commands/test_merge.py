"""Shards of encodings, records and indexes, and what they merge into."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Ran, picture

from tvcli.core.files.artifacts import open_artifact
from tvcli.core.indexes.index import open_index
from tvcli.core.indexes.merging import parts as parts_module
from tvcli.core.indexes.merging.records import merge_records

Tv = Callable[..., Ran]
SMALL = ("--size", 64, "--pool", "mean")


def encode(tv: Tv, source: Path, folder: Path, of: int = 3, *flags: object) -> list[Path]:
    """Encode in shards and return the parts."""
    parts = [folder / f"part-{number}.h5" for number in range(1, of + 1)]
    for number, part in enumerate(parts, 1):
        shard = ("--shard", f"{number}/{of}", "--quiet")
        assert tv("encode", source, "-o", part, *SMALL, *shard, *flags).status == 0
    return parts


def rows(path: Path) -> dict[str, object]:
    with open_artifact(path, "encodings") as file:
        columns = file.read_columns(slice(None))
        return {n: v.tolist() if isinstance(v, np.ndarray) else v for n, v in columns.items()}


def test_merged_is_as_one_run(tv: Tv, photos: Path, tmp_path: Path) -> None:
    (photos / "3-bad.jpg").write_text("text")
    whole, merged = tmp_path / "whole.h5", tmp_path / "merged.h5"
    assert tv("encode", photos, "-o", whole, *SMALL).status == 0
    parts = encode(tv, photos, tmp_path)
    ran = tv("merge", *reversed(parts), "-o", merged)
    assert (ran.status, ran.out) == (0, "")
    assert ran.err.startswith(f"8 photos in {merged} in ")
    found, expected = rows(merged), rows(whole)
    assert np.allclose(found.pop("encodings"), expected.pop("encodings"), atol=1e-3)
    assert str(found) == str(expected)  # boxes not known are not equal to themselves
    with open_artifact(merged) as one, open_artifact(whole) as other:
        assert one.settings == other.settings
        assert "position" not in one.columns
        assert len(one.provenance["inputs"]) == 3


def test_regions_of_a_photo_stay_together(tv: Tv, photos: Path, tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.jsonl"
    lines = [
        {"image": f"photos/{n % 5}.png", "box": [0, 0, 20 + n, 30], "label": f"l{n % 3}"}
        for n in range(20)
    ]
    boxes.write_text("".join(json.dumps(line) + "\n" for line in lines))
    merged = tmp_path / "merged.h5"
    parts = encode(tv, boxes, tmp_path, 2)
    assert tv("merge", *parts, "-o", merged).status == 0
    found = rows(merged)
    assert found["image"] == [line["image"] for line in lines]
    assert found["label"] == [line["label"] for line in lines]
    assert found["box"] == [line["box"] for line in lines]
    images = [set(rows(part)["image"]) for part in parts]  # type: ignore[call-overload]
    assert not images[0] & images[1]


def test_more_shards_than_photos(tv: Tv, photos: Path, tmp_path: Path) -> None:
    parts = encode(tv, photos, tmp_path, 20)
    assert 0 in {len(rows(part)["image"]) for part in parts}  # type: ignore[arg-type]
    assert tv("merge", *parts, "-o", tmp_path / "m.h5").status == 0
    assert len(rows(tmp_path / "m.h5")["image"]) == 8  # type: ignore[arg-type]


def test_parts_that_do_not_belong_together(tv: Tv, photos: Path, tmp_path: Path) -> None:
    one, two, three = encode(tv, photos, tmp_path)
    (tmp_path / "other").mkdir()
    other = encode(tv, photos, tmp_path / "other", 2)
    plain, sized = tmp_path / "plain.h5", tmp_path / "sized.h5"
    tv("encode", photos, "-o", plain, *SMALL)
    tv("encode", photos, "-o", sized, "--size", 80, "--pool", "mean", "--shard", "3/3")
    twice = tmp_path / "twice.h5"
    shutil.copy(two, twice)
    head = tmp_path / "records.jsonl"
    head.write_text('{"image": "a.png"}\n')
    elsewhere = shutil.copytree(photos, tmp_path / "elsewhere")
    (tmp_path / "far").mkdir()
    far = encode(tv, elsewhere, tmp_path / "far")
    for parts, status, message in [
        ([one, three], 4, "shards missing: 2/3 (2 of 3 are there)"),
        ([one, two, three, twice], 4, f"{twice}: shard 2/3, and so is {two}"),
        ([one, two, other[0]], 4, f"{other[0]}: shard 1/2, while {one} is 1/3"),
        ([one, two, three, plain], 4, f"{plain}: not a shard, while {one} is 1/3"),
        ([one, two, sized], 4, f"{sized}: its encoder size is 80, not 64, as in {one}"),
        ([one, two, far[2]], 4, f"{far[2]}: its root is "),
        ([plain, plain], 4, f"{plain}: 0.png is there twice"),
        ([one, head], 2, f"{head}: records, while {one} is encodings"),
        ([one, tmp_path / "none.h5"], 3, "none.h5: no such file"),
    ]:
        ran = tv("merge", *parts, "-o", tmp_path / "m.h5")
        assert (ran.status, ran.out) == (status, ""), ran.err
        assert ran.err.startswith("tv: ")
        assert message in ran.err
        assert not (tmp_path / "m.h5").exists()


def test_photos_that_come_as_the_shards_start(tv: Tv, photos: Path, tmp_path: Path) -> None:
    one, two = encode(tv, photos, tmp_path, 2)
    picture(99).save(photos / "00-new.png")
    tv("encode", photos, "-o", two, *SMALL, "--shard", "2/2")
    ran = tv("merge", one, two, "-o", tmp_path / "m.h5")
    assert ran.status == 4
    assert f"{two}: its list was another than that of {one} (9 and 8 regions)" in ran.err
    assert tv("merge", one, two, "-o", tmp_path / "m.h5", "--changed").status == 0
    images = rows(tmp_path / "m.h5")["image"]
    assert isinstance(images, list)
    assert len(images) == len(set(images))
    assert {f"{n}.png" for n in range(5)} | {f"inner/{n}.png" for n in (5, 6, 7)} <= set(images)


def test_plain_files_are_joined(tv: Tv, photos: Path, tmp_path: Path) -> None:
    root = ("--root", photos)
    first, second = tmp_path / "1.h5", tmp_path / "2.h5"
    tv("encode", photos / "inner", "-o", first, *SMALL, *root)
    tv("encode", photos / "1.png", photos / "0.png", "-o", second, *SMALL, *root)
    assert tv("merge", first, second, "-o", tmp_path / "m.h5").status == 0
    assert rows(tmp_path / "m.h5")["image"] == [
        *(f"inner/{n}.png" for n in (5, 6, 7)),
        "1.png",
        "0.png",
    ]


def test_indexes(tv: Tv, photos: Path, tmp_path: Path) -> None:
    whole, merged = tmp_path / "whole.tvx", tmp_path / "merged.tvx"
    shared = ("--size", 64, "--quiet")
    assert tv("index", photos, "-o", whole, *shared).status == 0
    parts = [tmp_path / f"{number}.tvx" for number in (1, 2)]
    for number, part in enumerate(parts, 1):
        assert tv("index", photos, "-o", part, "--shard", f"{number}/2", *shared).status == 0
    ran = tv("merge", *parts, "-o", merged)
    assert ran.status == 0, ran.err
    with open_index(whole) as one, open_index(merged) as other:
        assert one.read("image") == other.read("image")
        vectors = [index.vectors(slice(None)) for index in (one, other)]
        assert np.allclose(*vectors, atol=1e-3)
        assert one.settings == other.settings
    searches = [
        tv("search", photos / "2.png", "-i", i, "--format", "paths").out for i in (whole, merged)
    ]
    assert searches[0] == searches[1]
    ran = tv("merge", parts[0], "-o", tmp_path / "m.tvx")
    assert (ran.status, "shards missing: 2/2" in ran.err) == (4, True)
    ran = tv("index", whole.parent / "none.h5", "--shard", "1/2")
    assert ran.status == 3


def write_part(path: Path, number: int, records: list[dict[str, object]], **note: object) -> Path:
    end = {"shard": {"number": number, "of": 2, "listed": 4, "list": "x", **note}}
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in [*records, end]))
    return path


def test_records_keep_their_order_and_their_photos(tv: Tv, tmp_path: Path) -> None:
    one = write_part(
        tmp_path / "a" / "1.jsonl",
        1,
        [{"image": "../p/0.png", "position": 0}, {"image": "../p/3.png", "position": 3}],
    )
    two = write_part(
        tmp_path / "a" / "2.jsonl",
        2,
        [{"image": "../p/1.png", "position": 1, "score": n} for n in (1, 2)],
    )
    target = tmp_path / "all.jsonl"
    assert tv("merge", two, one, "-o", target).status == 0
    found = [json.loads(line) for line in target.read_text().splitlines()]
    assert found == [
        {"image": "p/0.png"},
        {"image": "p/1.png", "score": 1},
        {"image": "p/1.png", "score": 2},
        {"image": "p/3.png"},
    ]


def test_records_that_do_not_belong_together(tv: Tv, tmp_path: Path) -> None:
    one = write_part(tmp_path / "1.jsonl", 1, [{"image": "0.png", "position": 0}], looks=2)
    two = write_part(tmp_path / "2.jsonl", 2, [{"image": "1.png", "position": 1}], looks=1)
    double = write_part(tmp_path / "3.jsonl", 2, [{"image": "0.png", "position": 0}], looks=2)
    cut = tmp_path / "cut.jsonl"
    cut.write_text(two.read_text().splitlines()[0] + "\n")
    for parts, status, message in [
        ([one, two], 4, f"{two}: its looks is 1, not 2, as in {one}"),
        ([one, double], 4, "both hold what was number 0 of the list"),
        ([one], 4, "shards missing: 2/2"),
        ([cut], 3, "cut.jsonl:1: of a shard, but the note at its end is gone"),
    ]:
        ran = tv("merge", *parts, "-o", tmp_path / "m.jsonl")
        assert (ran.status, message in ran.err) == (status, True), ran.err
        assert not (tmp_path / "m.jsonl").exists()


def test_records_of_no_shards_are_joined(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_text(f'{{"image": "{name}.png"}}\n')
    parts = [tmp_path / "b.jsonl", tmp_path / "a.jsonl"]
    assert [record["image"] for record in merge_records(parts, tmp_path)] == ["b.png", "a.png"]


def test_shards_of_wrong_numbers(tv: Tv, photos: Path, tmp_path: Path) -> None:
    ran = tv("encode", photos, "-o", tmp_path / "e.h5", "--shard", "0/8")
    assert (ran.status, "shards count from 1: 1/8 to 8/8" in ran.err) == (2, True)
    (tmp_path / "few").mkdir()
    tv("encode", photos, "-o", tmp_path / "e.h5", *SMALL)
    ran = tv("index", tmp_path / "e.h5", "--shard", "1/8", "-o", tmp_path / "e.tvx")
    assert (ran.status, "--shard divides photos" in ran.err) == (2, True)


def refuse(*_: object) -> None:
    raise ValueError("not allowed to raise maximum limit")


def test_more_parts_than_files_may_be_open(
    tv: Tv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{number}.jsonl" for number in range(3)]
    for path in paths:
        path.write_text('{"image": "a.png"}\n')
    monkeypatch.setattr(parts_module.resource, "getrlimit", lambda _: (16, 16))
    monkeypatch.setattr(parts_module.resource, "setrlimit", refuse)
    ran = tv("merge", *paths, "-o", tmp_path / "m.jsonl")
    assert ran.status == 3
    assert "3 parts, but no more than 16 files may be open here" in ran.err


def test_an_empty_folder_is_still_an_error(tv: Tv, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    ran = tv("encode", tmp_path / "none", "-o", tmp_path / "e.h5", "--shard", "1/2")
    assert (ran.status, "no photos found" in ran.err) == (3, True)


@pytest.mark.parametrize("note", [{"number": "1"}, {"number": 3, "of": 2}, {}])
def test_a_damaged_note(tv: Tv, tmp_path: Path, note: dict[str, object]) -> None:
    part = tmp_path / "1.jsonl"
    part.write_text(json.dumps({"shard": note | {"list": "x"}}) + "\n")
    ran = tv("merge", part, "-o", tmp_path / "m.jsonl")
    assert (ran.status, "the note of its shard is damaged" in ran.err) == (3, True)
