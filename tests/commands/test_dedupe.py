import io
import json
import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from conftest import Ran, drawn

from tvcli.cli import run

Tv = Callable[..., Ran]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with `photos/`, `copies/` of some of them, and an index of both.

    The index keeps key points, which halves what each run costs.
    """
    folder = tmp_path_factory.mktemp("dedupe")
    (folder / "photos").mkdir()
    for number in range(4):
        drawn(number, 160, 120).save(folder / "photos" / f"{number}.png")
    (folder / "copies").mkdir()
    shutil.copy(folder / "photos" / "0.png", folder / "copies" / "again.png")
    copies = ["copies", folder / "photos" / "1.png", "-o", folder / "copies", "-q"]
    assert run([str(part) for part in [*copies, "--kinds", "rotation,crop,mirror"]]) == 0
    index = ["index", folder / "photos", folder / "copies", "-o", folder / "x.tvx", "-q"]
    assert run([str(part) for part in [*index, "--size", "64", "--keypoints"]]) == 0
    return folder


@pytest.fixture(scope="module")
def lines(prepared: Path) -> list[str]:
    """Give what `tv dedupe x.tvx` writes there."""
    out = io.TextIOWrapper(io.BytesIO())
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
        patch.chdir(prepared)
        assert run(["dedupe", "x.tvx", "-q"]) == 0
    out.seek(0)
    return out.read().splitlines()


@pytest.fixture(autouse=True)
def there(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(prepared)
    monkeypatch.delenv("TV_INDEX", raising=False)


@pytest.fixture
def elsewhere(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a copy of the folder, which may be changed."""
    shutil.copytree(prepared, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")


def groups(ran: Ran) -> list[dict[str, Any]]:
    assert ran.status == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def names(group: dict[str, Any]) -> list[str]:
    return [member["image"] for member in group["members"]]


def test_groups_come_with_a_proposal_and_its_reason(lines: list[str]) -> None:
    first, second = map(json.loads, lines)
    assert sorted(names(first)) == ["copies/again.png", "photos/0.png"]
    assert [member["action"] for member in first["members"]] == ["keep", "drop"]
    assert first["members"][1]["reason"] == "the same bytes as the one kept"
    assert len(names(second)) == 4 and second["members"][0]["image"] == "photos/1.png"
    by_kind = {Path(m["image"]).stem.split("-")[1]: m for m in second["members"][1:]}
    assert "mirrored" in by_kind["mirror"]["relation"]
    assert "shows" in by_kind["crop"]["relation"]
    assert by_kind["crop"]["inliers"] > 13
    assert Path("photos/0.png").exists() and Path("copies/again.png").exists()


def test_photos_are_deduped_as_their_index_is(tv: Tv, lines: list[str]) -> None:
    ran = tv("dedupe", "copies", "photos")
    assert [names(group) for group in groups(ran)] == [names(json.loads(line)) for line in lines]
    assert "2 groups, 4 photos to drop" in ran.err


def test_key_points_that_the_index_keeps_are_not_described_again(
    tv: Tv, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.delattr("tvcli.core.deduping.keypoint_store.describe_both")
        assert tv("dedupe", "x.tvx").out.splitlines() == lines
    monkeypatch.setattr(
        "tvcli.core.indexes.keypoints.Kept.known", lambda _, rows: [None] * len(rows)
    )
    assert tv("dedupe", "x.tvx").out.splitlines() == lines


def test_folders_are_preferred_and_protected(tv: Tv) -> None:
    first, _ = groups(tv("dedupe", "x.tvx", "--prefer", "photos"))
    assert first["members"][0]["image"] == "photos/0.png"
    assert "preferred folder" in first["members"][0]["reason"]
    ran = tv("dedupe", "x.tvx", "--protect", "copies")
    assert {m["action"] for m in groups(ran)[1]["members"] if "copies" in m["image"]} == {"keep"}
    ran = tv("dedupe", "x.tvx", "--protect", "copies", "--format", "paths")
    assert sorted(ran.out.splitlines()) == ["photos/0.png", "photos/1.png"]
    assert tv("dedupe", "x.tvx", "--protect", "copies", "--protect", "photos", "-0").out == ""


def test_paths_to_drop_end_in_nul(tv: Tv, lines: list[str]) -> None:
    dropped = tv("dedupe", "x.tvx", "-0").out.split("\0")
    assert dropped.pop() == ""
    assert len(dropped) == 4 and all(Path(path).is_file() for path in dropped)
    said = [m for line in lines for m in json.loads(line)["members"] if m["action"] == "drop"]
    assert dropped == [member["image"] for member in said]


def test_what_was_said_to_differ_is_in_no_group(tv: Tv, tmp_path: Path, lines: list[str]) -> None:
    said = tmp_path / "different.jsonl"
    said.write_text(lines[1] + "\n")
    (left,) = groups(tv("dedupe", "x.tvx", "--not-duplicates", str(said)))
    assert sorted(names(left)) == ["copies/again.png", "photos/0.png"]
    crop = next(name for name in names(json.loads(lines[1])) if "crop" in name)
    pair = [str(Path("photos/1.png").absolute()), str(Path(crop).absolute())]
    said.write_text(json.dumps({"images": pair}) + "\n")
    _, second = groups(tv("dedupe", "x.tvx", "--not-duplicates", str(said)))
    assert len(names(second)) == 3 and crop not in names(second)
    said.write_text('{"a": 1}\n')
    ran = tv("dedupe", "x.tvx", "--not-duplicates", str(said))
    assert ran.status == 3 and "different.jsonl:1: names no photos" in ran.err


@pytest.mark.usefixtures("elsewhere")
def test_gone_and_changed_photos_are_left_out(tv: Tv) -> None:
    Path("copies/again.png").unlink()
    drawn(5, 160, 120).save("photos/1.png")  # no more what it was when it was indexed
    ran = tv("dedupe", "x.tvx", "--root", ".", "--errors", "errors.jsonl")
    assert "photos/1.png" not in ran.out and "again.png" not in ran.out
    said = {json.loads(line)["reason"] for line in Path("errors.jsonl").read_text().splitlines()}
    assert "not found" in said and any("changed since" in reason for reason in said)
    assert tv("dedupe", "x.tvx", "--root", ".", "--strict").status == 3


def test_none_found_is_status_1_and_nonsense_is_told(tv: Tv) -> None:
    ran = tv("dedupe", "photos")
    assert ran.status == 1 and ran.out == ""
    ran = tv("dedupe")
    assert ran.status == 2 and "name an index or photos" in ran.err
    ran = tv("dedupe", "x.tvx", "photos")
    assert ran.status == 2 and "an index goes alone" in ran.err
    assert tv("dedupe", "nowhere.tvx").status == 3
    assert tv("dedupe", "nowhere").status == 3


def test_a_table_and_a_page_for_people(tv: Tv) -> None:
    table = tv("dedupe", "x.tvx", "--format", "table").out
    assert "group 1" in table and "keep" in table and "mirrored" in table
    page = tv("dedupe", "x.tvx", "--format", "html").out
    assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert page.count("data:image/jpeg") == 6 and page.count('class="badge">drop') == 4
    assert "http://" not in page and "https://" not in page
    assert page.count("data-pair=") == 3  # those of the same bytes cannot be different
