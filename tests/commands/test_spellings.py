"""Names with accents, composed in records and taken apart by the file system, as Macs do."""

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran, drawn

from tvcli.core.files.spellings import as_on_disk

Tv = Callable[..., Ran]
COMPOSED, APART = (unicodedata.normalize(form, "été.jpg") for form in ("NFC", "NFD"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a current folder of photos, one of them with accents taken apart."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for number, name in enumerate((APART, "a.jpg", "b.jpg")):
        drawn(number).save(Path("photos", name))
    if Path("photos", COMPOSED).exists():
        pytest.skip("this file system takes both spellings for one name")
    return tmp_path


def records(name: str, *lines: dict[str, object]) -> str:
    Path(name).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return name


def test_a_path_is_spelled_as_on_disk(folder: Path) -> None:
    assert as_on_disk(f"photos/{COMPOSED}") == f"photos/{APART}"
    assert as_on_disk(f"photos/{APART}") == f"photos/{APART}"
    for name in ("photos/ö.jpg", "photos/none.jpg"):
        assert as_on_disk(name) == name


def test_records_find_photos_by_either_spelling(folder: Path, tv: Tv) -> None:
    box = {"image": f"photos/{COMPOSED}", "box": [20, 20, 200, 200], "label": "coat"}
    boxes = records("boxes.jsonl", box, {"image": "photos/a.jpg", "label": "hat"})
    ran = tv("index", boxes, "-o", "boxes.tvx")
    assert (ran.status, "2 photos" in ran.err, "skip" in ran.err) == (0, True, False), ran.err
    assert "0 added, 0 changed" in tv("index", boxes, "-o", "boxes.tvx", "--update").err
    crops = tv("crops", records("one.jsonl", box), "-o", "-")
    assert crops.status == 0 and crops.out, crops.err


def test_an_index_is_asked_by_either_spelling(folder: Path, tv: Tv) -> None:
    assert tv("index", "photos", "-o", "a.tvx").status == 0
    for query in (f"photos/{COMPOSED}", f"--item=photos/{COMPOSED}", f"--like=photos/{COMPOSED}"):
        ran = tv("search", query, "-i", "a.tvx", "-k", 1)
        assert ran.status == 0, ran.err
        hit = json.loads(ran.out)
        assert hit["image"] == f"photos/{APART}" and "missing" not in hit
    fields = records("fields.jsonl", {"image": f"photos/{COMPOSED}", "price": 5})
    assert tv("index", "-o", "a.tvx", "--fields", fields).status == 0
    priced = tv("search", "photos/a.jpg", "-i", "a.tvx", "--where", "price=5")
    assert json.loads(priced.out)["image"] == f"photos/{APART}"
    names = [(APART, "x"), ("a.jpg", "x"), ("b.jpg", "y")]
    labels = [
        {"image": unicodedata.normalize("NFC", f"photos/{name}"), "label": label}
        for name, label in names
    ]
    ran = tv("eval", "search", "a.tvx", "--truth", records("truth.jsonl", *labels))
    assert (ran.status, "2 queries" in ran.out + ran.err or "2" in ran.out) == (0, True), ran.err
