"""The page of `tv dedupe`: what is marked there is not in one group again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import drawn

from tvcli.cli import run

NOT_THE_SAME = "input[data-pair]"


@pytest.fixture
def dedupe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Give `tv dedupe` of four photos, three of them of the same picture, as what it prints."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("one", "other")):
        drawn(number).save(f"{name}.png")
    drawn(0).resize((160, 120)).save("small.jpg")
    drawn(0).resize((160, 120)).rotate(90, expand=True).save("turned.jpg")
    assert run(["index", ".", "-o", "x.tvx", "--size", "64", "--keypoints", "-q"]) == 0

    def printed(*words: str) -> str:
        capfd.readouterr()
        assert run(["dedupe", "x.tvx", "-q", *words]) == 0
        return capfd.readouterr().out

    return printed


def test_what_is_marked_and_saved_is_not_in_one_group_again(
    page: Any, dedupe: Callable[..., str], tmp_path: Path
) -> None:
    page.set_content(dedupe("--format", "html"))
    assert page.locator("section.group").count() == 1
    assert page.locator("li.keep .name").text_content() == "one.png"
    assert page.locator(NOT_THE_SAME).count() == 2
    assert page.locator(".save button").is_disabled()
    turned = page.locator("li", has_text="turned.jpg")
    turned.get_by_label("not the same picture").check()
    assert "differs" in turned.get_attribute("class")
    assert page.locator(".save span").text_content() == "1 marked as different"
    with page.expect_download() as saved:
        page.locator(".save button").click()
    assert saved.value.suggested_filename == "different.jsonl"
    saved.value.save_as(tmp_path / "different.jsonl")
    (group,) = dedupe("--not-duplicates", "different.jsonl").splitlines()
    images = [member["image"] for member in json.loads(group)["members"]]
    assert images == ["one.png", "small.jpg"]
    turned.get_by_label("not the same picture").uncheck()
    assert page.locator(".save button").is_disabled()


def test_what_is_kept_is_chosen_survives_a_reload_and_is_saved(
    page: Any, dedupe: Callable[..., str], tmp_path: Path
) -> None:
    Path("turned.jpg").rename(b"turned \xff\n.jpg".decode("utf-8", "surrogateescape"))
    assert run(["index", ".", "-o", "x.tvx", "--size", "64", "--keypoints", "-q"]) == 0
    address, html = "http://127.0.0.1:9/duplicates.html", dedupe("--format", "html")
    page.route(address, lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(address)
    badges = page.locator(".badge")
    assert badges.all_text_contents() == ["keep", "drop", "drop"]
    assert page.locator(".list span").text_content() == "2 to drop"
    small = page.locator("li", has_text="small.jpg")
    small.get_by_label("keep").focus()
    page.keyboard.press("Space")
    page.locator("li", has_text="one.png").first.get_by_label("keep").uncheck()
    assert sorted(badges.all_text_contents()) == ["drop", "drop", "keep"]
    assert page.locator("section.group h2").text_content().endswith("3 photos, 2 to drop")
    small.get_by_label("keep").click()  # the last one of its group stays
    assert small.get_by_label("keep").is_checked()
    assert "one photo of each group is kept" in page.locator(".list span").text_content()
    page.reload()
    assert small.get_by_label("keep").is_checked()
    with page.expect_download() as saved:
        page.locator(".list button").click()
    assert saved.value.suggested_filename == "drop.list"
    names = Path(saved.value.path()).read_bytes().split(b"\0")
    assert sorted(names) == [b"", b"one.png", b"turned \xff\n.jpg"]
    assert all(Path(name.decode("utf-8", "surrogateescape")).exists() for name in names)
    page.locator("li", has_text="one.png").first.get_by_label("keep").check()
    small.get_by_label("not the same picture").check()
    small.get_by_label("keep").uncheck()
    assert small.locator(".badge").text_content() == "different"
    assert page.locator("section.group h2").text_content().endswith("3 photos, 1 to drop")
    assert page.locator(".list span").text_content() == "1 to drop"
