"""Photos of the gallery that are chosen, and what is done with them."""

import csv
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

from gallery_page import names, open_search, wait_for_hits, wait_for_message
from pages import running


def chosen(page: Any) -> list[str]:
    """Return the names on the cards that are shown as chosen."""
    assert page.eval_on_selector_all("#results .choose:checked", "all => all.length") == (
        page.locator("#results li.chosen").count()
    )
    found: list[str] = page.eval_on_selector_all(
        "#results li.chosen .name", "all => all.map((one) => one.textContent)"
    )
    return found


def choose(page: Any, *places: int) -> None:
    for place in places:
        page.locator("#results .choose").nth(place).click()


def saved(page: Any, what: str) -> bytes:
    with page.expect_download() as download:
        page.click(f"[data-do={what}]")
    return Path(download.value.path()).read_bytes()


def test_by_boxes_modifiers_and_ranges(home: Any) -> None:
    order = names(home)
    assert not home.is_visible("#chosen")
    choose(home, 1)
    assert chosen(home) == [order[1]]
    home.locator("#results a.photo").nth(4).click(modifiers=["Shift"])
    assert chosen(home) == order[1:5]
    home.locator("#results a.photo").nth(2).click(modifiers=["Control"])
    home.locator("#results a.photo").nth(7).click(modifiers=["Control"])
    assert chosen(home) == [order[1], order[3], order[4], order[7]]
    assert home.text_content("#chosen-count") == "4 photos chosen"
    assert "item=" not in home.url
    home.click("[data-do=clear]")
    assert chosen(home) == []
    assert not home.is_visible("#chosen")


def test_by_a_band_around_cards(home: Any) -> None:
    order = names(home)
    first, third = (home.locator("#results li").nth(n).bounding_box() for n in (0, 2))
    home.mouse.move(first["x"] + 30, first["y"] + 40)
    home.mouse.down()
    home.mouse.move(third["x"] + 10, third["y"] + 60, steps=5)
    assert home.locator(".band").count() == 1
    home.mouse.up()
    assert chosen(home) == order[:3]
    assert home.locator(".band").count() == 0
    assert "item=" not in home.url  # a drag is no click
    last = home.locator("#results li").nth(5).bounding_box()
    home.keyboard.down("Control")
    home.mouse.move(last["x"] + 20, last["y"] + 50)
    home.mouse.down()
    home.mouse.move(last["x"] + 50, last["y"] + 90, steps=3)
    home.mouse.up()
    home.keyboard.up("Control")
    assert chosen(home) == [*order[:3], order[5]]
    home.locator("#results a.photo").nth(4).click()  # the next click is one again
    wait_for_hits(home)


def test_with_the_keyboard_alone(home: Any) -> None:
    order = names(home)
    keyboard = home.keyboard
    keyboard.press("ArrowRight")
    keyboard.press("x")
    assert chosen(home) == order[:1]
    keyboard.press("Shift+ArrowRight")
    keyboard.press("Shift+ArrowRight")
    assert chosen(home) == order[:3]
    keyboard.press("x")
    assert chosen(home) == order[:2]
    keyboard.press("Control+a")
    assert chosen(home) == order
    keyboard.press("Escape")
    assert chosen(home) == []


def test_it_stays_chosen_elsewhere(home: Any) -> None:
    order = names(home)
    choose(home, 0, 3)
    open_search(home, order[1])
    assert sorted(chosen(home)) == sorted([order[0], order[3]])
    home.fill("#text", "inner")
    home.press("#text", "Enter")
    wait_for_message(home, "^2 hits with “inner”")
    assert home.text_content("#chosen-count") == "2 photos chosen"
    home.go_back()
    wait_for_hits(home)
    assert sorted(chosen(home)) == sorted([order[0], order[3]])


def test_paths_records_and_tables(home: Any, made: Path) -> None:
    home.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_search(home)
    choose(home, 0, 1)
    home.click("[data-do=copy]")
    wait_for_message(home, "^2 photos: their paths")
    paths = home.evaluate("navigator.clipboard.readText()").split("\n")
    assert all((made / path).is_file() for path in paths)
    records = [json.loads(line) for line in saved(home, "jsonl").splitlines()]
    assert [record["image"] for record in records] == paths
    assert [record["rank"] for record in records] == [1, 2]
    rows = list(csv.DictReader(io.StringIO(saved(home, "csv").decode())))
    assert [row["image"] for row in rows] == paths
    assert [float(row["similarity"]) for row in rows] == [r["similarity"] for r in records]
    shown = home.eval_on_selector_all(
        "#results li.chosen b", "all => all.map((b) => b.textContent)"
    )
    assert shown == [f"{record['similarity']:.3f}" for record in records]


def test_names_are_no_formulas(home: Any) -> None:
    """What a spreadsheet would run is text in the table, and still a path."""
    told = home.evaluate(
        """async () => {
            const { csv } = await import("/static/exports.js");
            return csv([{ image: "=cmd|'x'!A1,\\"y\\".jpg", label: "@SUM(1)", similarity: -0.5 }]);
        }"""
    )
    (row,) = csv.DictReader(io.StringIO(told))
    assert row == {"image": "./=cmd|'x'!A1,\"y\".jpg", "label": "'@SUM(1)", "similarity": "-0.5"}


def test_fields_are_columns_beside_what_the_page_knows(home: Any) -> None:
    told = home.evaluate(
        """async () => {
            const { csv, jsonLines } = await import("/static/exports.js");
            const fields = { name: "dress", price: 5, image: "x" };
            const items = [{ image: "a.jpg", name: "a.jpg", fields },
                           { image: "b.jpg", name: "b.jpg", fields: { sold: false } }];
            return [csv(items), jsonLines(items)];
        }"""
    )
    assert list(csv.DictReader(io.StringIO(told[0]))) == [
        {"image": "a.jpg", "name": "dress", "price": "5", "sold": ""},
        {"image": "b.jpg", "name": "", "price": "", "sold": "false"},
    ]
    assert [json.loads(line) for line in told[1].splitlines()] == [
        {"image": "a.jpg", "name": "dress", "price": 5},
        {"image": "b.jpg", "sold": False},
    ]


def test_the_photos_as_an_archive(home: Any, made: Path) -> None:
    choose(home, 0, 6)
    with zipfile.ZipFile(io.BytesIO(saved(home, "zip"))) as file:
        assert file.testzip() is None
        for name in file.namelist():
            assert file.read(name) == (made / "photos" / name).read_bytes()
        assert len(file.namelist()) == 2


def test_they_become_examples_and_clicks(page: Any, made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "photos", tmp_path / "photos")
    shutil.copytree(made / "photos.tvx", tmp_path / "photos.tvx")
    with running(tmp_path, "gallery", "photos.tvx") as address:
        page.goto(address)
        open_search(page, "1.png")
        order = names(page)
        choose(page, 2, 5)
        page.click("[data-do=clicks]")
        wait_for_message(page, "^2 new in photos.clicks.jsonl")
        lines = (tmp_path / "photos.clicks.jsonl").read_text().splitlines()
        records = [json.loads(line) for line in lines]
        assert {r["query"]["image"] for r in records} == {"photos/1.png"}
        said = {Path(record["image"]).name: record["relevant"] for record in records}
        assert said == {order[2]: True, order[5]: True}
        page.click("[data-do=unlike]")
        wait_for_message(page, "hits, 0 yes and 2 no")
        page.click("[data-do=like]")
        wait_for_message(page, "hits, 2 yes and 0 no")
