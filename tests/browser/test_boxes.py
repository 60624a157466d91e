from pathlib import Path
from typing import Any

import pytest
from box_page import Editor, near
from pages import HOSTILE, threaded

from tvcli.core.files.sources import open_sources
from tvcli.serve import pages
from tvcli.serve.pages import open_box_editor


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
    editor.page.click("#theirs")
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
