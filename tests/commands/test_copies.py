import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Ran
from PIL import Image

from tvcli.core.files.locks import writing

Tv = Callable[..., Ran]


@pytest.fixture(autouse=True)
def there(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return photos


def contents(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_copies_come_with_their_truth(tv: Tv) -> None:
    ran = tv("copies", "photos", "-o", "copies", "--kinds", "crop,jpeg", "--format", "mixed")
    assert ran.status == 0, ran.err
    assert "16 copies in copies" in ran.err
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert {record["kind"] for record in told} == {"crop", "jpeg"}
    assert {record["original"] for record in told} >= {"photos/0.png", "photos/inner/7.png"}
    assert all(Path(record["image"]).is_file() for record in told)
    assert len({Path(record["image"]).suffix for record in told}) > 1
    crop = next(record for record in told if record["kind"] == "crop")
    with Image.open(crop["image"]) as copy, Image.open(crop["original"]) as original:
        assert copy.width == round(original.width * crop["across"])
    kept = [json.loads(line) for line in Path("copies/truth.jsonl").read_text().splitlines()]
    assert [record["original"] for record in kept] == [
        "../" + record["original"] for record in told
    ]


def test_the_truth_says_where_the_original_lies_and_what_else_is_seen(tv: Tv) -> None:
    line = {"image": "photos/0.png", "box": [20, 10, 60, 50]}
    Path("boxes.jsonl").write_text(json.dumps(line) + "\n" + json.dumps({"image": "photos/1.png"}))
    ran = tv("copies", "boxes.jsonl", "-o", "c", "--kinds", "pasted,frame,crop+print", "--size", 64)
    assert ran.status == 0, ran.err
    told = [json.loads(line) for line in ran.out.splitlines()]
    pasted = next(r for r in told if r["kind"] == "pasted" and r["original"] == "photos/0.png")
    assert pasted["other"] == "photos/1.png"
    framed = next(r for r in told if r["kind"] == "frame" and r["original"] == "photos/0.png")
    assert "other" not in framed
    for record in (pasted, framed):
        transform = np.array(record["transform"])
        corner = transform @ (20, 10, 1)
        assert corner[:2] / corner[2] == pytest.approx(record["outline"][0], abs=0.1)
    border = max(1, round(40 * framed["width"]))
    assert framed["outline"][0] == [border, border]
    joined = next(record for record in told if record["kind"] == "crop+print")
    assert [change["kind"] for change in joined["changes"]] == ["crop", "print"]
    kept = [json.loads(line) for line in Path("c/truth.jsonl").read_text().splitlines()]
    assert next(r for r in kept if "other" in r)["other"].startswith("../photos/")
    again = tv(
        "copies", "boxes.jsonl", "-o", "c", "--kinds", "pasted,frame,crop+print", "--size", 64
    )
    assert again.status == 0 and again.out == ran.out
    assert len(Path("c/truth.jsonl").read_text().splitlines()) == len(told)


def test_another_photo_that_is_broken_does_not_come_into_copies(tv: Tv) -> None:
    Path("two").mkdir()
    Path("photos/0.png").rename("two/a.png")
    Path("two/b.png").write_bytes(b"broken")
    ran = tv("copies", "two", "-o", "c", "--kinds", "pasted,beside,feed,screen,print,several")
    assert ran.status == 0 and "6 copies in c, 1 skipped" in ran.err
    assert all("other" not in json.loads(line) for line in ran.out.splitlines())


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(tv: Tv) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert tv("copies", "photos", "-o", folder, "--per-photo", 2, "--seed", seed).status == 0
    assert contents("a") == contents("b")
    assert contents("a").keys() & contents("c").keys() == {"truth.jsonl"}
    before = contents("a")
    assert tv("copies", "photos", "-o", "a", "--per-photo", 2, "--seed", 1).status == 0
    assert contents("a") == before


def test_the_truth_gathers_what_several_runs_made(tv: Tv) -> None:
    for kind in ("text", "blur"):
        assert tv("copies", "photos", "-o", "copies", "--kinds", kind).status == 0
    assert len(Path("copies/truth.jsonl").read_text().splitlines()) == 16


def test_files_of_others_are_left_alone(tv: Tv) -> None:
    ran = tv("copies", "photos", "-o", "copies", "--kinds", "blur")
    mine = Path(json.loads(ran.out.splitlines()[0])["image"])
    Path("copies/truth.jsonl").unlink()
    mine.write_bytes(b"dear to me")
    ran = tv("copies", "photos", "-o", "copies", "--kinds", "blur")
    assert ran.status == 3 and "is there, and is not this copy" in ran.err
    assert mine.read_bytes() == b"dear to me"
    Path("copies/truth.jsonl").write_text('{"image": "a"}\n')
    ran = tv("copies", "photos", "-o", "copies", "--kinds", "blur")
    assert ran.status == 3 and "truth.jsonl:1: not the truth of copies" in ran.err


def test_bad_photos_are_skipped_and_copies_are_not_copied(tv: Tv) -> None:
    Path("photos/bad.jpg").write_bytes(b"not a photo")
    for _ in range(2):
        ran = tv("copies", "photos", "-o", "photos/copies", "--kinds", "mirror", "--errors", "e")
        assert ran.status == 0 and "8 copies in photos/copies, 1 skipped" in ran.err
    assert json.loads(Path("e").read_text())["image"] == "photos/bad.jpg"
    ran = tv("copies", "photos", "-o", "c", "--kinds", "mirror", "--strict")
    assert ran.status == 3 and "bad.jpg: not a picture" in ran.err


@pytest.mark.parametrize("letter", ["n", "é"])
def test_photos_with_the_longest_names_are_copied(tv: Tv, letter: str) -> None:
    for number in "01":
        stem = letter * (249 // len(letter.encode())) + number
        Path(f"photos/{number}.png").rename(f"photos/{stem}.png")
    ran = tv("copies", "photos", "-o", "copies", "--kinds", "blur")
    assert ran.status == 0, ran.err
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert len({record["image"] for record in told if Path(record["image"]).is_file()}) == 8


def test_two_at_once_would_lose_the_truth_of_one(tv: Tv) -> None:
    Path("copies").mkdir()
    command = [sys.executable, "-m", "tvcli", "copies", "photos", "-o", "copies", "--kinds", "blur"]
    with writing(Path("copies/truth.jsonl")):
        other = subprocess.run(command, capture_output=True, text=True, check=False)
    assert other.returncode == 3
    assert "copies/truth.jsonl: is being written by process" in other.stderr
    assert list(Path("copies").iterdir()) == []
    assert tv("copies", "photos", "-o", "copies", "--kinds", "blur").status == 0


def test_what_makes_no_sense_is_said(tv: Tv) -> None:
    ran = tv("copies", "photos", "-o", "c", "--kinds", "shear")
    assert ran.status == 2 and "--kinds shear: no such change; there are scale" in ran.err
    Path("file").write_text("")
    assert tv("copies", "photos", "-o", "file").status == 3
    assert tv("copies", "nowhere", "-o", "c").status == 3
    ran = tv("copies", "photos", "-o", "photos")
    assert ran.status == 3 and "photos: the photos lie in it; put the copies elsewhere" in ran.err
