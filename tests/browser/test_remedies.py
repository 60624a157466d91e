"""Where there is nothing to show, or something went wrong, there is something to do about it."""

from pathlib import Path
from typing import Any

import pytest
from accessibility import violations
from gallery_page import names, wait_for_hits, wait_for_message
from pages import running


def offered(page: Any) -> list[str]:
    texts: list[str] = page.locator("#remedies:visible button").all_text_contents()
    return texts


def test_filters_that_leave_nothing_are_taken_away(page: Any, gallery: str) -> None:
    page.goto(f"{gallery}?text=nothing+is+called+so")
    wait_for_message(page, "^No photo with")
    assert offered(page) == ["Without filters"]
    assert violations(page) == []
    page.click("#remedies button")
    wait_for_message(page, "^9 photos")
    assert offered(page) == [] and page.input_value("#text") == ""
    page.goto(f"{gallery}?text=nothing+is+called+so&view=map")
    wait_for_message(page, "^No photo with")
    page.click("#remedies >> text=Without filters")
    wait_for_message(page, "^9 photos on the map")


def test_a_search_that_finds_nothing(page: Any, gallery: str) -> None:
    page.goto(f"{gallery}?item=3.png&min=1&text=png")
    wait_for_message(page, "^No hit of a similarity of 1.00")
    assert offered(page) == ["However similar", "Without filters", "Show all photos"]
    assert violations(page) == []
    page.focus("#remedies button")
    page.keyboard.press("Enter")
    wait_for_hits(page, 7)
    assert "min=" not in page.url and "text=png" in page.url


@pytest.mark.parametrize(
    ("query", "reason", "others"),
    [
        ("item=gone.png", "not in photos.tvx", ["Show all photos"]),
        ("file=gone", "drop it again", ["Choose another file", "Show all photos"]),
        ("view=map&layout=sammon", "cannot be made", ["Lay out by PCA", "Show the grid"]),
    ],
)
def test_what_cannot_be_shown(
    page: Any, gallery: str, query: str, reason: str, others: list[str]
) -> None:
    page.goto(f"{gallery}?{query}")
    page.wait_for_selector(f"#message.error >> text={reason}")
    assert offered(page) == ["Try again", *others]
    assert page.locator("#query:visible, #map:visible").count() == 0
    assert violations(page) == []
    page.click("#remedies button >> nth=-1")
    wait_for_message(page, "^9 photos")
    assert len(names(page)) == 9 and offered(page) == []


def test_what_failed_is_tried_again(home: Any) -> None:
    home.route("**/api/search", lambda route: route.abort())
    home.click("a.photo[aria-label='Search with 3.png']")
    home.wait_for_selector("#message.error >> text=does not answer")
    home.unroute("**/api/search")
    home.click("#remedies >> text=Try again")
    wait_for_hits(home)
    assert offered(home) == []


def test_a_file_that_is_no_photo(home: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("no picture")
    home.set_input_files("#file", tmp_path / "notes.jpg")
    home.wait_for_selector("#message.error")
    assert offered(home) == ["Choose another file"]
    with home.expect_file_chooser():
        home.click("#remedies button")


@pytest.mark.parametrize(
    "words",
    [
        ["gallery", "photos.tvx"],
        ["annotate", "boxes", "photos"],
        ["annotate", "triplets", "photos.tvx"],
    ],
)
def test_a_page_that_cannot_begin_says_so(
    page: Any, made: Path, tmp_path: Path, words: list[str]
) -> None:
    output = ["-o", tmp_path / "output.jsonl"] if words[0] == "annotate" else []
    with running(made, *words, *output) as address:
        page.route("**/api/about*", lambda route: route.abort())
        page.goto(address)
        page.wait_for_selector("#message.error >> text=does not answer")
        assert violations(page) == []
        page.unroute("**/api/about*")
        page.click("#remedies >> text=Try again")
        page.wait_for_selector("#results li, #strip li, #neighbours li")
        assert page.locator("#message.error").count() == 0
