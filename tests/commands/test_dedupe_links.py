"""Links: what is proposed to be dropped never takes away the only copy of a picture."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Ran, drawn
from hypothesis import given, settings
from hypothesis import strategies as st

from tvcli.cli import run
from tvcli.core.images.photo import digest

Tv = Callable[..., Ran]
FOLDERS = ("here", "here/below", "there", "outside")
ENTRY = st.tuples(
    st.sampled_from(["copy", "hard", "relative", "absolute"]),
    st.sampled_from(FOLDERS),
    st.integers(0, 20),  # which of the entries so far it is made of
)


def groups_of(ran: Ran) -> list[dict[str, Any]]:
    assert ran.status in (0, 1), ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def dropped_of(groups: list[dict[str, Any]]) -> list[str]:
    members = [member for group in groups for member in group["members"]]
    return [
        name
        for member in members
        if member["action"] == "drop"
        for name in (member["image"], *member.get("links", []))
    ]


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with `p/z.png` in it."""
    monkeypatch.chdir(tmp_path)
    Path("p").mkdir()
    drawn(0, 160, 120).save("p/z.png")
    return Path("p/z.png")


def test_a_link_and_its_target_are_one_photo(tv: Tv, photo: Path) -> None:
    Path("p/a.png").symlink_to("z.png")
    ran = tv("dedupe", "p")
    assert (ran.status, ran.out) == (1, "")


def test_a_file_is_kept_and_links_are_dropped_with_theirs(tv: Tv, photo: Path) -> None:
    Path("p/a.png").symlink_to("z.png")
    shutil.copy(photo, "p/copy.png")
    (group,) = groups_of(tv("dedupe", "p"))
    kept, dropped = group["members"]
    assert (kept["image"], kept.get("links")) == ("p/copy.png", None)
    assert (dropped["image"], dropped["links"]) == ("p/z.png", ["p/a.png"])
    assert tv("dedupe", "p", "-0").out.split("\0")[:-1] == ["p/z.png", "p/a.png"]
    for format in ("table", "html"):
        assert "also linked as" in tv("dedupe", "p", "--format", format).out


def test_a_link_alone_gives_way_to_a_file_as_good(tv: Tv, photo: Path) -> None:
    Path("outside").mkdir()
    photo.rename("outside/z.png")
    Path("p/a.png").symlink_to("../outside/z.png")
    shutil.copy("outside/z.png", "p/b.png")
    (group,) = groups_of(tv("dedupe", "p"))
    assert [member["image"] for member in group["members"]] == ["p/b.png", "p/a.png"]
    assert group["members"][0]["reason"] == "a file, not a link"


def test_a_hard_link_is_said_to_be_one(tv: Tv, photo: Path) -> None:
    Path("p/h.png").hardlink_to(photo)
    (group,) = groups_of(tv("dedupe", "p"))
    assert "hard link" in group["members"][1]["reason"]
    assert "frees no space" in group["members"][1]["reason"]


def test_what_a_protected_link_needs_is_protected(tv: Tv, photo: Path) -> None:
    Path("album").mkdir()
    Path("album/a.png").symlink_to("../p/z.png")
    drawn(0, 320, 240).save("p/larger.png")
    ran = tv("dedupe", "p", "album", "--protect", "album")
    assert dropped_of(groups_of(ran)) == ["p/larger.png"]
    Path("way").symlink_to("p")  # a protected folder is so by whatever name
    ran = tv("dedupe", "way", "album/a.png", "--protect", "p")
    assert dropped_of(groups_of(ran)) == []


def test_a_folder_named_twice_holds_each_photo_once(tv: Tv, photo: Path) -> None:
    Path("way").symlink_to("p")
    assert tv("dedupe", "p", "way").status == 1
    shutil.copy(photo, "p/again.png")
    assert dropped_of(groups_of(tv("dedupe", "p", "way"))) == ["p/z.png"]


@settings(max_examples=20)
@given(st.lists(ENTRY, min_size=1, max_size=9))
def test_dropping_what_is_proposed_loses_no_picture(entries: list[tuple[str, str, int]]) -> None:
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.chdir(name)
        every = made(entries)
        seen = [path for path in every if path.parts[0] != "outside"]
        content = {path: digest(path.read_bytes()) for path in seen}
        command = ["dedupe", "here", "there", "way", "-q", "--errors", "errors.jsonl"]
        with Path("out").open("w") as out, pytest.MonkeyPatch.context() as inside:
            inside.setattr("sys.stdout", out)
            assert run(command) in (0, 1)
        groups = [json.loads(line) for line in Path("out").read_text().splitlines()]
        for path in dropped_of(groups):
            os.remove(path)  # noqa: PTH107 - each is there, once
        for group in groups:
            kept = [member for member in group["members"] if member["action"] == "keep"]
            assert kept
            for member in kept:
                assert digest(Path(member["image"]).read_bytes()) == member["digest"]
        left = {path for path in content if path.is_symlink() or path.exists()}
        assert {digest(path.read_bytes()) for path in left} == set(content.values())


def made(entries: list[tuple[str, str, int]]) -> list[Path]:
    """Make two pictures and entries of them: copies, hard links, symbolic links, of each other."""
    for folder in FOLDERS:
        Path(folder).mkdir(exist_ok=True)
    Path("way").symlink_to("here/below")
    every = [Path("here/first.png"), Path("outside/second.png")]
    for number, path in enumerate(every):
        drawn(number, 160, 120).save(path)
    for number, (kind, folder, target) in enumerate(entries):
        path, of = Path(folder, f"{number}.png"), every[target % len(every)]
        if kind == "copy":
            shutil.copy(of, path)
        elif kind == "hard":
            path.hardlink_to(of.resolve())
        else:
            to = os.path.relpath(of, folder) if kind == "relative" else of.absolute()
            path.symlink_to(to)
        every.append(path)
    return every
