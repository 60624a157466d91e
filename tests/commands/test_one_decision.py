"""Whether two photos show the same picture is answered alike by whoever is asked."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran, drawn

Tv = Callable[..., Ran]

KINDS = "scale,crop,rotation,mirror,jpeg,brightness,text,frame,beside,mirror+crop"


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give three photos that are known, and copies of two of them and of a stranger."""
    monkeypatch.chdir(tmp_path)
    Path("known").mkdir()
    Path("asked").mkdir()
    for number in range(3):
        drawn(number).save(f"known/{number}.png")
    for number in (0, 1, 8):
        drawn(number).save(f"asked/{number}.png")
    return tmp_path


@pytest.mark.usefixtures("there")
def test_search_same_and_dedupe_answer_alike(tv: Tv) -> None:
    ran = tv("copies", "asked", "-o", "copies", "--kinds", KINDS, "--per-photo", 3)
    copies = [json.loads(line)["image"] for line in ran.out.splitlines()]
    assert len(copies) == 9 and tv("index", "known", "-o", "known.tvx", "-q").status == 0
    hits = tv("search", *copies, "-i", "known.tvx", "--verify", "default")
    by_search = {(r["query"], r["image"]) for r in map(json.loads, hits.out.splitlines())}
    known = [f"known/{number}.png" for number in range(3)]
    by_same = {
        (copy, photo)
        for copy in copies
        for photo in known
        if tv("same", "-s", copy, photo).status == 0
    }
    groups = tv("dedupe", "copies", "--against", "known.tvx").out.splitlines()
    by_dedupe = {
        (member["image"], group["members"][0]["image"])
        for group in map(json.loads, groups)
        for member in group["members"][1:]
    }
    assert by_search == by_same
    assert by_dedupe == by_same
    found = {copy for copy, _ in by_same}
    assert len(found) >= 5 and not {c for c in found if Path(c).name[0] in "89"}
