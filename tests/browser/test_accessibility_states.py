"""States of the pages that come and go, light and dark, on a desk and on a phone."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from accessibility import violations
from box_page import SAVED
from conftest import drawn
from gallery_page import labelled_gallery, wait_for_message
from pages import SESSIONS, running

from tvcli.cli import run
from tvcli.core.searching.hits import Hit
from tvcli.serve.page import comparison_page

LEARNED = {"state": "ready", "train": 30, "held_out": 10, "seconds": 0.1}
LEARNING = {
    "running": {"state": "running", "epoch": 3, "epochs": 8},
    "better": LEARNED | {"before": 6, "after": 9},
    "worse": LEARNED | {"before": 6, "after": 5},
    "failed": {"state": "failed", "error": "too few clicks"},
    "kept": {"state": "kept", "file": "photos.rank.h5", "before": "photos.before-learning.tvx"},
    "undone": {"state": "undone"},
}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a gallery of eight photos of two labels."""
    folder = tmp_path_factory.mktemp("labelled")
    places = {f"{n}.png": "low" if n < 4 else "high" for n in range(8)}
    with labelled_gallery(folder, places) as address:
        yield address


@pytest.fixture
def phone(chromium: Any) -> Iterator[Any]:
    """Give a page on a phone; `open(address)` goes in there."""
    size = {"width": 390, "height": 844}
    context = chromium.new_context(viewport=size, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(60_000)

    def enter(address: str, query: str = "") -> None:
        context.add_init_script(f"localStorage.tv ??= '{json.dumps(SESSIONS[address])}'")
        page.goto(f"{address}{query}")

    page.enter = enter
    yield page
    context.close()


def without_learned(route: Any) -> None:
    """Answer a search with what was learned as one without, as nothing was learned."""
    route.continue_(post_data=json.dumps(route.request.post_data_json | {"learned": False}))


@pytest.mark.parametrize(
    "state",
    [s if s == "better" else pytest.param(s, marks=pytest.mark.long) for s in LEARNING],
)
def test_learning(page: Any, gallery: str, state: str) -> None:
    now = {"now": LEARNING[state]}
    page.route("**/api/learn", lambda route: route.fulfill(json=now["now"]))
    page.route("**/api/search", without_learned)
    page.goto(f"{gallery}?item=3.png&like=1.png&unlike=2.png")
    page.wait_for_selector("#learning:not([hidden])")
    page.wait_for_selector("#results li")
    if state in ("better", "worse"):
        page.wait_for_selector("#results.compared")
    assert violations(page) == []
    now["now"] = {"state": "none"}  # what runs has an end


def test_filters_open(page: Any, labelled: str) -> None:
    for query, told in (("", "^4 photos"), ("?item=%230", "^3 hits")):
        page.goto(f"{labelled}{query}")
        page.wait_for_selector("#results li")
        page.click("#filters details[data-of=label] summary")
        assert violations(page) == []
        page.check("[data-value='label low']")
        wait_for_message(page, told)
        assert violations(page) == []


@pytest.mark.long
def test_two_indexes(page: Any, made: Path) -> None:
    with running(made, "gallery", "photos.tvx", "photos.tvx") as address:
        page.goto(f"{address}?item=3.png")
        page.wait_for_selector("#results.compared li")
        assert violations(page) == []


@pytest.mark.long
def test_why_there_is_no_answer(home: Any) -> None:
    home.route("**/api/explain", lambda route: route.fulfill(status=400, json={"error": "no map"}))
    home.click("a.photo[aria-label='Search with 3.png']")
    home.wait_for_selector("#results [data-why]")
    home.focus("#results li a.photo")
    home.keyboard.press("w")
    home.wait_for_selector("#why .error")
    assert violations(home) == []


@pytest.mark.long
def test_a_photo_that_is_gone_in_the_lightbox(page: Any, gallery: str) -> None:
    page.goto(f"{gallery}?look=0.99")
    page.wait_for_selector("#look .missing")
    assert violations(page) == []


def test_the_gallery_on_a_phone(phone: Any, labelled: str) -> None:
    phone.enter(labelled)
    phone.wait_for_selector("#results li")
    assert violations(phone) == []
    phone.tap("#filters summary")
    assert violations(phone) == []
    examples = "like=photos/1.png&like=photos/4.png&unlike=photos/2.png&weight=2:photos/1.png"
    phone.enter(labelled, f"?item=%233&{examples}")
    phone.wait_for_selector("#results li.unliked")
    assert violations(phone) == []
    picture_of_example = phone.locator("#tray li img").first.bounding_box()
    handles = phone.locator("#tray li .handles").first.bounding_box()
    assert picture_of_example["y"] + picture_of_example["height"] <= handles["y"] + 1
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.locator("#results .choose").first.tap()
    phone.wait_for_selector("#chosen:not([hidden])")
    assert violations(phone) == []
    phone.locator("#results .look").first.tap()
    phone.wait_for_selector("#look img")
    assert violations(phone) == []


def test_the_box_editor_on_a_phone(phone: Any, served: tuple[str, Path]) -> None:
    address, _ = served
    phone.enter(address, "?photo=1")
    phone.wait_for_selector("#stage image")
    phone.keyboard.press("k")
    phone.wait_for_selector("#boxes li")
    assert violations(phone) == []
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    phone.keyboard.press("Delete")
    phone.wait_for_function(SAVED)


def test_the_similarity_editor(phone: Any, page: Any, made: Path, tmp_path: Path) -> None:
    with running(made, "annotate", "triplets", "photos.tvx", "-o", tmp_path / "c.jsonl") as address:
        phone.enter(address)
        phone.wait_for_selector("#neighbours li")
        phone.locator(".photo").nth(1).tap()
        phone.locator(".photo").nth(2).tap()
        assert violations(phone) == []
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
        page.goto(address)
        page.wait_for_selector("#neighbours li")
        page.keyboard.press("?")
        page.wait_for_selector("#keys[open]")
        assert violations(page) == []


@pytest.mark.long
def test_pairs_and_comparisons_as_files(page: Any, tmp_path: Path, capfd: Any) -> None:
    home, html = "http://127.0.0.1:9/", ""

    def answer(route: Any) -> None:
        body = html if route.request.url == home else "a photo"
        route.fulfill(body=body, content_type="text/html")

    page.context.route(f"{home}**", answer)
    drawn(0).save(tmp_path / "a.png")
    drawn(0).resize((160, 120)).save(tmp_path / "b.png")
    for seed, name in ((1, "c"), (2, "d")):
        drawn(seed).save(tmp_path / f"{name}.png")
    for other, status in (("b.png", 0), ("c.png", 1)):
        capfd.readouterr()
        assert run(["same", str(tmp_path / "a.png"), str(tmp_path / other), "--html"]) == status
        html = capfd.readouterr().out
        page.goto(home)
        assert violations(page) == []
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        hits = [Hit("a.png", rank, f"{name}.png", 0.5) for rank, name in enumerate("bcd", 1)]
        html = "".join(
            comparison_page({"one": hits, "two": hits[::-1]}, "demo", lambda hit: hit.rank == 1)
        )
    finally:
        os.chdir(before)
    page.goto(home)
    assert violations(page) == []
    marks = page.locator("li.right .mark").all_text_contents()
    assert marks == ["✓ right", "✓ right"]  # not by a colour alone
    with page.context.expect_page() as opened:
        page.locator("li a").nth(1).click()
    assert opened.value.url == f"{home}b.png"  # beside the page, where the photo is
