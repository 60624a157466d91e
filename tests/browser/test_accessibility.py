"""Every page in every state, light and dark: WCAG 2.2 AA as far as axe can tell."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from accessibility import violations
from conftest import picture
from pages import running, threaded

from tvcli.cli import run
from tvcli.core.files.sources import open_sources
from tvcli.serve import pages as serve_pages
from tvcli.serve.pages import open_box_editor


@pytest.fixture(scope="module")
def triplets(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    clicks = tmp_path_factory.mktemp("triplets") / "clicks.jsonl"
    with running(made, "annotate", "triplets", "photos.tvx", "-o", clicks) as address:
        yield address


def test_a_page_that_violates_is_found(page: Any) -> None:
    page.set_content("<p style='color: #999; background: #fff'>faint</p><input>")
    found = "\n".join(violations(page))
    assert "color-contrast" in found and "label" in found
    page.set_content("<label>name <input style='border: 1px solid #e3e3e8'></label>")
    assert "faint border" in "\n".join(violations(page))
    dark = "@media (prefers-color-scheme: dark) { p { color: #111; margin: 0; --edge: 1px } }"
    page.set_content(
        f"<style>body {{ background: #222 }} p {{ color: #eee }} {dark}</style><p>faint text"
    )
    found = violations(page)
    assert [one for one in found if "more than" in one] == [
        f"dark: more than a colour: p: {name}"
        for name in ("margin-top", "margin-right", "margin-bottom", "margin-left", "--edge")
    ]
    schemes = [one.split(":")[0] for one in found if "color-contrast" in one]
    assert schemes == ["dark"]


def test_gallery(page: Any, gallery: str) -> None:
    page.goto(gallery)
    page.wait_for_selector("#results li")
    assert violations(page) == []
    page.keyboard.press("?")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.fill("#text", "nothing is called so")
    page.press("#text", "Enter")
    page.wait_for_function("() => document.querySelectorAll('#results li').length === 0")
    assert violations(page) == []
    page.goto(f"{gallery}?item=3.png&like=1.png&unlike=2.png")
    page.wait_for_selector("#results li.unliked")
    assert violations(page) == []
    page.focus("#results li a")
    page.keyboard.press("w")
    page.wait_for_selector("#why img")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Control+a")
    page.wait_for_selector("#chosen:not([hidden])")
    assert violations(page) == []
    page.focus("#results li a")
    page.keyboard.press(" ")
    page.wait_for_selector("#look img")
    assert violations(page) == []


def test_box_editor(page: Any, served: tuple[str, Path]) -> None:
    address, file = served
    page.goto(f"{address}?photo=0")
    page.wait_for_selector("#stage image")
    assert violations(page) == []
    page.keyboard.press("e")
    page.wait_for_selector("[data-do=empty][aria-pressed=true]")
    assert violations(page) == []
    for text in ("coat", "a label that is as long as a sentence, and that somebody wrote here"):
        page.keyboard.press("Escape")
        page.keyboard.press("k")
        page.keyboard.press("l")
        page.keyboard.type(text)
        page.keyboard.press("Enter")
    assert violations(page) == []
    page.keyboard.press("Control+a")
    page.wait_for_selector("#message >> text=2 boxes chosen")
    assert violations(page) == []
    page.keyboard.press("?")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.querySelector('#saved').textContent === 'Saved'")
    file.write_text('{"image": "photos/0.png", "box": [1, 1, 9, 9]}\n')
    page.keyboard.press("Delete")
    page.wait_for_selector("#both")
    assert violations(page) == []
    page.click("#theirs")
    for query in ("photo=2", "text=nothing+is+called+so"):
        page.goto(f"{address}?{query}")
        page.wait_for_selector("#nothing:not([hidden])")
        assert violations(page) == []


def test_box_editor_with_proposals_and_after_its_end(
    page: Any, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [{"box": [20, 20, 90, 90], "label": "coat", "score": 0.5}]
    monkeypatch.setattr(serve_pages, "locator_of", lambda *heads: lambda path: found * 2)
    source = open_sources([str(made / "photos")], stdin=None)  # type: ignore[arg-type]
    file = tmp_path / "boxes.jsonl"
    with open_box_editor(source, file, (file, file)) as app:
        with threaded(app) as address:
            page.goto(address)
            page.wait_for_selector("#accepting:not([hidden])")
            assert violations(page) == []
        page.wait_for_selector("#trouble >> text=tv has ended")
        assert violations(page) == []


def test_similarity_editor(page: Any, triplets: str) -> None:
    page.goto(triplets)
    page.wait_for_selector("#neighbours li")
    assert violations(page) == []
    page.locator(".photo").nth(1).click()
    page.locator(".photo").nth(4).click()
    assert violations(page) == []
    page.route("**/api/triplets", lambda route: route.abort())
    page.click("#save")
    page.wait_for_selector("#again:visible")
    assert violations(page) == []
    page.goto(f"{triplets}?at=9")
    page.wait_for_selector("#first:visible")
    assert violations(page) == []


def test_asked_for_a_new_address(page: Any, gallery: str) -> None:
    page.goto(gallery)
    page.evaluate("() => localStorage.tv = JSON.stringify({ token: 'of yesterday', pictures: '' })")
    page.reload()
    page.wait_for_selector("dialog.ask")
    assert violations(page) == []


def test_pages_that_are_files(page: Any, made: Path, tmp_path: Path, capfd: Any) -> None:
    photos = tmp_path / "copies"
    photos.mkdir()
    picture(3, 240, 200).save(photos / "a.png")
    picture(3, 240, 200).resize((120, 100)).save(photos / "b.png")
    index = str(made / "photos.tvx")
    for words in (
        ["search", str(photos / "a.png"), "-i", index, "--format", "html"],
        ["dedupe", str(photos), "--format", "html", "-q"],
    ):
        capfd.readouterr()
        assert run(words) in (0, 1)
        page.goto("about:blank")  # a policy outlives set_content
        page.set_content(capfd.readouterr().out)
        assert violations(page) == [], words
