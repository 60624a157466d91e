"""What the box editor offers besides drawing: no object, labels, numbers, several boxes at once."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from box_page import Editor, near
from pages import HOSTILE, running, threaded

from tvcli.core.files.sources import open_sources
from tvcli.serve import pages
from tvcli.serve.pages import open_box_editor

NO_OBJECT = {"image": "photos/0.png", "width": 240, "height": 200, "empty": True}


def chosen(editor: Editor) -> int:
    count: int = editor.page.locator("#boxes [aria-pressed=true]").count()
    return count


def test_no_object_counts_as_looked_at(editor: Editor) -> None:
    page = editor.page
    page.wait_for_selector("#progress >> text=0 of 9 done")
    editor.press("e")
    assert editor.records() == [NO_OBJECT]
    page.wait_for_selector("#progress >> text=1 of 9 done")
    assert "No object here" in page.text_content("#message")
    assert page.get_attribute("[data-do=empty]", "aria-pressed") == "true"
    label = page.get_attribute("#strip [aria-current=true]", "aria-label")
    assert label == "0.png, no object"
    editor.press("w")
    editor.at("1.png")
    page.select_option("#which", "empty")
    editor.at("0.png")
    editor.drag((40, 30), (200, 170))  # an object after all
    assert [sorted(record) for record in editor.records()] == [["box", "height", "image", "width"]]
    editor.press("e")
    assert "delete them first" in page.text_content("#message")
    editor.press("Control+z")
    assert editor.records() == [NO_OBJECT]
    editor.press("e")
    assert editor.records() == []


def test_all_of_a_folder_can_be_done(page: Any, made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "photos", tmp_path / "photos", ignore=shutil.ignore_patterns("[3-9]*"))
    whole = (tmp_path / "photos" / "1.png").read_bytes()
    (tmp_path / "photos" / "1.png").write_bytes(whole[: len(whole) // 2])
    with running(tmp_path, "annotate", "boxes", "photos", "-o", "boxes.jsonl") as address:
        page.goto(address)
        editor = Editor(page, tmp_path / "boxes.jsonl")
        editor.at("0.png")
        editor.press("e", "d")
        editor.at("1.png")
        assert "cannot be shown" in page.text_content("#unreadable")
        assert page.is_disabled("[data-do=empty]")
        editor.press("k", "e")  # it takes neither
        page.click("#onward")
        editor.at("2.png")
        editor.press("e", "d")
        editor.at(HOSTILE)
        editor.press("e")
        assert len(editor.records()) == 3
        page.wait_for_selector("#progress >> text=3 of 4 done, 1 cannot be shown")
        assert page.evaluate("() => document.querySelector('#share').value") == 1


def test_one_goes_on_where_one_stopped(editor: Editor) -> None:
    editor.press("d", "d", "d")
    editor.at("3.png")
    editor.drag((40, 30), (200, 170))
    editor.records()
    editor.page.goto(editor.page.url.split("?")[0])
    editor.at("3.png")
    assert editor.shown() == 1


def test_jump_to_a_photo_by_its_number(editor: Editor) -> None:
    page = editor.page
    assert page.input_value("#number") == "1"
    assert page.text_content("#total") == "of 9"
    editor.press("g")
    page.keyboard.type("5")
    editor.press("Enter")
    editor.at("4.png")
    assert page.evaluate("() => document.activeElement.id") == "stage"
    for wrong in ("0", "10", "x"):
        page.fill("#number", wrong)
        page.press("#number", "Enter")
        page.wait_for_selector("#message.error >> text=1 to 9")
        assert page.input_value("#number") == "5"


def test_labels_have_colours_and_number_keys(editor: Editor) -> None:
    page = editor.page
    long = "a label that is as long as a sentence, and that somebody really wrote here"
    for text in ("coat", long):
        editor.press("Escape", "k", "l")
        page.keyboard.type(text)
        editor.press("Enter")
    assert [record["label"] for record in editor.records()] == ["coat", long]
    names = page.locator("#classes button")
    assert [names.nth(n).get_attribute("title") for n in (0, 1)] == ["coat", long]
    assert page.locator("#classes kbd").all_text_contents() == ["1", "2"]
    colours = page.eval_on_selector_all(
        "#classes .swatch", "all => all.map((one) => getComputedStyle(one).backgroundColor)"
    )
    assert len(set(colours)) == 2
    drawn = page.eval_on_selector_all(
        "#stage .box.own", "all => all.map((one) => getComputedStyle(one).stroke)"
    )
    assert drawn == colours
    tag = page.locator("#stage .tag").nth(1).text_content()
    assert tag.endswith("…") and len(tag) == 40
    assert page.locator("#boxes b").nth(1).bounding_box()["height"] < 50  # two lines
    editor.press("1")
    assert editor.records()[1]["label"] == "coat"
    editor.press("Escape", "2")  # for the next box
    editor.drag((10, 10), (60, 60))
    assert editor.records()[2]["label"] == long
    page.reload()
    page.wait_for_selector("#classes li")
    assert names.nth(0).get_attribute("title") == "coat"  # keys stay what they were


def test_escape_gives_up_a_label_and_a_drag(editor: Editor) -> None:
    page = editor.page
    editor.press("k", "l")
    page.keyboard.type("coat")
    editor.press("Enter", "l")
    page.keyboard.type("dress")
    editor.press("Escape")
    assert page.evaluate("() => document.activeElement.id") == "stage"
    assert editor.records()[0]["label"] == "coat"
    editor.press("Escape")
    page.mouse.move(*editor.point(10, 10))
    page.mouse.down()
    page.mouse.move(*editor.point(50, 50))
    editor.press("Escape")
    page.mouse.up()
    assert editor.shown() == 1


def test_several_boxes_at_once(editor: Editor) -> None:
    page = editor.page
    editor.drag((20, 20), (60, 60))
    editor.press("Escape")
    editor.drag((100, 100), (160, 160))
    page.keyboard.down("Shift")
    editor.click(40, 40)
    page.keyboard.up("Shift")
    assert chosen(editor) == 2
    assert page.text_content("#message") == "2 boxes chosen"
    editor.drag((130, 130), (140, 135))
    first, second = editor.boxes()
    assert near(first, [30, 25, 70, 65]) and near(second, [110, 105, 170, 165])
    editor.drag((130, 130), (0, 0))  # no farther than both stay inside
    first, second = editor.boxes()
    assert near(first, [0, 0, 40, 40]) and near(second, [80, 80, 140, 140])
    editor.press("ArrowRight")
    assert [box[0] for box in editor.boxes()] == [first[0] + 1, second[0] + 1]
    editor.press("l")
    page.keyboard.type("coat")
    editor.press("Enter")
    assert [record["label"] for record in editor.records()] == ["coat", "coat"]
    editor.press("Escape")
    assert chosen(editor) == 0
    editor.press("Control+a", "Delete")
    assert editor.records() == []
    editor.press("Control+z")
    assert len(editor.records()) == 2


def test_crosshair_cursors_readout_and_zoom(editor: Editor) -> None:
    page = editor.page

    def readout(text: str) -> None:
        page.wait_for_function(
            "text => document.querySelector('#readout').textContent === text", arg=text
        )

    def cursor() -> str:
        value: str = page.evaluate(
            "() => getComputedStyle(document.querySelector('#stage')).cursor"
        )
        return value

    page.mouse.move(*editor.point(120.5, 100.5))
    readout("120, 100")
    assert page.locator("#stage .guide").count() == 2
    assert cursor() == "crosshair"
    page.mouse.down()
    page.mouse.move(*editor.point(180.2, 140.2))
    text = page.text_content("#readout")
    assert text == "59 × 39 at 121, 101" or text.startswith("60 × 40 at 12"), text
    page.mouse.up()
    (box,) = editor.boxes()
    expected = {(0, 1): "nwse-resize", (2, 1): "nesw-resize", (2, 3): "nwse-resize"}
    for (x, y), shown in expected.items():
        page.mouse.move(*editor.point(box[x], box[y]))
        assert cursor() == shown
    page.mouse.move(*editor.point((box[0] + box[2]) / 2, box[1]))
    assert cursor() == "ns-resize"
    page.mouse.move(*editor.point(box[0], (box[1] + box[3]) / 2))
    assert cursor() == "ew-resize"
    page.mouse.move(*editor.point(box[0] + 15, box[1] + 12))
    assert cursor() == "move"
    page.mouse.move(5, 5)
    assert page.locator("#stage .guide").count() == 0
    width = page.locator("#stage image").bounding_box()["width"]
    assert page.text_content("#percent") == f"{round(width / 240 * 100)} %"
    page.click("[data-do=in]")
    grown = page.locator("#stage image").bounding_box()["width"]
    assert page.text_content("#percent") == f"{round(grown / 240 * 100)} %" and grown > width
    editor.press("z")
    assert page.text_content("#percent") == "100 %"
    assert page.locator("#stage image").bounding_box()["width"] == pytest.approx(240)
    editor.press("z")
    assert page.locator("#stage image").bounding_box()["width"] == pytest.approx(width)


def test_keys_open_at_their_top(editor: Editor) -> None:
    editor.page.set_viewport_size({"width": 600, "height": 420})
    editor.press("?")
    top = editor.page.evaluate("() => document.querySelector('#keys > div').scrollTop")
    assert top == 0
    assert editor.page.evaluate("() => document.activeElement.textContent") == "Keys"


def test_a_filter_without_a_match(editor: Editor) -> None:
    page = editor.page
    page.fill("#text", "no photo is called so")
    page.press("#text", "Enter")
    page.wait_for_selector("#nothing:not([hidden])")
    assert "no photo is called so" in page.text_content("#unreadable")
    editor.page.focus("body")
    for key in ("k", "e", "c", "d", ".", "ArrowRight", "Delete", "Control+a"):
        editor.press(key)
    assert page.text_content("#saved") == "Saved"
    page.reload()
    page.goto(f"{page.url.split('?')[0]}?text=no+photo+is+called+so")
    page.wait_for_selector("#nothing:not([hidden])")
    page.click("#onward")
    editor.at("0.png")
    assert page.locator("#strip li").count() == 9


def test_the_strip_and_the_tools_are_one_stop_each(editor: Editor) -> None:
    page = editor.page
    assert page.locator("#strip button[tabindex='0']").count() == 1
    page.focus("#strip [aria-current=true]")
    editor.press("ArrowRight", "ArrowRight", "Enter")
    editor.at("2.png")
    focused = "() => document.activeElement.getAttribute('aria-label')"
    assert page.evaluate(focused) == "2.png, 0 boxes"  # it keeps the focus
    editor.press("Home", "Space")
    editor.at("0.png")
    page.focus("[data-do=after]")
    editor.press("ArrowLeft")
    assert page.evaluate("() => document.activeElement.dataset.do") == "before"
    assert page.locator("#tools [tabindex='0']").count() == 1


def test_a_key_does_one_thing_where_something_has_the_focus(editor: Editor) -> None:
    """Enter and Space belong to links, buttons, check boxes and summaries, arrows to sliders."""
    page = editor.page
    page.evaluate(
        """() => {
        window.seen = {};
        const note = (name) => () => (window.seen[name] = (window.seen[name] ?? 0) + 1);
        const add = (html) => document.querySelector("main").insertAdjacentHTML("beforeend", html);
        add("<a id='l' href='#there'>link</a><button id='b' type='button'>button</button>");
        add("<input id='c' type='checkbox'><input id='r' type='range' value='50'>");
        add("<details><summary id='s'>more</summary></details>");
        for (const id of ["l", "b", "c", "s"])
          document.querySelector(`#${id}`).addEventListener("click", note(id));
        }"""
    )
    editor.press("k")
    before = editor.boxes()
    pressed = [("l", "Enter"), ("b", "Enter"), ("b", "Space"), ("c", "Space")]
    for name, key in [*pressed, ("s", "Enter"), ("s", "Space")]:
        page.focus(f"#{name}")
        editor.press(key)
    assert page.evaluate("window.seen") == {"l": 1, "b": 2, "c": 1, "s": 2}
    page.focus("#r")
    editor.press("ArrowRight", "ArrowRight", "ArrowLeft", "Shift+ArrowRight")
    assert page.input_value("#r") == "52"
    assert editor.boxes() == before and page.text_content("#name") == "0.png"


def test_proposals_stay_when_one_leaves_a_photo(
    page: Any, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = [[20, 20, 90, 90], [100, 100, 200, 180]]
    found = [{"box": box, "label": "coat", "score": 0.5} for box in boxes]
    monkeypatch.setattr(pages, "locator_of", lambda classifier, boxes: lambda path: list(found))
    file = tmp_path / "boxes.jsonl"
    source = open_sources([str(made / "photos")], stdin=None)  # type: ignore[arg-type]
    with open_box_editor(source, file, (file, file)) as app, threaded(app) as address:
        page.goto(f"{address}?photo=0")
        editor = Editor(page, file)
        editor.at("0.png")
        proposed = page.locator("#stage .box.proposed")
        editor.press(".", "Enter")
        assert (len(editor.records()), proposed.count()) == (1, 1)
        editor.press("d")
        editor.at("1.png")
        assert proposed.count() == 2
        editor.press("e")
        assert (len(editor.records()), proposed.count()) == (2, 0)
        editor.press("a")
        editor.at("0.png")
        assert (editor.shown(), proposed.count()) == (2, 1)
        editor.press("d")
        editor.at("1.png")
        assert (editor.shown(), proposed.count()) == (0, 0)
        assert json.loads(file.read_text().splitlines()[1])["empty"] is True
