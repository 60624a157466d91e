import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran, picture

from tvcli.core.files.artifacts import open_artifact

Tv = Callable[..., Ran]


def test_encode_says_what_it_did(tv: Tv, photos: Path, tmp_path: Path) -> None:
    (photos / "bad.jpg").write_text("text")
    target, errors = tmp_path / "e.h5", tmp_path / "errors.jsonl"
    ran = tv("encode", photos, "-o", target, "--size", 64, "--errors", errors)
    assert (ran.status, ran.out) == (0, "")
    first, last = ran.err.splitlines()
    assert first == f"skipped {photos}/bad.jpg: not a picture that can be read"
    assert last.startswith(f"8 photos in {target}, 1 skipped in ")
    assert json.loads(errors.read_text()) == {
        "image": f"{photos}/bad.jpg",
        "stage": "decode",
        "reason": "not a picture that can be read",
    }


def test_strict_stops(tv: Tv, photos: Path, tmp_path: Path) -> None:
    (photos / "0-bad.jpg").write_bytes(b"")
    ran = tv("encode", photos, "-o", tmp_path / "e.h5", "--size", 64, "--strict")
    assert ran.status == 3
    assert (
        ran.err == f"tv: {photos}/0-bad.jpg: empty file (--strict stops at the first bad photo)\n"
    )
    assert not (tmp_path / "e.h5").exists()


def test_records_choose_regions(tv: Tv, photos: Path, tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.jsonl"
    boxes.write_text(
        '{"image": "photos/0.png", "box": [0, 0, 50, 50], "label": "left", "split": "test"}\n'
        '{"image": "photos/0.png", "crop": [9, 9, 80, 70], "box": [0, 0, 50, 50], "flip": true}\n'
        '{"image": "photos/1.png"}\n'
    )
    assert tv("encode", boxes, "-o", tmp_path / "e.h5", "--size", 64).status == 0
    with open_artifact(tmp_path / "e.h5") as file:
        assert file.read("image") == ["photos/0.png", "photos/0.png", "photos/1.png"]
        assert file.read("region").tolist() == [[0, 0, 50, 50], [9, 9, 80, 70], [0, 0, 96, 80]]
        assert file.read("label") == ["left", "", ""]
        assert file.read("split") == ["test", "", ""]
        assert file.read("flip").tolist() == [False, True, False]
        assert file.settings["root"] == "."


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["PHOTOS"], 2, "Missing option '-o'"),
        (["-o", "X"], 2, "Missing argument 'SRC'"),
        (["PHOTOS", "-o", "X", "--pool", "median"], 2, "--pool median: one of none, auto"),
        (["PHOTOS", "-o", "X", "--backbone", "resnet1"], 2, "no backbone 'resnet1'"),
        (["PHOTOS", "-o", "X", "--device", "mps"], 2, "this machine has none"),
        (["PHOTOS", "-o", "X", "--size", "8"], 2, "Invalid value for '--size'"),
        (["missing-folder", "-o", "X"], 3, "missing-folder: no such file or folder"),
        (["missing.jpg", "-o", "X"], 3, "tv: missing.jpg: not found"),
        (["PHOTOS", "-o", "BAD/X"], 3, "cannot be written: its folder is a file"),
        (["PHOTOS", "-o", "X", "--backbone", "alexnet", "--weights", "w"], 3, "w: no such file"),
        (["BAD", "-o", "X"], 3, "BAD:2: not JSON"),
    ],
)
def test_errors_are_one_line(
    tv: Tv,
    photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "BAD").write_text('{"image": "photos/0.png"}\n{"image": \n')
    before = sorted(tmp_path.rglob("*"))
    ran = tv("encode", *(str(photos) if word == "PHOTOS" else word for word in arguments))
    assert (ran.status, ran.out) == (status, "")
    assert message in ran.err.splitlines()[-1]
    assert ran.err.splitlines()[-1].startswith("tv: ")
    assert "Traceback" not in ran.err
    assert [
        p for p in sorted(tmp_path.rglob("*")) if p not in before and ".parts" not in str(p)
    ] == []


def test_settings_come_from_flag_then_environment_then_file(
    tv: Tv, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def size(*flags: object) -> int:
        assert tv("encode", photos, "-o", "e.h5", "--pool", "mean", *flags).status == 0
        with open_artifact(Path("e.h5")) as file:
            return int(file.settings["encoder"]["size"])

    Path("tv.toml").write_text("quiet = true\n[encode]\nsize = 64\n")
    assert size() == 64
    monkeypatch.setenv("TV_ENCODE_SIZE", "80")
    assert size() == 80
    assert size("--size", 48) == 48
    Path("tv.toml").write_text("[encode\n")
    ran = tv("encode", photos, "-o", "e.h5")
    assert ran.status == 3
    assert "tv.toml: not readable as TOML" in ran.err


def test_debug_shows_the_traceback(tv: Tv) -> None:
    assert "Traceback" in tv("--debug", "encode", "nothing", "-o", "x.h5").err
    assert "Traceback" in tv("encode", "nothing", "-o", "x.h5", "--debug").err


def test_the_same_command_makes_the_same_file(tv: Tv, photos: Path, tmp_path: Path) -> None:
    made = []
    for _ in range(2):
        picture(1).save(photos / "new.png")
        tv("encode", photos, "-o", tmp_path / "e.h5", "--size", 64)
        made.append((tmp_path / "e.h5").read_bytes())
    assert made[0] == made[1]


def test_a_photo_that_lacks_its_end_is_used_and_named(
    tv: Tv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    picture(1).save("a.jpg")
    Path("a.jpg").write_bytes(Path("a.jpg").read_bytes()[:-2])
    ran = tv("index", "a.jpg", "-o", "x.tvx", "--size", 64)
    assert (ran.status, "a.jpg: its end marker is missing; it is used" in ran.err) == (0, True)
    ran = tv("search", "a.jpg", "-i", "x.tvx")
    assert (ran.status, "its end marker is missing" in ran.err) == (0, True)


def test_pictures_left_out_are_counted_by_kind(
    tv: Tv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("p/a.psd", "p/b.PSD", "p/c.exr", "only/d.psd"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"\0\0\0\x18ftypheic")
    picture(1).save("p/e.jpg")
    ran = tv("encode", "p", "-o", "x.h5", "--size", 64, "--errors", "e.jsonl")
    assert ran.status == 0
    assert "1 .exr, 2 .psd left out" in ran.err
    records = [json.loads(line) for line in Path("e.jsonl").read_text().splitlines()]
    assert [record["image"] for record in records] == ["p/a.psd", "p/b.PSD", "p/c.exr"]
    ran = tv("encode", "only", "-o", "y.h5")
    assert ran.status == 3
    assert "no photos found in only that can be read: 1 .psd left out" in ran.err


def test_a_photo_of_several_folders_is_one(tv: Tv, photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.tvx"
    once = tv("index", photos, "-o", target, "--size", 64).err
    target_again = tmp_path / "again.tvx"
    for folders in ((photos, photos), (photos, photos / "inner"), (photos / "inner", photos)):
        again = tv("index", *folders, "-o", target_again, "--size", 64).err
        assert again.count("skipped") == once.count("skipped")
        assert rows_of(tv, target_again) == rows_of(tv, target)
    said = tv("index", photos, photos, "--update", "-o", target_again).err
    assert said.startswith("0 added, 0 changed, 0 moved, 0 removed")


def rows_of(tv: Tv, index: Path) -> int:
    return int(json.loads(tv("info", index, "--json").out)["rows"])


def test_what_is_no_index_is_refused_before_any_work(tv: Tv, photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "img.jpg"
    target.write_bytes(b"a photo")
    ran = tv("index", photos, "-o", target, "--size", 64)
    assert ran.status == 3
    assert ran.err == f"tv: {target}: is there, but is no index; name another with -o\n"
    assert target.read_bytes() == b"a photo"
    assert {path.name for path in tmp_path.iterdir()} == {"img.jpg", "photos"}


def test_missing_folders_of_outputs_are_made_but_not_in_vain(
    tv: Tv, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    errors = ("--errors", "new/2/errors.jsonl")
    assert tv("encode", photos, "-o", "new/1/e.h5", "--size", 64, *errors).status == 0
    assert tv("index", "new/1/e.h5", "-o", "new/3/x.tvx").status == 0
    assert tv("merge", "new/1/e.h5", "-o", "new/4/e.h5").status == 0
    pairs = tv("triplets", "new/1/e.h5", "--from-folders", "-o", "new/5/t.jsonl")
    assert pairs.status == 0, pairs.err
    assert sorted(map(str, Path("new").glob("*/*"))) == [
        *("new/1/e.h5", "new/2/errors.jsonl", "new/3/x.tvx", "new/4/e.h5", "new/5/t.jsonl"),
    ]
    (tmp_path / "empty").mkdir()
    for command in ("encode", "index"):
        assert tv(command, "empty", "-o", "vain/x/y.h5").status == 3
        assert tv(command, "none", "-o", "vain/x/y.h5").status == 3
    assert tv("encode", photos, "-o", "new/1/e.h5/y.h5").err.startswith(
        "tv: new/1/e.h5/y.h5: cannot"
    )
    assert not Path("vain").exists()


def test_folders_where_files_are_wanted_are_told_as_what_they_are(
    tv: Tv, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    ran = tv("index", "photos", "empty", "-o", "x.tvx", "--size", 64)
    assert ran.status == 0 and "empty: no photos in this folder\n" in ran.err
    records = "where a file of records is needed"
    rows = "where a file of tv encode (.h5) is needed"
    for command, said in (
        (("crops", "photos", "-o", "c.jsonl"), f"photos: a folder, {records}"),
        (("eval", "boxes", "x.tvx", "c.jsonl"), f"x.tvx: an index, {records}"),
        (("train-boxes", "x.tvx", "-o", "b.h5"), f"x.tvx: an index, {rows}"),
        (("triplets", "photos", "--flips", "-o", "t.jsonl"), f"photos: a folder, {rows}"),
        (("same", "x.tvx", "photos"), "x.tvx: an index, not a photo"),
    ):
        ran = tv(*command)
        assert (ran.status, ran.err) == (3, f"tv: {said}\n"), command


def test_last_lines_name_no_file_of_standard_output(tv: Tv, photos: Path) -> None:
    with (photos.parent / "boxes.jsonl").open("w") as stream:
        json.dump({"image": str(photos / "0.png"), "box": [10, 10, 60, 60], "label": "a"}, stream)
    ran = tv("crops", photos.parent / "boxes.jsonl", "-o", "-")
    assert ran.status == 0 and " of 1 photo in " in ran.err and " in - " not in ran.err
