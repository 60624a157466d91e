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
