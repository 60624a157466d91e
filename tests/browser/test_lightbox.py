"""The lightbox, and the tray of examples."""

from pathlib import Path
from typing import Any

from gallery_page import names, open_search, wait_for_hits, wait_for_message


def looked_at(page: Any, name: str) -> None:
    page.wait_for_function(
        "name => document.querySelector('#look h2')?.textContent === name"
        " && document.querySelector('#look img')?.naturalWidth > 0",
        arg=name,
    )


def test_a_hit_and_the_ones_beside_it(home: Any) -> None:
    open_search(home)
    order = names(home)
    home.hover("#results li:nth-child(2)")
    home.click("#results li:nth-child(2) .look")
    looked_at(home, order[1])
    told = home.text_content("#look dl")
    similarity = home.text_content("#results li:nth-child(2) b")
    assert f"similarity{similarity}" in told
    assert "240 × 200" in told
    assert f"path{Path('photos')}" in told
    assert home.locator("#look img").get_attribute("width") == "240"
    home.click("#look [data-step=after]")
    looked_at(home, order[2])
    home.keyboard.press("ArrowLeft")
    home.keyboard.press("ArrowLeft")
    looked_at(home, order[0])
    assert home.is_disabled("#look [data-step=before]")
    home.reload()
    looked_at(home, order[0])
    home.go_back()
    home.wait_for_selector("#look", state="detached")
    assert "look=" not in home.url
    assert names(home) == order


def test_with_the_keyboard_alone(home: Any) -> None:
    open_search(home)
    order = names(home)
    home.focus("#results a.photo")
    home.keyboard.press(" ")
    looked_at(home, order[0])
    home.keyboard.press("x")
    assert home.is_checked("#look .choose-this")
    home.keyboard.press("z")
    home.wait_for_function("() => document.querySelector('#look img').src.includes('size=full')")
    home.keyboard.press("w")
    home.wait_for_function(
        "() => document.querySelector('#why img')?.naturalWidth > 640",
        timeout=60_000,  # torch
    )
    home.keyboard.press("Escape")
    home.wait_for_selector("#why", state="detached")
    home.keyboard.press("n")
    home.wait_for_url("**unlike=*")
    wait_for_message(home, "0 yes and 1 no")
    home.wait_for_selector("#look [data-say=unlike][aria-pressed=true]")
    home.keyboard.press("Escape")
    home.wait_for_selector("#look", state="detached")
    wait_for_hits(home)
    assert home.evaluate("document.activeElement.matches('a.photo')")
    assert home.locator("#results li.chosen").count() == 1


def test_a_photo_that_is_gone(page: Any, gallery: str) -> None:
    page.goto(f"{gallery}?look=0.99")
    page.wait_for_selector("#look .missing")
    assert "not in photos.tvx" in page.text_content("#look .missing")
    page.keyboard.press("Escape")
    page.wait_for_selector("#look", state="detached")
    assert page.locator("#results li").count() == 9


def test_examples_are_taken_back_one_by_one(home: Any) -> None:
    open_search(home)
    order = names(home)
    before = home.eval_on_selector_all("#results b", "all => all.map((one) => one.textContent)")
    for name, what in ((order[4], "Yes"), (order[6], "Yes"), (order[1], "No")):
        card = home.locator("#results li", has_text=name)
        card.hover()
        with home.expect_response("**/api/search"):
            card.get_by_role("button", name=what).click()
        wait_for_hits(home)
    assert home.locator("#tray h3").all_text_contents() == ["Yes (2)", "No (1)"]
    assert "3.png" not in names(home)
    home.reload()
    wait_for_hits(home)
    assert home.locator("#tray li").count() == 3
    home.get_by_role("button", name=f"Take back yes to {order[4]}").focus()
    home.keyboard.press("Enter")
    wait_for_message(home, "1 yes and 1 no")
    assert home.evaluate("document.activeElement.closest('#tray') !== null")
    home.get_by_role("button", name=f"Take back no to {order[1]}").click()
    wait_for_message(home, "1 yes and 0 no")
    home.get_by_role("button", name=f"Take back yes to {order[6]}").click()
    wait_for_message(home, "^8 hits$")
    assert not home.is_visible("#tray")
    assert names(home) == order
    assert home.eval_on_selector_all("#results b", "all => all.map((b) => b.textContent)") == before


def test_a_second_yes_counts_twice_and_the_tray_weighs_by_keys(home: Any) -> None:
    open_search(home)
    name = names(home)[4]
    plain = home.eval_on_selector_all("#results b", "all => all.map((b) => b.textContent)")
    card = home.locator("#results li", has_text=name)
    shown = []
    for says in ("Yes", "Yes ×2"):
        card.hover()
        with home.expect_response("**/api/search"):
            card.locator("[data-say=like]").click()
        wait_for_message(home, "1 yes and 0 no")
        button = home.locator("#results [data-say=like][aria-pressed=true]")
        assert button.text_content() == says
        shown.append(
            home.eval_on_selector_all("#results b", "all => all.map((b) => b.textContent)")
        )
    assert shown[0] != shown[1]
    home.wait_for_url("**weight=2*")
    home.reload()
    wait_for_message(home, "1 yes and 0 no")
    weight = home.get_by_role("button", name=f"Weight of {name}: 2")
    assert weight.text_content() == "×2"
    weight.focus()
    home.keyboard.press("ArrowUp")
    home.get_by_role("button", name=f"Weight of {name}: 4").wait_for()
    assert home.evaluate("document.activeElement.textContent") == "×4"
    for _ in range(3):
        home.keyboard.press("ArrowDown")
        home.wait_for_load_state("networkidle")
    home.get_by_role("button", name=f"Weight of {name}: 0.5").wait_for()
    assert home.evaluate("document.activeElement.textContent") == "×½"
    home.locator("#results [data-say=like][aria-pressed=true]").click()
    wait_for_message(home, "^8 hits$")
    assert home.eval_on_selector_all("#results b", "all => all.map((b) => b.textContent)") == plain
    assert "weight" not in home.url
