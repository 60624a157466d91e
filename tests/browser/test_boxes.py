import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import HOSTILE, running, threaded

from tvcli.core.files.sources import open_sources
from tvcli.serve import pages
from tvcli.serve.pages import open_box_editor

SAVED = "() => document.querySelector('#saved').textContent === 'Saved'"


class Editor:
    """The box editor's page, with the file that it writes."""

    def __init__(self, page: Any, file: Path) -> None:
        self.page, self.file = page, file

    def records(self) -> list[dict[str, Any]]:
        self.page.wait_for_function(SAVED)
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def boxes(self) -> list[list[int]]:
        return [record["box"] for record in self.records()]

    def shown(self) -> int:
        self.page.wait_for_function(SAVED)
        count: int = self.page.locator("#boxes li").count()
        return count

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the photo (240 x 200) is on the screen."""
        frame = self.page.locator("#stage image").bounding_box()
        return frame["x"] + x / 240 * frame["width"], frame["y"] + y / 200 * frame["height"]

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*self.point(*start))
        mouse.down()
        mouse.move(*self.point((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
        mouse.move(*self.point(*end))
        mouse.up()

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.point(x, y))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def at(self, name: str) -> None:
        text = "name => document.querySelector('#name').textContent === name"
        self.page.wait_for_function(text, arg=name)


@pytest.fixture(scope="module")
def served(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("boxes")
    shutil.copytree(made / "photos", folder / "photos")
    (folder / "photos" / "2.png").write_bytes(b"no picture")
    with running(folder, "annotate", "boxes", "photos", "-o", "boxes.jsonl") as address:
        yield address, folder / "boxes.jsonl"


@pytest.fixture
def editor(page: Any, served: tuple[str, Path]) -> Editor:
    """Give the editor at the photo 0.png, with no boxes on disk."""
    address, file = served
    file.unlink(missing_ok=True)
    page.goto(address)
    page.evaluate("async () => (await import('/static/api.js')).send('POST', '/api/reload', {})")
    page.goto(f"{address}?photo=0")
    page.wait_for_selector("#strip button[aria-current=true]")
    page.wait_for_selector("#stage image")
    return Editor(page, file)


def near(box: list[int], expected: list[int]) -> bool:
    return all(abs(a - b) <= 1 for a, b in zip(box, expected, strict=True))


def test_draw_undo_redo_reload(editor: Editor) -> None:
    editor.drag((40, 30), (200, 170))
    (record,) = editor.records()
    assert near(record.pop("box"), [40, 30, 200, 170])
    assert record == {"image": "photos/0.png", "width": 240, "height": 200}
    editor.press("Control+z")
    assert (editor.boxes(), editor.shown()) == ([], 0)
    editor.press("Control+Shift+z")
    assert (len(editor.boxes()), editor.shown()) == (1, 1)
    editor.page.reload()
    editor.page.wait_for_selector("#boxes li")
    assert editor.shown() == 1


def test_nested_boxes_and_handles(editor: Editor) -> None:
    editor.drag((20, 20), (220, 180))
    editor.press("Escape")
    editor.drag((80, 70), (140, 130))
    assert len(editor.boxes()) == 2
    editor.press("Escape")
    editor.click(100, 100)  # the inner one; again, the outer one
    editor.page.wait_for_selector("#boxes li:nth-child(2) [aria-pressed=true]")
    editor.click(100, 100)
    editor.page.wait_for_selector("#boxes li:nth-child(1) [aria-pressed=true]")
    editor.click(100, 100)
    editor.drag((100, 100), (110, 105))
    assert near(editor.boxes()[1], [90, 75, 150, 135])
    wanted = {
        "nw": (0, 1),
        "n": (1,),
        "ne": (2, 1),
        "e": (2,),
        "se": (2, 3),
        "s": (3,),
        "sw": (0, 3),
    }
    for handle, sides in (wanted | {"w": (0,)}).items():
        before = editor.boxes()[1]
        x = before[0] if "w" in handle else before[2] if "e" in handle else sum(before[::2]) / 2
        y = before[1] if "n" in handle else before[3] if "s" in handle else sum(before[1::2]) / 2
        editor.drag((x, y), (x - 6, y - 6))
        after = editor.boxes()[1]
        expected = [side - 6 if n in sides else side for n, side in enumerate(before)]
        assert near(after, expected), handle
    editor.press("Delete")
    assert len(editor.boxes()) == 1


def test_with_the_keyboard_alone(editor: Editor) -> None:
    editor.press("k")
    assert editor.boxes() == [[60, 50, 180, 150]]
    editor.press("ArrowRight", "Shift+ArrowDown", "Control+ArrowRight", "Control+Shift+ArrowUp")
    assert editor.boxes() == [[61, 60, 182, 150]]
    editor.press("l")
    editor.page.keyboard.type("coat")
    editor.press("Enter")
    assert editor.records()[0]["label"] == "coat"
    editor.press("Escape", "d")
    editor.at("1.png")
    editor.press("c")
    assert len(editor.records()) == 2
    assert editor.records()[1]["label"] == "coat"
    editor.press("d")
    editor.at("2.png")
    assert "cannot be shown" in editor.page.text_content("#unreadable")
    editor.press("ArrowRight")
    editor.at("3.png")
    editor.press("a", "a")
    editor.at("1.png")
    editor.press("w")
    editor.at("2.png")
    editor.press("Control+z")  # on the photo where it was done
    editor.at("1.png")
    assert (len(editor.records()), editor.shown()) == (1, 0)
    editor.press("h")
    assert editor.page.locator("#stage.hidden").count() == 1
    editor.press("?")
    assert editor.page.is_visible("#keys")


def test_zoom_and_pan_keep_boxes_where_they_are(editor: Editor) -> None:
    before = editor.page.locator("#stage image").bounding_box()
    editor.page.mouse.move(*editor.point(120, 100))
    editor.page.mouse.wheel(0, -400)
    grown = editor.page.locator("#stage image").bounding_box()
    assert grown["width"] > before["width"] * 1.3
    editor.page.mouse.move(*editor.point(120, 100))
    editor.page.mouse.down(button="middle")
    editor.page.mouse.move(*editor.point(130, 100))
    editor.page.mouse.up(button="middle")
    assert editor.page.locator("#stage image").bounding_box()["x"] > grown["x"] + 10
    editor.drag((100, 90), (150, 120))
    assert near(editor.boxes()[0], [100, 90, 150, 120])
    editor.press("f")
    assert editor.page.locator("#stage image").bounding_box()["width"] == pytest.approx(
        before["width"]
    )


def test_a_foreign_edit_is_noticed_and_never_overwritten(editor: Editor) -> None:
    editor.drag((40, 30), (200, 170))
    editor.records()
    theirs = '{"image": "photos/0.png", "box": [1, 1, 9, 9], "label": "theirs"}\n'
    editor.file.write_text(theirs)
    editor.press("Escape")
    editor.drag((10, 10), (30, 25))
    editor.page.wait_for_selector("#trouble:not([hidden])")
    assert "another program" in editor.page.text_content("#trouble")
    assert editor.page.text_content("#saved") == "Not saved"
    assert editor.file.read_text() == theirs
    editor.page.click("#mend")
    editor.page.wait_for_selector("#boxes >> text=theirs")
    assert (editor.shown(), editor.file.read_text()) == (1, theirs)


def test_filter_and_hostile_names(editor: Editor) -> None:
    editor.drag((40, 30), (200, 170))
    editor.records()
    editor.page.select_option("#which", "unboxed")
    editor.page.fill("#text", "onerror")
    editor.page.press("#text", "Enter")
    editor.at(HOSTILE)
    assert editor.page.locator("#strip li").count() == 1
    assert editor.page.locator("img[src=x]").count() == 0
    editor.press("Tab")
    editor.page.focus("#stage")
    editor.press("k")
    assert editor.records()[-1]["image"] == f"photos/{HOSTILE}"


def test_propose_and_accept(page: Any, made: Path, tmp_path: Path, monkeypatch: Any) -> None:
    def proposed(path: Path) -> list[dict[str, Any]]:
        score = 0.4 if path.name == "3.png" else 0.9
        boxes = [[20, 20, 90, 90], [100, 100, 200, 180]]
        return [{"box": box, "label": "coat", "score": score} for box in boxes]

    monkeypatch.setattr(pages, "locator_of", lambda classifier, boxes: proposed)
    file = tmp_path / "boxes.jsonl"
    source = open_sources([str(made / "photos")], stdin=None)  # type: ignore[arg-type]
    with open_box_editor(source, file, (file, file)) as app, threaded(app) as address:
        page.goto(address)
        editor = Editor(page, file)
        editor.at("3.png")  # the least sure one comes first
        assert page.locator("#stage .box.proposed").count() == 2
        assert not file.exists()
        editor.press(".", "Enter")
        assert near(editor.boxes()[0], [20, 20, 90, 90])
        assert editor.records()[0]["label"] == "coat"
        assert page.locator("#stage .box.proposed").count() == 1
        editor.press("Control+z")
        assert editor.records() == []
        assert page.locator("#stage .box.proposed").count() == 2
        editor.press("Shift+Enter")
        assert (len(editor.boxes()), page.locator("#stage .box.proposed").count()) == (2, 0)
        editor.press("w")
        page.wait_for_function("() => document.querySelector('#name').textContent !== '3.png'")
        editor.press(".", "Delete")
        assert page.locator("#stage .box.proposed").count() == 1
        assert len(editor.boxes()) == 2
