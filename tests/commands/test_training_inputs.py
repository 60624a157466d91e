"""What training is given and cannot use: named, counted, refused; never learnt from in silence."""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import Ran, picture

Tv = Callable[..., Ran]


@pytest.fixture
def encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tv: Tv) -> Path:
    """Work in a folder with eight photos of two classes in `photos.h5`."""
    monkeypatch.chdir(tmp_path)
    for number in range(8):
        folder = Path("photos", f"class{number % 2}")
        folder.mkdir(parents=True, exist_ok=True)
        picture(number).save(folder / f"{number}.png")
    assert tv("encode", "photos", "-o", "photos.h5", "--size", 64).status == 0
    ran = tv("triplets", "photos.h5", "--from-folders", "--test", 0.3, "-o", "t.jsonl")
    assert ran.status == 0, ran.err
    return tmp_path


def spoil(path: str, value: float) -> str:
    """Put a value that is no number into the third row; return its photo."""
    with h5py.File(path, "r+") as file:
        values = file["encodings"][2]
        values.flat[0] = value
        file["encodings"][2] = values
        name = file["image"][2]
    return name.decode() if isinstance(name, bytes) else str(name)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "command",
    [
        ["train-rank", "photos.h5", "t.jsonl", "-o", "out.h5"],
        ["triplets", "photos.h5", "--from-folders", "-o", "out.h5"],
        ["triplets", "photos.h5", "--flips", "-o", "out.h5"],
        ["index", "photos.h5", "-o", "out.h5"],
        ["eval", "triplets", "photos.h5", "t.jsonl"],
        ["search", "photos.h5", "-i", "photos.tvx"],
    ],
)
def test_encodings_that_are_no_numbers_are_refused_by_name(
    command: list[str], value: float, encoded: Path, tv: Tv
) -> None:
    assert tv("index", "photos.h5", "-o", "photos.tvx").status == 0
    image = spoil("photos.h5", value)
    ran = tv(*command)
    assert ran.status == 3
    assert ran.out == ""
    assert Path(image).name in ran.err
    assert "not finite; encode it again" in ran.err
    assert not Path("out.h5").exists()


@pytest.mark.parametrize("command", ["train-classifier", "train-boxes"])
def test_crops_that_are_no_numbers_are_refused_by_name(command: str, encoded: Path, tv: Tv) -> None:
    boxes = [
        {"image": str(path), "box": [20, 20, 70, 60], "label": "a"}
        for path in sorted(Path("photos").rglob("*.png"))
    ]
    Path("b.jsonl").write_text("".join(json.dumps(box) + "\n" for box in boxes))
    assert tv("crops", "b.jsonl", "-o", "c.jsonl").status == 0
    assert tv("encode", "c.jsonl", "-o", "c.h5", "--size", 64).status == 0
    with h5py.File("c.h5", "r+") as file:
        file["encodings"][...] = np.nan
    ran = tv(command, "c.h5", "-o", "head.h5")
    assert (ran.status, Path("head.h5").exists()) == (3, False)
    assert "not finite" in ran.err


def written(*lines: dict[str, object]) -> str:
    Path("given.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return "given.jsonl"


def test_triplets_of_one_photo_twice_are_skipped_named_and_counted(encoded: Path, tv: Tv) -> None:
    good = [json.loads(line) for line in Path("t.jsonl").read_text().splitlines()]
    a, b = good[0]["anchor"], good[0]["positive"]
    given = written(
        {"anchor": a, "positive": a, "negative": b}, {"anchor": a, "positive": b, "negative": a},
        *good,
    )  # fmt: skip
    ran = tv("train-rank", "photos.h5", given, "-o", "r.h5", "--steps", 30)
    assert ran.status == 0, ran.err
    assert "given.jsonl:1: its anchor is its positive" in ran.err
    assert "given.jsonl:2: its anchor is its negative" in ran.err
    assert "2 skipped" in ran.err
    measured = json.loads(tv("eval", "triplets", "photos.h5", given).out.splitlines()[0])
    assert measured["triplets"] == len(good)
    only = written({"anchor": a, "positive": a, "negative": b})
    ran = tv("train-rank", "photos.h5", only, "-o", "none.h5")
    assert (ran.status, Path("none.h5").exists()) == (3, False)


def labels(**more: str) -> list[dict[str, object]]:
    paths = sorted(Path("photos").rglob("*.png"))
    return [{"image": str(p), "label": more.get(p.stem, p.parent.name)} for p in paths]


def make(tv: Tv, *lines: dict[str, object]) -> Ran:
    return tv("triplets", "photos.h5", "--labels", written(*lines), "-o", "made.jsonl")


def test_labels_that_name_no_photo_are_said_to(encoded: Path, tv: Tv) -> None:
    ran = make(tv, *({**line, "image": "other/" + str(line["image"])} for line in labels()))
    assert ran.status == 3
    assert "given.jsonl: names no photo of photos.h5" in ran.err
    assert "other/photos/class0/0.png" in ran.err  # what it names, next to what there is
    assert tv("index", "photos.h5", "-o", "x.tvx").status == 0
    ran = tv("eval", "search", "x.tvx", "--truth", "given.jsonl")
    assert ran.status == 3
    assert "name no photo of x.tvx" in ran.err


def test_two_labels_are_told_and_an_empty_one_stops_nothing(encoded: Path, tv: Tv) -> None:
    whole = make(tv, *labels())
    assert (whole.status, "warning" in whole.err) == (0, False)
    empty = make(tv, *labels(), {"image": "photos/class0/0.png", "label": ""})
    assert empty.status == 0
    assert "1 records without a label" in empty.err
    two = make(tv, *labels(), {"image": "photos/class0/0.png", "label": "class1"})
    assert two.status == 0
    assert "1 photos have two labels, of which the last counts" in two.err
    assert "class0/0.png is 'class0' and 'class1'" in two.err
    none = make(tv, {"image": "photos/class0/0.png", "label": ""})
    assert none.status == 3
    assert "no record has a label" in none.err


@pytest.mark.usefixtures("encoded")
def test_triplets_that_are_not_there_are_named(tv: Tv) -> None:
    ran = tv("train-rank", "photos.h5", "none.jsonl", "-o", "rank.h5")
    assert ran.status == 3 and not Path("rank.h5").exists()
    assert ran.err.startswith("tv: none.jsonl: ") and "Errno" not in ran.err


@pytest.mark.usefixtures("encoded")
def test_encodings_and_triplets_that_changed_places_are_told(tv: Tv) -> None:
    tv("triplets", "photos.h5", "--from-folders", "-o", "t.jsonl", "-q")
    ran = tv("train-rank", "t.jsonl", "photos.h5", "-o", "rank.h5")
    assert (ran.status, ran.err) == (3, "tv: t.jsonl: triplets, where encodings are needed\n")
