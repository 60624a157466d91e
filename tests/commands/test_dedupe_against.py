import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Ran, drawn

from tvcli.core.deduping.sharing import near_by_words
from tvcli.core.deduping.words import NONE
from tvcli.core.matching.features import COUNT
from tvcli.core.reports import Report

Tv = Callable[..., Ran]


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an archive of four photos, two of them the same, and new ones: two of it, two alike."""
    monkeypatch.chdir(tmp_path)
    for folder in ("archive", "new"):
        Path(folder).mkdir()
    for number in range(3):
        drawn(number).save(f"archive/{number}.png")
    drawn(2).resize((160, 120)).save("archive/2-small.png")
    drawn(0).crop((20, 20, 300, 230)).save("new/part.png")
    shutil.copyfile("archive/1.png", "new/copied.png")
    drawn(7).save("new/other.png")
    drawn(7).resize((300, 225)).save("new/other-too.png")
    return tmp_path


def pairs(ran: Ran) -> dict[str, list[str]]:
    """Return by the photo kept the photos that are the same."""
    groups = [json.loads(line)["members"] for line in ran.out.splitlines()]
    assert all(
        [m["action"] for m in group] == ["keep"] + ["drop"] * (len(group) - 1) for group in groups
    )
    return {group[0]["image"]: [m["image"] for m in group[1:]] for group in groups}


EXPECTED = {"archive/0.png": ["new/part.png"], "archive/1.png": ["new/copied.png"]}


@pytest.mark.parametrize("own", ["new", "new.tvx"])
@pytest.mark.parametrize("against", ["archive", "archive.tvx"])
def test_only_pairs_across_are_found(tv: Tv, own: str, against: str) -> None:
    for name in ("new", "archive"):
        assert tv("index", name, "-o", f"{name}.tvx", "-q").status == 0
    ran = tv("dedupe", own, "--against", against)
    assert ran.status == 0, ran.err
    assert pairs(ran) == EXPECTED
    assert "2 groups, 2 photos to drop" in ran.err
    reasons = {
        m["image"]: m["reason"] for g in map(json.loads, ran.out.splitlines()) for m in g["members"]
    }
    assert reasons["new/copied.png"] == "the same bytes as that one"
    assert "fewer pixels, 280x210 next to 320x240" in reasons["new/part.png"]


def test_photos_of_one_size_are_said_to_be(tv: Tv) -> None:
    Path("again").mkdir()
    drawn(0).save("again/0.jpg")
    (group,) = map(json.loads, tv("dedupe", "again", "--against", "archive").out.splitlines())
    reason = "the same picture as that one, of the same size, 320x240"
    assert group["members"][1]["reason"] == reason


def test_nothing_in_common_is_exit_status_1(tv: Tv) -> None:
    for path in ("new/part.png", "new/copied.png"):
        Path(path).unlink()
    ran = tv("dedupe", "new", "--against", "archive")
    assert (ran.status, ran.out) == (1, "")
    ran = tv("dedupe", "archive", "--against", "archive")
    assert ran.status == 1 and "no photo to compare with is another file" in ran.err


def test_new_photos_may_lie_in_the_archive_and_links_are_one_file(tv: Tv) -> None:
    shutil.move("new", "archive/new")
    ran = tv("dedupe", "archive/new", "--against", "archive")
    assert ran.status == 0
    assert pairs(ran) == {k: [f"archive/{one}" for one in v] for k, v in EXPECTED.items()}
    Path("again").symlink_to("archive")
    assert pairs(tv("dedupe", "archive/new", "--against", "again")) == {
        k.replace("archive", "again"): [f"archive/{one}" for one in v] for k, v in EXPECTED.items()
    }


def test_paths_and_the_page_show_what_to_drop(tv: Tv) -> None:
    ran = tv("dedupe", "new", "--against", "archive", "-0")
    assert ran.out.split("\0")[:-1] == ["new/part.png", "new/copied.png"]
    ran = tv("dedupe", "new", "--against", "archive", "--format", "html")
    assert ran.out.count("data:image/jpeg") == 4


def test_several_folders_decisions_and_protected_photos(tv: Tv) -> None:
    Path("second").mkdir()
    shutil.copyfile("new/other.png", "second/x.png")
    ran = tv("dedupe", "new", "--against", "archive", "--against", "second")
    assert pairs(ran) == EXPECTED | {"second/x.png": ["new/other-too.png", "new/other.png"]}
    Path("different.jsonl").write_text('{"images": ["new/part.png", "archive/0.png"]}\n')
    ran = tv("dedupe", "new", "--against", "archive", "--not-duplicates", "different.jsonl")
    assert pairs(ran) == {"archive/1.png": ["new/copied.png"]}
    ran = tv("dedupe", "new", "--against", "archive", "--protect", "new", "--format", "paths")
    assert (ran.status, ran.out) == (0, "")


def test_indexes_made_in_other_ways_are_compared_by_key_points(tv: Tv) -> None:
    assert tv("index", "new", "-o", "new.tvx", "-q").status == 0
    assert tv("index", "archive", "-o", "archive.tvx", "-q", "--size", 64).status == 0
    ran = tv("dedupe", "new.tvx", "--against", "archive.tvx")
    assert ran.status == 0 and "candidates are those of key points" in ran.err
    assert pairs(ran) == EXPECTED
    ran = tv("dedupe", "new", "--against", "archive.tvx")  # photos are encoded as it was made
    assert pairs(ran) == EXPECTED and "candidates are those" not in ran.err


def test_what_cannot_be_compared_with_is_named(tv: Tv) -> None:
    ran = tv("dedupe", "new", "--against", "nowhere")
    assert ran.status == 3 and "nowhere" in ran.err
    assert tv("index", "archive", "-o", "archive.tvx", "-q").status == 0
    ran = tv("dedupe", "new", "--against", "archive.tvx", "--against", "archive")
    assert ran.status == 2 and "an index goes alone" in ran.err
    Path("archive/1.png").unlink()
    ran = tv("dedupe", "new", "--against", "archive.tvx")
    assert ran.status == 0 and "skipped archive/1.png: not found" in ran.err
    assert pairs(ran) == {"archive/0.png": ["new/part.png"]}


def test_words_are_sought_across_as_a_naive_loop_finds_them() -> None:
    rng = np.random.default_rng(0)
    words = np.full((9, 2, COUNT), NONE, np.uint16)
    words[:, :, :40] = rng.integers(0, 60, (9, 2, 40))
    found = near_by_words(words, 3, Report(), own=4)
    assert found.shape == (4, 3) and (found >= 4).all()
    within = near_by_words(words, 8, Report())
    for row, near in enumerate(found):
        everywhere: Any = [other for other in within[row].tolist() if other >= 4]
        assert near.tolist() == everywhere[:3]
