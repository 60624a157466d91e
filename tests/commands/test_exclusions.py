"""What is left out of folders: what photo managers keep there, and what --exclude names."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran, picture

from tvcli.core.indexes.index import open_index

Tv = Callable[..., Ran]
KEPT = ["@eaDir", "#recycle", "$RECYCLE.BIN", "inner/@EADIR", "Lightroom Previews.lrdata"]


@pytest.fixture
def folder(photos: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work beside eight photos, with thumbnails and trash among them."""
    monkeypatch.chdir(photos.parent)
    for number, name in enumerate(KEPT):
        (photos / name).mkdir()
        picture(20 + number).save(photos / name / "thumb.png")
    return photos


def images(target: str = "x.tvx") -> list[str]:
    with open_index(Path(target)) as index:
        return sorted(index.images)


def index(tv: Tv, *more: object) -> Ran:
    ran = tv("index", "photos", "-o", "x.tvx", "--size", 64, *more)
    assert ran.status == 0, ran.err
    return ran


def test_thumbnails_and_trash_are_left_out_and_that_is_said_once(folder: Path, tv: Tv) -> None:
    ran = index(tv)
    assert len(images()) == 8
    assert not any("thumb" in image for image in images())
    assert ran.err.count("left out: ") == 1
    assert "0 added, 0 changed" in index(tv, "--update").err
    assert tv("dedupe", "photos").status == 1
    ran = tv("encode", "photos/@eaDir", "-o", "e.h5", "--size", 64)  # named itself
    assert (ran.status, "1 photo in" in ran.err) == (0, True)


@pytest.mark.parametrize(
    ("globs", "count"),
    [(["inner"], 5), (["inner/*"], 5), (["1.png"], 7), (["[12].png", "inner/5.png"], 5),
     (["./inner/"], 5), (["nothing*"], 8)],
)  # fmt: skip
def test_more_is_excluded_by_globs(globs: list[str], count: int, folder: Path, tv: Tv) -> None:
    excluded = [word for glob in globs for word in ("--exclude", glob)]
    index(tv, *excluded)
    assert len(images()) == count
    assert "0 added, 0 changed, 0 moved, 0 removed" in index(tv, "--update", *excluded).err
    again = index(tv, "--update")
    assert "0 added, 0 changed, 0 moved, 0 removed" in again.err
    assert again.err.count("of before; --exclude '' ends that") == (count < 8)
    index(tv, "--update", "--exclude", "")
    assert len(images()) == 8
    assert "0 added, 0 changed, 0 moved, 0 removed" in index(tv, "--update").err


def test_what_an_update_excludes_is_remembered_too(folder: Path, tv: Tv) -> None:
    index(tv, "--exclude", "1.png")
    assert "1 removed" in index(tv, "--update", "--exclude", "2.png").err
    assert len(images()) == 6
    assert "0 added" in index(tv, "--update").err
    picture(40).save("photos/1.png")
    picture(41).save("photos/new.png")
    assert "1 added, 0 changed" in index(tv, "--update").err
    planned = tv("index", "photos", "-o", "x.tvx", "--update", "--dry-run")
    assert (planned.status, planned.out) == (0, "")


def test_encodings_remember_what_was_excluded(folder: Path, tv: Tv) -> None:
    encode = ("encode", "photos", "-o", "e.h5", "--size", 64)
    assert tv(*encode, "--exclude", "inner").status == 0
    assert "0 added" in tv(*encode, "--update").err
    assert "1 removed" in tv(*encode, "--update", "--exclude", "1.png").err
    assert "0 added" in tv(*encode, "--update").err
    ended = tv(*encode, "--update", "--exclude", "")
    assert "4 added" in ended.err
    assert "0 added" in tv(*encode, "--update").err


def test_what_is_named_is_never_left_out(folder: Path, tv: Tv) -> None:
    ran = tv("index", "photos/1.png", "photos/inner", "-o", "x.tvx", "--exclude", "1.png",
             "--exclude", "inner", "--size", 64)  # fmt: skip
    assert ran.status == 0
    assert len(images()) == 4
    ran = tv("search", "photos/1.png", "-i", "x.tvx", "-k", 1)
    assert json.loads(ran.out)["image"] == "photos/1.png"
