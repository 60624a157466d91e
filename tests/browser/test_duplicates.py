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
