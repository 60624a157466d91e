"""The figures of backbones on pictures kept apart: how they are split, measured and written."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import picture
from PIL import Image

from scripts.bench import features
from scripts.bench.features import (
    Candidate,
    class_of,
    halves,
    kept_apart,
    named,
    photos_by_class,
    table_with_intervals,
)


@pytest.fixture
def kinds(tmp_path: Path) -> Path:
    """Give a folder of three classes of 3, 4 and 1 photos, in folders inside, too."""
    folder = tmp_path / "kinds"
    for kind, numbers in {"a": range(3), "b": range(10, 14), "c": range(20, 21)}.items():
        (folder / kind / "inner").mkdir(parents=True)
        for number in numbers:
            inner = "inner" if number % 2 else ""
            picture(number).save(folder / kind / inner / f"{number}.png")
    return folder


def test_half_of_each_class_is_the_gallery(kinds: Path) -> None:
    classes = photos_by_class(kinds)
    assert {name: len(photos) for name, photos in classes.items()} == {"a": 3, "b": 4, "c": 1}
    gallery, queries = halves(classes, 0)
    assert [class_of(photo, kinds) for photo in gallery] == ["a", "a", "b", "b", "c"]
    assert [class_of(photo, kinds) for photo in queries] == ["a", "b", "b"]
    assert sorted([*gallery, *queries]) == sorted(kinds.rglob("*.png"))
    assert halves(classes, 0) == (gallery, queries)
    assert any(halves(classes, seed)[0] != gallery for seed in range(1, 9))


def hits_of(kinds: Path, queries: list[Path], order: list[str]) -> str:
    """Return the hits of a search that finds the photos of the classes in an order."""
    photos = photos_by_class(kinds)
    hits = [photo for name in order for photo in photos[name]]
    return "".join(
        json.dumps({"query": str(query), "image": str(hit)}) + "\n"
        for query in queries
        for hit in hits
    )


def test_each_photo_is_a_query_to_all_others(
    kinds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, ...]] = []

    def tv(*arguments: str | Path) -> str:
        ran.append(tuple(map(str, arguments)))
        if arguments[0] == "index":
            return ""
        asked = Path(arguments[1]).read_text().splitlines()
        return hits_of(kinds, [Path(json.loads(line)["image"]) for line in asked], ["a", "b", "c"])

    monkeypatch.setattr(features, "tv", tv)
    row = kept_apart(named("mini --pool gem"), {"clothes": kinds}, tmp_path, 0)
    assert ran[0][-4:] == ("--backbone", "mini", "--pool", "gem")
    first, precision = (
        row[f"clothes (7 queries, 3 classes) {m}"] for m in ("hit@1", "precision@20")
    )
    assert first[0] == pytest.approx(3 / 7)  # those of a, which come first
    assert precision[0] == pytest.approx((3 * 2 / 7 + 4 * 3 / 7) / 7)  # of 7 others 2, or 3
    assert 0 <= first[1] < first[0] < first[2] <= 1
    monkeypatch.setattr(features, "FIRST", 2)
    row = kept_apart(named("mini"), {"clothes": kinds}, tmp_path, 0)
    assert row["clothes (7 queries, 3 classes) precision@2"][0] == pytest.approx(3 / 7)


def test_a_backbone_by_its_options() -> None:
    options = ("--backbone", "squeezenet1_1", "--weights", "a.pth", "--pool", "gem")
    assert named("squeezenet1_1 --weights a.pth --pool gem") == Candidate(
        "squeezenet1_1 --pool gem", options
    )


def test_the_table() -> None:
    rows = {"one": {"a hit@1": (0.5, 0.25, 0.75)}, "two": {"a hit@1": (1.0, 1.0, 1.0)}}
    assert table_with_intervals(rows) == (
        "| | one | two |\n|---|---|---|\n"
        "| a hit@1 | 0.500 (0.250 to 0.750) | 1.000 (1.000 to 1.000) |"
    )


@pytest.mark.long
def test_with_tv_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "kinds"
    for seed, kind in enumerate(("x", "y", "z")):
        (folder / kind).mkdir(parents=True)
        for number in range(4):
            noise = np.random.default_rng(number).integers(-9, 9, (80, 96, 3))
            pixels = np.clip(np.asarray(picture(seed), np.int64) + noise, 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / kind / f"{number}.png")
    arguments = ["--scenes", folder, "--groceries", folder, "--work", tmp_path / "work"]
    twice = ["--backbone", "mini", "--backbone", "mini-1 --size 64"]
    monkeypatch.setattr(sys, "argv", ["features", *map(str, arguments), *twice])
    features.main()
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[0] == "| | mini | mini-1 --size 64 |"
    figures = dict(line.strip("| ").split(" | ", 1) for line in lines[2:])
    right = "1.000 (1.000 to 1.000)"
    assert figures["scenes (6 queries, 3 classes) hit@1"] == f"{right} | {right}"
    assert figures["groceries (12 queries, 3 classes) hit@1"] == f"{right} | {right}"
    of_20 = figures["groceries (12 queries, 3 classes) precision@20"]
    assert re.fullmatch(r"(0\.273 \(0\.273 to 0\.273\) ?\|? ?){2}", of_20)  # 3 of 11 others
    assert len(figures) == 4
