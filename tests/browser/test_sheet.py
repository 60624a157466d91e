"""The sheet of the box editor: photos accepted, drawn, dismissed and opened, many at once."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from accessibility import violations
from box_page import SAVED, Editor, near
from pages import HOSTILE, running, threaded

from tvcli.core.files.sources import open_sources
from tvcli.serve import pages
from tvcli.serve.pages import open_box_editor

LOADED = "#tiles[aria-busy=false] li"
PROPOSED = {"box": [20, 20, 90, 90], "label": "coat", "score": 0.62}


class Sheet:
    """The sheet as a person uses it: tiles by the names of their photos."""

    def __init__(self, page: Any, file: Path) -> None:
        self.page, self.file = page, file

    def enter(self) -> None:
        self.page.keyboard.press("s")
        self.loaded()

    def loaded(self) -> None:
        self.page.wait_for_selector(LOADED)

    def tile(self, name: str) -> Any:
        return self.page.locator("#tiles li", has=self.page.locator(f'span[title="{name}"]'))

    def names(self) -> list[str]:
        titles = self.page.locator("#tiles .caption .name").all()
        return [str(title.get_attribute("title")) for title in titles]

    def state(self, name: str) -> str:
        return str(self.tile(name).get_attribute("class"))

    def drag(self, name: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        frame = self.tile(name).locator("image").bounding_box()
        scale = min(frame["width"] / 240, frame["height"] / 200)
        mouse = self.page.mouse
        for number, (x, y) in enumerate((start, end)):
            mouse.move(frame["x"] + x * scale, frame["y"] + y * scale)
            mouse.up() if number else mouse.down()

    def focus(self, name: str) -> None:
        self.tile(name).locator(".photo").focus()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def records(self) -> dict[str, dict[str, Any]]:
        self.page.wait_for_function(SAVED)
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return {Path(one["image"]).name: one for one in map(json.loads, lines)}

    def boxes(self) -> dict[str, list[int]]:
        return {name: one.get("box", []) for name, one in self.records().items()}

    def says(self, text: str) -> None:
        self.page.wait_for_selector(f"#message >> text={text}")


@contextmanager
def opened(page: Any, photos: Path, file: Path) -> Iterator[Sheet]:
    """Give the sheet of photos on each of which one box is proposed."""
    source = open_sources([str(photos)], stdin=None)  # type: ignore[arg-type]
    with open_box_editor(source, file, (file, file)) as app, threaded(app) as address:
        page.goto(f"{address}?view=sheet&order=name")
        sheet = Sheet(page, file)
        sheet.loaded()
        yield sheet


@pytest.fixture
def sheet(
    page: Any, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sheet]:
    monkeypatch.setattr(pages, "locator_of", lambda *heads: lambda path: [PROPOSED])
    with opened(page, made / "photos", tmp_path / "boxes.jsonl") as sheet:
        yield sheet


@pytest.fixture
def plain(editor: Editor) -> Sheet:
    """Give the sheet without proposals; 2.png cannot be shown."""
    sheet = Sheet(editor.page, editor.file)
    sheet.enter()
    return sheet


def test_one_key_accepts_a_page_and_undo_takes_all_of_it_back(sheet: Sheet) -> None:
    names = sheet.names()
    assert len(names) == 9 and HOSTILE in names
    assert {sheet.state(name) for name in names} == {"proposed"}
    assert sheet.page.text_content("#accept") == "Accept 9 and go on"
    assert not sheet.file.exists()
    sheet.press("Enter")
    sheet.says("All photos that can be shown were looked at")
    assert sheet.boxes() == {Path(name).name: PROPOSED["box"] for name in names}
    assert {one["label"] for one in sheet.records().values()} == {"coat"}
    assert sheet.page.text_content("#progress") == "9 of 9 done"
    sheet.press("Control+z")
    sheet.page.wait_for_selector("#accept >> text=Accept 9 and go on")
    assert sheet.boxes() == {}
    sheet.press("Control+Shift+z")
    sheet.page.wait_for_selector("#accept >> text=/^Go on$/")
    assert len(sheet.boxes()) == 9


def test_what_was_drawn_dismissed_or_empty_is_not_accepted(sheet: Sheet) -> None:
    sheet.drag("0.png", (40, 30), (200, 170))
    assert near(sheet.boxes()["0.png"], [40, 30, 200, 170])
    assert sheet.tile("0.png").locator(".box.proposed").count() == 0
    sheet.tile("1.png").locator(".photo").click()
    sheet.tile("3.png").get_by_text("None").click()
    assert sheet.tile("3.png").locator(".photo:focus").count() == 1  # so Enter is the page's
    assert [sheet.state(f"{n}.png") for n in (0, 1, 3)] == ["boxed", "dismissed", "empty"]
    sheet.tile("4.png").locator(".photo").click(delay=20)
    sheet.page.wait_for_timeout(600)  # no double click
    sheet.tile("4.png").locator(".photo").click()
    assert sheet.state("4.png") == "proposed"  # again
    sheet.page.click("#accept")
    sheet.says("From the start again")
    assert sheet.names() == ["1.png"]  # it was neither boxed nor said to be empty
    boxes = sheet.boxes()
    assert near(boxes.pop("0.png"), [40, 30, 200, 170])
    assert boxes.pop("3.png") == []
    assert sheet.records()["3.png"]["empty"] is True
    accepted = ["2.png", "4.png", "5.png", "6.png", "7.png", HOSTILE]
    assert boxes == dict.fromkeys(accepted, PROPOSED["box"])


def test_a_second_drag_draws_anew_and_with_shift_one_more(sheet: Sheet) -> None:
    sheet.drag("0.png", (40, 30), (200, 170))
    sheet.drag("0.png", (10, 10), (90, 80))
    assert near(sheet.boxes()["0.png"], [10, 10, 90, 80])
    sheet.press("Control+z")
    assert near(sheet.boxes()["0.png"], [40, 30, 200, 170])
    sheet.page.keyboard.down("Shift")
    sheet.drag("1.png", (120, 100), (220, 190))  # beside what is proposed, which is taken with it
    sheet.page.keyboard.up("Shift")
    sheet.page.wait_for_function(SAVED)
    assert sheet.tile("1.png").locator("small").text_content() == "✓ 2"
    before = sheet.file.read_text()
    sheet.drag("1.png", (5, 5), (100, 100))
    sheet.says("This photo has 2 boxes")
    assert sheet.file.read_text() == before
    sheet.press("Control+z")  # both at once
    assert set(sheet.boxes()) == {"0.png"}


def test_a_double_click_opens_and_dismisses_nothing(sheet: Sheet) -> None:
    sheet.tile("3.png").locator(".photo").dblclick()
    sheet.page.wait_for_selector("#stage .box.proposed")
    assert sheet.page.text_content("#name") == "3.png"
    assert sheet.page.locator("#tiles:visible").count() == 0
    sheet.press("Shift+Enter")
    sheet.page.wait_for_function(SAVED)
    sheet.page.go_back()
    sheet.loaded()
    assert "3.png" not in sheet.names()  # looked at meanwhile
    sheet.press("Control+z")  # where it was done
    sheet.page.wait_for_selector("#stage .box.proposed")
    assert (sheet.page.text_content("#name"), sheet.boxes()) == ("3.png", {})


def test_with_the_keyboard_alone(sheet: Sheet) -> None:
    page = sheet.page
    sheet.press(" ")  # the first tile has the focus
    assert sheet.state("0.png") == "dismissed"
    sheet.press("ArrowRight", "e")
    assert sheet.state("1.png") == "empty"
    sheet.press("e", "ArrowRight", "k")  # takes hold of what is proposed
    sheet.press("ArrowRight", "Shift+ArrowDown", "Control+ArrowRight", "Control+Shift+ArrowUp")
    assert sheet.boxes()["2.png"] == [21, 30, 92, 90]
    sheet.press("Enter")  # lets go of it, and accepts nothing yet
    sheet.press("l")
    page.keyboard.type("dress")
    sheet.press("Enter")
    assert sheet.records()["2.png"]["label"] == "dress"
    sheet.press("ArrowLeft", "ArrowLeft", "k")
    assert sheet.records()["0.png"] | {"image": ""} == {
        "image": "", "width": 240, "height": 200, "box": [60, 50, 180, 150], "label": "dress"
    }  # fmt: skip
    sheet.press("Escape", "Delete")
    assert set(sheet.boxes()) == {"2.png"}
    sheet.press("End", "o")
    page.wait_for_selector("#stage:visible")
    sheet.press("s")
    sheet.loaded()
    assert page.evaluate("document.activeElement.closest('li')?.dataset.place") is not None
    sheet.press("?")
    assert "accept all proposals of the page" in page.text_content("dialog[open]")
    assert "zoom in" not in page.text_content("dialog[open]")


def test_without_proposals_and_what_cannot_be_shown(plain: Sheet) -> None:
    names = plain.names()
    assert len(names) == 8 and "2.png" not in names
    plain.says("Drag in each photo to draw its box")
    plain.press("l")
    plain.page.keyboard.type("coat")
    plain.press("Enter")
    plain.drag(HOSTILE, (40, 30), (200, 170))
    assert plain.records()[HOSTILE.rpartition("/")[2]]["label"] == "coat"
    plain.page.fill("#text", "inner")
    plain.page.press("#text", "Enter")
    plain.page.wait_for_selector("#tiles li >> nth=1")
    plain.page.wait_for_function("() => document.querySelectorAll('#tiles svg').length === 2")
    assert plain.names() == ["inner/6.png", "inner/7.png"]
    assert plain.page.locator("img[src=x]").count() == 0


def test_another_page_draws_on_the_same_photo(sheet: Sheet) -> None:
    page, theirs = sheet.page, {"box": [1, 1, 60, 60], "label": "theirs", "fields": {}}
    page.route(
        "**/api/about*",
        lambda route: route.abort() if "photo=" in route.request.url else route.continue_(),
    )
    page.evaluate(
        """async (theirs) => {
          const { get, send } = await import("/static/api.js");
          const { version } = await get("/api/photos/0");
          await send("PUT", "/api/photos/0/boxes", { version, boxes: [theirs], proposals: [] });
        }""",
        theirs,
    )  # fmt: skip
    sheet.press("Enter")
    page.wait_for_selector("#both")
    assert "0.png" in page.text_content("#trouble")
    assert len(sheet.names()) == 9  # the page stays, with theirs in it
    assert sheet.tile("0.png").locator(".box.theirs").count() == 1
    page.click("#both")
    page.wait_for_function(SAVED)
    assert page.locator("#tiles .handle").count() == 0  # nothing is held, so Enter goes on
    lines = [json.loads(line) for line in sheet.file.read_text().splitlines()]
    own = [one for one in lines if one["image"].endswith("/0.png")]
    assert [one["label"] for one in own] == ["theirs", "coat"]
    assert len(lines) == 10
    assert sheet.tile("0.png").locator("small").text_content() == "✓ 2"


def test_what_another_page_did_is_shown(sheet: Sheet) -> None:
    sheet.page.evaluate(
        """async () => {
          const { get, send } = await import("/static/api.js");
          const { version } = await get("/api/photos/1");
          const nothing = { boxes: [], empty: true, proposals: [] };
          await send("PUT", "/api/photos/1/boxes", { version, ...nothing });
        }"""
    )
    sheet.page.wait_for_selector("#tiles li.empty")
    assert sheet.state("1.png") == "empty"


def test_pages_fit_the_window(sheet: Sheet) -> None:
    page = sheet.page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(page.url)
    sheet.loaded()
    first = sheet.names()
    assert 4 <= len(first) < 9
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    last = page.locator("#tiles li").last.bounding_box()
    assert last["y"] + last["height"] <= 844
    assert violations(page) == []
    sheet.press("d")
    page.wait_for_function(
        "name => !document.querySelector(`#tiles span[title='${name}']`)", arg=first[0]
    )
    sheet.loaded()
    assert not set(first) & set(sheet.names())
    sheet.press("a")
    page.wait_for_selector(f"#tiles span[title='{first[0]}']", state="attached")
    sheet.loaded()
    assert sheet.names() == first
    assert not sheet.file.exists()  # looking writes nothing


def test_is_accessible(sheet: Sheet) -> None:
    assert violations(sheet.page) == []
    sheet.drag("0.png", (40, 30), (200, 170))
    sheet.focus("1.png")
    sheet.press(" ", "ArrowRight", "e", "ArrowRight", "k")
    assert violations(sheet.page) == []
    label = sheet.tile("0.png").locator(".photo").get_attribute("aria-label")
    assert label == "0.png, 1 box"
    assert sheet.page.locator("#tiles .photo[tabindex='0']").count() == 1


def test_what_is_drawn_on_a_page_is_learned_for_the_next(
    page: Any, made: Path, tmp_path: Path
) -> None:
    shutil.copytree(made / "photos", tmp_path / "photos")
    with running(
        tmp_path, "annotate", "boxes", "photos", "-o", "boxes.jsonl", "--learn"
    ) as address:
        page.goto(f"{address}?view=sheet")
        sheet = Sheet(page, tmp_path / "boxes.jsonl")
        sheet.loaded()
        first = sheet.names()
        assert len(first) == 4  # few, while nothing is known
        for name in first:
            sheet.drag(name, (40, 30), (200, 170))
        sheet.press("Enter")
        page.wait_for_selector("#accept >> text=Accept 5 and go on")
        sheet.press("l")
        page.keyboard.type("disc")
        sheet.press("Enter")
        page.wait_for_selector("#tiles .tag >> nth=4")
        assert set(page.locator("#tiles .tag").all_text_contents()) == {"disc"}
        sheet.press("Enter")
        sheet.says("All photos that can be shown were looked at")
        labels = [one.get("label") for one in sheet.records().values()]
        assert labels == [None] * 4 + ["disc"] * 5
        assert page.text_content("#quality").startswith("The proposals for the last 5 photos")
