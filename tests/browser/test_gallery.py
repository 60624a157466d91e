import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import picture
from gallery_page import names, wait_for_hits, wait_for_message
from pages import HOSTILE, running


def test_browse_click_back_reload(home: Any) -> None:
    assert len(names(home)) == 9
    assert "ticket" not in home.url
    home.click("a.photo[aria-label='Search with 3.png']")
    wait_for_hits(home)
    assert home.text_content("#query-name") == "3.png"
    assert "3.png" not in names(home)  # what is searched with is left out
    assert home.locator("#results b").first.text_content() != "1.000"
    assert "item=3.png" in home.url
    before = names(home)
    home.reload()
    wait_for_hits(home)
    assert names(home) == before
    home.go_back()
    home.wait_for_function("() => document.querySelector('#message').textContent === '9 photos'")
    assert not home.is_visible("#query")
    home.go_forward()
    wait_for_hits(home)


def test_every_picture_is_shown(home: Any) -> None:
    home.wait_for_function(
        "() => [...document.images].every((one) => one.complete && one.naturalWidth > 0)"
    )


def test_a_hostile_name_is_a_name(home: Any) -> None:
    assert HOSTILE in names(home)
    home.click(f'#results li:has(span[title="photos/{HOSTILE}"]) a')
    wait_for_hits(home)
    assert home.text_content("#query-name") == HOSTILE
    assert home.locator("img[src=x]").count() == 0
    home.reload()
    wait_for_hits(home)
    assert home.text_content("#query-name") == HOSTILE


def drop(page: Any, file: Path) -> None:
    content = base64.b64encode(file.read_bytes()).decode()
    page.evaluate(
        """([name, content]) => {
            const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, { type: "image/png" }));
            for (const kind of ["dragover", "drop"])
                document.body.dispatchEvent(new DragEvent(kind,
                    { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        [file.name, content],
    )


def test_a_dropped_and_a_chosen_file(home: Any, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.png"
    picture(5, 240, 200).save(file)
    drop(home, file)
    wait_for_hits(home, 9)
    assert names(home)[0] == "5.png"
    home.reload()
    wait_for_hits(home, 9)
    picture(2, 240, 200).save(file)
    home.set_input_files("#file", file)
    home.wait_for_function("() => document.querySelector('#results .name').textContent === '2.png'")
    (tmp_path / "text.png").write_text("text")
    drop(home, tmp_path / "text.png")
    home.wait_for_selector("#message.error")
    assert "not a picture" in home.text_content("#message")


def test_a_dragged_region(home: Any) -> None:
    home.click("a.photo[aria-label='Search with 1.png']")
    wait_for_hits(home)
    whole = home.eval_on_selector_all("#results b", "all => all.map((one) => one.textContent)")
    frame = home.locator("#stage img").bounding_box()
    x, y, width, height = (frame[side] for side in ("x", "y", "width", "height"))
    home.mouse.move(x + width * 0.25, y + height * 0.25)
    home.mouse.down()
    home.mouse.move(x + width * 0.6, y + height * 0.6)
    home.mouse.move(x + width * 0.75, y + height * 0.75)
    home.mouse.up()
    home.wait_for_url("**box=*")
    wait_for_hits(home)
    box = [int(side) for side in home.url.split("box=")[1].split("&")[0].split("%2C")]
    assert box == pytest.approx([60, 50, 180, 150], abs=2)
    part = home.eval_on_selector_all("#results b", "all => all.map((one) => one.textContent)")
    assert part != whole
    assert home.locator("#stage .outline.chosen").count() == 1
    home.click("#whole")
    home.wait_for_function("() => !location.search.includes('box')")
    assert home.locator("#stage .outline.chosen").count() == 0


def test_likes_change_the_order_and_are_saved(home: Any, made: Path) -> None:
    home.click("a.photo[aria-label='Search with 0.png']")
    wait_for_hits(home)
    before = names(home)
    last = home.locator("#results li").last
    last.hover()
    last.get_by_role("button", name="Yes").click()
    home.wait_for_url("**like=*")
    wait_for_hits(home)
    liked = before[-1]
    assert names(home).index(liked) < before.index(liked)
    second = home.locator("#results li", has_text=before[1])
    second.hover()
    second.get_by_role("button", name="No").click()
    home.wait_for_url("**unlike=*")
    wait_for_hits(home)
    assert names(home).index(before[1]) > 1
    home.click("#save")
    home.wait_for_function("() => /2 new/.test(document.querySelector('#message').textContent)")
    lines = (made / "photos.clicks.jsonl").read_text().splitlines()
    said = {Path(json.loads(line)["image"]).name: json.loads(line)["relevant"] for line in lines}
    assert said == {liked: True, before[1]: False}


def test_cards_tell_photos_of_one_name_apart(home: Any) -> None:
    inner = home.locator(".name", has_text="6.png")
    assert inner.text_content() == "inner/6.png"
    assert inner.get_attribute("title") == "photos/inner/6.png"
    for part in (".folder", ".file"):
        assert inner.locator(part).bounding_box()["width"] > 10


@pytest.mark.parametrize("size", [(1280, 800), (400, 600)])
def test_keys_are_closed_without_scrolling(home: Any, size: tuple[int, int]) -> None:
    width, height = size
    home.set_viewport_size({"width": width, "height": height})
    home.keyboard.press("?")
    frame, listed = (home.locator(name).bounding_box() for name in ("#keys .strong", "#keys > div"))
    assert frame["x"] >= 0 and frame["x"] + frame["width"] <= width
    assert listed["y"] + listed["height"] <= frame["y"]
    assert frame["y"] + frame["height"] <= height
    assert home.evaluate("() => { const list = document.querySelector('#keys > div');"
                         " list.scrollTop = 9999; return list.scrollTop; }") > 0  # fmt: skip
    home.get_by_text("Close").click()
    assert not home.is_visible("#keys")


def test_with_the_keyboard_alone(home: Any) -> None:
    keyboard = home.keyboard
    keyboard.press("/")
    keyboard.type("inner")
    keyboard.press("Enter")
    home.wait_for_function("() => document.querySelectorAll('#results li').length === 2")
    home.locator("#text").blur()
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    keyboard.press("Enter")
    wait_for_message(home, "^1 hit with “inner”")
    assert home.text_content("#query-name") == "inner/7.png"
    for key in ("/", "Control+a", "Delete", "Enter"):
        keyboard.press(key)
    wait_for_hits(home)
    home.locator("#text").blur()
    keyboard.press("ArrowRight")
    keyboard.press("ArrowRight")
    keyboard.press("y")
    home.wait_for_url("**like=*")
    wait_for_hits(home)
    assert home.evaluate("document.activeElement.matches('a.photo')")
    keyboard.press("r")
    for key in ("Enter", "ArrowRight", "Shift+ArrowDown", "Enter"):
        keyboard.press(key)
    home.wait_for_url("**box=*")
    keyboard.press("?")
    assert home.is_visible("#keys")
    keyboard.press("Escape")
    assert not home.is_visible("#keys")
    home.locator("#stage").blur()
    keyboard.press("Escape")
    home.wait_for_function("() => location.search === ''")


def test_everything_has_a_name_for_a_screen_reader(home: Any) -> None:
    home.click("a.photo[aria-label='Search with 0.png']")
    wait_for_hits(home)
    unnamed = home.evaluate(
        """[...document.querySelectorAll("a, button, input, [tabindex='0']")]
        .filter((one) => one.checkVisibility() && !one.ariaLabel && !one.textContent.trim()
            && !one.labels?.length).map((one) => one.outerHTML)"""
    )
    assert unnamed == []


def test_learn_keep_and_rank_anew(page: Any, made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "photos", tmp_path / "photos")
    shutil.copytree(made / "photos.tvx", tmp_path / "photos.tvx")
    with running(tmp_path, "gallery", "photos.tvx") as address:
        page.goto(address)
        page.click("a.photo[aria-label='Search with 0.png']")
        wait_for_hits(page)
        order = names(page)
        for name, what in (
            (order[6], "Yes"),
            (order[7], "Yes"),
            (order[0], "No"),
            (order[1], "No"),
        ):
            card = page.locator("#results li", has_text=name)
            card.hover()
            with page.expect_response("**/api/search"):
                card.get_by_role("button", name=what).click()
            wait_for_hits(page)
        learned_from = names(page)
        page.click("#learn")
        page.wait_for_selector("text=/Of 1 held-out/", timeout=60_000)  # it loads torch
        wait_for_hits(page, 16)  # old hits, and new ones beside them
        assert page.locator("#results h2").all_text_contents() == ["photos.tvx", "as learned"]
        moved = page.locator("#results section:nth-child(2) .moved").all_text_contents()
        assert moved and all(text[0] in "▲▼" and text[1:].isdecimal() for text in moved)
        page.click("text=Keep it")
        page.wait_for_selector("text=/Kept:/")
        wait_for_hits(page)
        assert (tmp_path / "photos.rank.h5").is_file()
        page.click("#learning >> text=Undo")
        page.wait_for_selector("text=/Undone:/")
        page.wait_for_function(
            "names => [...document.querySelectorAll('#results .name')]"
            ".map((one) => one.textContent).join() === names.join()",
            arg=learned_from,
        )
    assert not (tmp_path / "photos.rank.h5").exists()


def test_once_learning_each_click_ranks_anew(page: Any, made: Path, tmp_path: Path) -> None:
    """The learned hits move with each click, and with one that is taken back; nothing is kept."""
    shutil.copytree(made / "photos", tmp_path / "photos")
    shutil.copytree(made / "photos.tvx", tmp_path / "photos.tvx")

    def learned() -> list[str]:
        wait_for_hits(page, 16)
        found: list[str] = page.locator("#results section:nth-child(2) b").all_text_contents()
        return found

    def say(name: str, what: str) -> None:
        card = page.locator("#results section:first-child li", has_text=name)
        if not card.count():
            card = page.locator("#results li", has_text=name)
        card.first.hover()
        with page.expect_response("**/api/search"):
            card.first.locator(f"[data-say={what}]").click()

    with running(tmp_path, "gallery", "photos.tvx") as address:
        page.goto(address)
        page.click("a.photo[aria-label='Search with 0.png']")
        wait_for_hits(page)
        order = names(page)
        for name, what in ((order[6], "like"), (order[0], "unlike")):
            say(name, what)
            wait_for_hits(page)
        page.click("#learn")
        page.wait_for_selector("text=/Learned from 1 triplets/")
        first = learned()
        with page.expect_response("**/api/learn"):
            say(order[1], "unlike")
        page.wait_for_selector("text=/Learned from 2 triplets/")
        page.wait_for_function(
            "old => [...document.querySelectorAll('#results section:nth-child(2) b')]"
            ".map((one) => one.textContent).join() !== old",
            arg=",".join(first),
        )
        with page.expect_response("**/api/learn"):
            page.get_by_role("button", name=f"Take back no to {order[1]}").click()
        page.wait_for_selector("text=/Learned from 1 triplets/")
        page.wait_for_function(
            "old => [...document.querySelectorAll('#results section:nth-child(2) b')]"
            ".map((one) => one.textContent).join() === old",
            arg=",".join(first),
        )
        page.click("text=Discard it")
        wait_for_hits(page)
    assert not (tmp_path / "photos.rank.h5").exists()
    lines = (tmp_path / "photos.clicks.jsonl").read_text().splitlines()
    assert len(lines) == 2


def test_why_a_hit_is_one(home: Any) -> None:
    """By the key and by the button; it closes to where it was opened."""
    home.click("a.photo[aria-label='Search with 3.png']")
    wait_for_hits(home)
    home.focus("#results li:nth-child(2) a.photo")
    home.keyboard.press("w")
    home.wait_for_function(
        "() => document.querySelector('#why img')?.naturalWidth > 640",
        timeout=60_000,  # torch
    )
    assert "similarity comes from" in home.text_content("#why .hint")
    home.keyboard.press("Escape")
    home.wait_for_selector("#why", state="detached")
    assert home.evaluate("document.activeElement.dataset.why") is not None
    home.keyboard.press("Enter")
    home.wait_for_selector("#why img")
    home.click("#why button")
    home.wait_for_selector("#why", state="detached")


def test_why_says_what_is_wrong(home: Any) -> None:
    reason = "this index's layer gives vectors, which have no positions"
    home.route("**/api/explain", lambda route: route.fulfill(status=400, json={"error": reason}))
    home.click("a.photo[aria-label='Search with 3.png']")
    wait_for_hits(home)
    home.hover("#results li:nth-child(2)")
    home.click("#results li:nth-child(2) .why")
    home.wait_for_function("() => document.querySelector('#why .error') !== null")
    assert home.text_content("#why .error") == reason
    assert home.locator("#why img").count() == 0


@pytest.mark.parametrize(
    ("before", "after", "strong"), [(3, 5, "Keep it"), (4, 4, "Discard it"), (5, 2, "Discard it")]
)
def test_what_is_no_better_is_not_recommended(
    home: Any, before: int, after: int, strong: str
) -> None:
    state = {"state": "ready", "train": 9, "held_out": 6, "before": before, "after": after}
    home.route("**/api/learn", lambda route: route.fulfill(json=state | {"seconds": 1}))
    search = {"hits": []}
    home.route("**/api/search", lambda route: route.fulfill(json=search))
    home.goto(f"{home.url}?item=3.png")
    home.wait_for_selector("#learning button")
    assert home.locator("#learning .strong").all_text_contents() == [strong]
    told = home.text_content("#learning p")
    assert f"{before} were in the right order; now {after} are" in told
    assert ("Better." in told) is (after > before)
