import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran

Tv = Callable[..., Ran]


def test_info_of_every_artifact(
    tv: Tv, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("boxes.jsonl").write_text(
        '{"image": "photos/0.png", "box": [0, 0, 9, 9], "label": "cat"}\n'
        '{"image": "photos/1.png", "box": [0, 0, 9, 9], "label": "cat"}\n'
    )
    tv("encode", "boxes.jsonl", "-o", "e.h5", "--size", 64)
    tv("index", "e.h5", "-o", "x.tvx")
    ran = tv("info", "boxes.jsonl", "e.h5", "x.tvx", "--json")
    records, encodings, index = map(json.loads, ran.out.splitlines())
    assert (records["type"], records["rows"]) == ("records", 2)
    assert records["fields"] == {"image": 2, "box": 2, "label": 2}
    assert (encodings["type"], encodings["version"], encodings["rows"]) == ("encodings", 1, 2)
    assert encodings["shape"][1:] == [4, 4]
    assert encodings["labels"] == index["labels"] == {"cat": 2}
    assert encodings["settings"]["encoder"]["backbone"]["name"] == "mini"
    assert [parent["path"] for parent in encodings["provenance"]["inputs"]] == ["boxes.jsonl"]
    assert [parent["path"] for parent in index["provenance"]["inputs"]] == ["e.h5"]
    assert (index["type"], index["engine"], index["rows"]) == ("index", "exact", 2)
    text = tv("info", "e.h5").out
    assert "encodings" in text
    assert "cat 2" in text


def test_a_label_may_be_the_number_zero(tv: Tv, tmp_path: Path) -> None:
    records = tmp_path / "boxes.jsonl"
    records.write_text('{"image": "a.png", "label": 0}\n{"image": "b.png", "label": null}\n')
    assert json.loads(tv("info", records, "--json").out)["labels"] == {"0": 1}


def test_info_of_an_index_that_python_code_made(
    tv: Tv, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tv("index", photos, "-o", "x.tvx", "--keypoints")
    known = json.loads(Path("x.tvx/index.json").read_text())
    Path("x.tvx/index.json").write_text(json.dumps(known | {"provenance": {}}))
    ran = tv("info", "x.tvx")
    assert ran.status == 0 and "made by" not in ran.out
    assert "file keypoints-1.h5, method orb" in ran.out


def test_info_of_what_is_none(tv: Tv, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"what is this")
    for name, message in (("x", "not a file of tv's"), ("y", "no such file")):
        ran = tv("info", tmp_path / name)
        assert (ran.status, ran.out) == (3, "")
        assert message in ran.err


def test_parts_of_photos_are_counted_as_such(tv: Tv, photos: Path, tmp_path: Path) -> None:
    boxes = ([0, 0, 30, 30], [10, 10, 50, 60])
    lines = [json.dumps({"image": "photos/0.png", "box": box}) + "\n" for box in boxes]
    (tmp_path / "boxes.jsonl").write_text("".join(lines))
    ran = tv("index", tmp_path / "boxes.jsonl", "-o", tmp_path / "x.tvx")
    assert ran.err.startswith(f"2 parts of 1 photo, vectors of 512 values, in {tmp_path / 'x.tvx'}")
    assert tv("index", photos, "-o", tmp_path / "y.tvx").err.startswith("8 photos, vectors of 512")
