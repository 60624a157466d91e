"""--limit and --sample of every command that has them: how many, which, and with what they go."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran

from tvcli.core.files.artifacts import open_artifact
from tvcli.core.indexes.index import open_index

Tv = Callable[..., Ran]
Images = Callable[..., list[str]]
NAMES = [f"{number}.png" for number in range(5)] + [f"inner/{number}.png" for number in (5, 6, 7)]
SMALL = "--size", "64", "--pool", "gem"


@pytest.fixture
def here(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder to work in, with eight photos and two boxes in each."""
    monkeypatch.chdir(tmp_path)
    about = {"width": 96, "height": 80, "label": "x"}
    boxes = [
        about | {"image": f"photos/{name}", "box": [left, 10, left + 40, 60]}
        for left in (5, 45)
        for name in NAMES
    ]
    Path("boxes.jsonl").write_text("".join(json.dumps(record) + "\n" for record in boxes))
    return tmp_path


@pytest.fixture
def rows(here: Path, tv: Tv) -> str:
    """Give encodings of the eight photos."""
    assert tv("encode", "photos", "-o", "rows.h5", *SMALL).status == 0
    return "rows.h5"


def encoded(tv: Tv, *arguments: object) -> list[str]:
    assert tv("encode", "photos", "-o", "e.h5", *SMALL, *arguments).status == 0
    with open_artifact(Path("e.h5"), "encodings") as found:
        return list(found.read("image"))


def indexed(tv: Tv, *arguments: object) -> list[str]:
    assert tv("index", "photos", "-o", "i.tvx", *SMALL, *arguments).status == 0
    with open_index(Path("i.tvx")) as found:
        return list(found.images)


def cropped(tv: Tv, *arguments: object) -> list[str]:
    ran = tv("crops", "boxes.jsonl", "-o", "-", "--per-photo", 1, "--looks", 1, *arguments)
    assert ran.status == 0
    images = [json.loads(line)["image"] for line in ran.out.splitlines()]
    return [image.removeprefix("photos/") for image in dict.fromkeys(images)]


def taught(tv: Tv, *arguments: object) -> list[str]:
    ran = tv("triplets", "rows.h5", "-o", "-", "--flips", *arguments)
    assert ran.status == 0
    images = [json.loads(line)["anchor"]["image"] for line in ran.out.splitlines()]
    return [image.removeprefix("photos/") for image in images]


@pytest.mark.parametrize("of", [encoded, indexed, cropped, taught])
def test_how_many_photos_and_which(of: Images, tv: Tv, rows: str) -> None:
    assert of(tv) == NAMES
    assert of(tv, "--limit", 3) == NAMES[:3]
    assert of(tv, "--limit", 100) == NAMES
    four = of(tv, "--sample", 4)
    assert len(four) == 4 and four == [name for name in NAMES if name in four]
    assert of(tv, "--sample", 4, "--seed", 0) == four
    assert any(of(tv, "--sample", 4, "--seed", seed) != four for seed in (1, 2))
    assert of(tv, "--sample", 4, "--limit", 2) == four[:2]
    assert of(tv, "--sample", "100%") == NAMES


@pytest.mark.parametrize("queries", [(), ("--queries", "photos"), ("--queries", "rows.h5")])
def test_some_of_the_queries(tv: Tv, rows: str, queries: tuple[str, ...]) -> None:
    assert tv("index", rows, "-o", "i.tvx").status == 0
    measure = "eval", "search", "i.tvx", *queries
    assert "8 queries measured" in tv(*measure).err
    assert "3 queries measured" in tv(*measure, "--limit", 3).err
    four = tv(*measure, "--sample", 4)
    assert "4 queries measured" in four.err
    assert tv(*measure, "--sample", 4, "--seed", 0).out == four.out


def test_the_shards_divide_what_is_chosen(tv: Tv, here: Path) -> None:
    chosen = encoded(tv, "--sample", 5)
    parts = []
    for number in (1, 2):
        ran = tv(
            "encode",
            "photos",
            "-o",
            f"{number}.h5",
            *SMALL,
            "--sample",
            5,
            "--shard",
            f"{number}/2",
        )
        assert ran.status == 0, ran.err
        with open_artifact(Path(f"{number}.h5"), "encodings") as found:
            parts.append(set(found.read("image")))
    assert parts[0] | parts[1] == set(chosen) and not parts[0] & parts[1]


CHOICES = ("--limit", "3"), ("--sample", "3"), ("--sample", "50%")


@pytest.mark.parametrize("choice", CHOICES)
def test_updates_go_with_neither(tv: Tv, rows: str, choice: tuple[str, str]) -> None:
    assert tv("index", rows, "-o", "i.tvx").status == 0
    for way in (["--update"], ["--add"], ["--remove"]):
        ran = tv("index", "photos", "-o", "i.tvx", *way, *choice)
        assert (ran.status, ran.out) == (2, "")
        assert f"{way[0]} goes with neither --limit nor --sample" in ran.err
    ran = tv("encode", "photos", "-o", rows, "--update", *choice)
    assert ran.status == 2
    assert "--update goes with neither --limit nor --sample" in ran.err
    ran = tv("index", rows, "-o", "j.tvx", *choice)
    assert ran.status == 2 and "give them to tv encode" in ran.err
    assert not Path("j.tvx").exists()


@pytest.mark.parametrize("wrong", [("--limit", "0"), ("--sample", "0"), ("--sample", "150%")])
def test_what_is_no_number_of_photos(tv: Tv, rows: str, wrong: tuple[str, str]) -> None:
    commands: list[list[str]] = [
        ["encode", "photos", "-o", "e.h5"],
        ["index", "photos", "-o", "i.tvx"],
        ["crops", "boxes.jsonl", "-o", "-"],
        ["triplets", rows, "--flips", "-o", "-"],
        ["locate", "photos", "--classifier", "c.h5", "--boxes", "b.h5"],
    ]
    for command in commands:
        ran = tv(*command, *wrong)
        assert (ran.status, ran.out) == (2, ""), command
        assert wrong[0] in ran.err
    assert not Path("e.h5").exists() and not Path("i.tvx").exists()


def test_every_skipped_photo_is_written_however_many(
    tv: Tv, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tvcli.core.reports.KEPT", 5)
    bad = [f"bad-{number:02}.png" for number in range(30)]
    for name in bad:
        Path("photos", name).write_bytes(b"no picture")
    ran = tv("encode", "photos", "-o", "e.h5", *SMALL, "--errors", "errors.jsonl")
    assert ran.status == 0
    assert ", 30 skipped in" in ran.err
    assert len([line for line in ran.err.splitlines() if line.startswith("skipped")]) == 20
    written = [json.loads(line) for line in Path("errors.jsonl").read_text().splitlines()]
    assert [record["image"] for record in written] == [f"photos/{name}" for name in bad]
