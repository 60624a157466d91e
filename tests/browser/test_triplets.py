import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import running


@pytest.fixture(scope="module")
def served(made: Path) -> Iterator[str]:
    with running(made, "annotate", "triplets", "photos.tvx", "-o", "clicks.jsonl") as address:
        yield address


@pytest.fixture
def editor(page: Any, served: str) -> Any:
    """Give the editor's page, its first reference shown."""
    page.goto(served)
    page.wait_for_selector("#neighbours li")
    return page


def wait_for(page: Any, at: int) -> None:
    page.wait_for_function("at => location.search === `?at=${at}`", arg=at)


def records(made: Path) -> list[dict[str, Any]]:
    file = made / "clicks.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_choose_save_undo(editor: Any, made: Path) -> None:
    before = records(made)
    reference = editor.text_content("#name")
    near = editor.eval_on_selector_all(".photo", "all => all.map((one) => one.dataset.key)")
    editor.locator(".photo").nth(1).click()
    editor.locator(".photo").nth(4).click()
    assert editor.locator("li.positive").count() == editor.locator("li.negative").count() == 1
    editor.click("#save")
    wait_for(editor, 1)
    added = records(made)[len(before) :]
    assert [Path(added[0][role]["image"]).name for role in ("anchor", "positive", "negative")] == [
        Path(name).name for name in (reference, near[1], near[4])
    ]
    editor.click("#undo")
    wait_for(editor, 0)
    assert records(made) == before
    assert editor.text_content("#name") == reference


def test_with_the_keyboard_alone(editor: Any, made: Path) -> None:
    before = len(records(made))
    for key in ("ArrowRight", "ArrowRight", "n", "ArrowLeft", "y", "Enter"):
        editor.keyboard.press(key)
    wait_for(editor, 1)
    assert len(records(made)) == before + 1
    editor.keyboard.press("s")
    wait_for(editor, 2)
    editor.keyboard.press("1")
    editor.keyboard.press("2")
    editor.keyboard.press("1")  # no longer
    assert editor.locator("li.positive").count() == 0
    editor.keyboard.press("3")
    editor.keyboard.press("Enter")
    wait_for(editor, 3)
    assert len(records(made)) == before + 2
    editor.keyboard.press("Control+z")
    wait_for(editor, 2)
    editor.go_back()
    wait_for(editor, 3)
    assert editor.text_content("#count").startswith(str(before + 1))


def test_where_one_is_and_an_end(editor: Any, made: Path) -> None:
    before = records(made)
    assert editor.text_content("#position") == "1 of 9"
    editor.goto(f"{editor.url.split('?')[0]}?at=8")
    editor.wait_for_selector("#neighbours li")
    assert editor.text_content("#position") == "9 of 9"
    editor.keyboard.press("s")
    wait_for(editor, 9)
    assert "That was the last one" in editor.text_content("#message")
    assert editor.locator("#neighbours li, #save:visible, #skip:visible").count() == 0
    editor.keyboard.press("Enter")  # back has the focus
    wait_for(editor, 8)
    editor.keyboard.press("s")
    editor.click("#first")
    wait_for(editor, 0)
    assert editor.locator("#neighbours li").count() == 8
    assert records(made) == before


def test_errors_look_like_errors_and_can_be_tried_again(editor: Any, made: Path) -> None:
    before = len(records(made))
    editor.locator(".photo").nth(1).click()
    editor.locator(".photo").nth(2).click()
    editor.route("**/api/triplets", lambda route: route.abort())
    editor.click("#save")
    editor.wait_for_selector("#message.error >> text=does not answer")
    colour = editor.locator("#message").evaluate("one => getComputedStyle(one).color")
    assert colour == "rgb(179, 38, 30)"
    editor.unroute("**/api/triplets")
    editor.click("#again")
    wait_for(editor, 1)
    assert len(records(made)) == before + 1
    editor.click("#undo")
    wait_for(editor, 0)


def test_zoomed_in_most_of_the_page_is_photos(editor: Any) -> None:
    editor.set_viewport_size({"width": 640, "height": 450})  # 200 % of a small laptop
    editor.mouse.wheel(0, 400)
    editor.wait_for_function("() => scrollY > 100")
    frame = editor.locator("#choice").bounding_box()
    assert frame["y"] <= 0 and frame["height"] < 0.4 * 450
    name = editor.locator("#neighbours .caption .name").first
    assert name.bounding_box()["height"] < 45


def test_the_photos_are_one_stop_of_the_tab_key(editor: Any) -> None:
    assert editor.locator("#neighbours .photo[tabindex='0']").count() == 1
    editor.keyboard.press("ArrowRight")
    editor.keyboard.press("ArrowRight")
    assert editor.evaluate("() => document.activeElement.tabIndex") == 0
    assert editor.locator("#neighbours .photo[tabindex='0']").count() == 1
    editor.keyboard.press("s")
    wait_for(editor, 1)
    assert editor.evaluate("() => Boolean(document.activeElement.closest('#neighbours'))")
