"""Filters that combine with a search, and jumps to pages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import picture
from gallery_page import names, wait_for_message
from pages import running
from PIL import Image

from tvcli.cli import run


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a gallery of 130 photos of two labels in two folders."""
    folder = tmp_path_factory.mktemp("many")
    lines = []
    for number in range(130):
        place = Path("photos", "even" if number % 2 == 0 else "odd", f"{number:03}.png")
        (folder / place.parent).mkdir(parents=True, exist_ok=True)
        picture(number % 9).save(folder / place)
        lines.append(f'{{"image": "{place}", "label": "{"low" if number < 65 else "high"}"}}\n')
    (folder / "records.jsonl").write_text("".join(lines))
    index = str(folder / "photos.tvx")
    assert run(["index", str(folder / "records.jsonl"), "-o", index, "--size", "64", "-q"]) == 0
    with running(folder, "gallery", "photos.tvx") as address:
        yield address


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a gallery that knows what similarities mean: five photos of a label."""
    folder = tmp_path_factory.mktemp("calibrated")
    (folder / "photos").mkdir()
    lines = []
    for number in range(30):
        place = Path("photos", f"{number:02}.png")
        alike = Image.blend(picture(number % 6), picture(100 + number), 0.1)
        alike.save(folder / place)
        lines.append(f'{{"image": "{place}", "label": "seed-{number % 6}"}}\n')
    (folder / "records.jsonl").write_text("".join(lines))
    index = str(folder / "photos.tvx")
    assert run(["index", str(folder / "records.jsonl"), "-o", index, "--size", "64", "-q"]) == 0
    assert run(["eval", "search", index, "--truth", "labels", "--calibrate", "-q"]) == 0
    with running(folder, "gallery", "photos.tvx") as address:
        yield address


def choose(page: Any, facet: str, value: str) -> None:
    details = page.locator(f"#filters details[data-of={facet}]")
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    details.get_by_label(value).check()


def test_labels_and_folders_go_with_a_search(page: Any, many: str) -> None:
    page.goto(many)
    wait_for_message(page, "^130 photos")
    choose(page, "label", "low")
    wait_for_message(page, "^65 photos")
    assert page.evaluate("document.activeElement.dataset.value") == "label low"  # keys go on there
    choose(page, "folder", "photos/even")
    wait_for_message(page, "^33 photos")
    page.locator("#results a.photo").first.click()
    wait_for_message(page, "^30 hits")
    assert "label=low" in page.url
    shown = names(page)
    numbers = [int(Path(name).name[:3]) for name in shown]
    assert all(number % 2 == 0 and number < 65 for number in numbers)
    page.reload()
    wait_for_message(page, "^30 hits")
    assert names(page) == shown
    page.locator("#filters details[data-of=folder] summary").click()
    page.locator("#filters details[data-of=folder] button").click()
    page.wait_for_function("() => !location.search.includes('folder')")
    wait_for_message(page, "^30 hits")
    assert any(int(Path(name).name[:3]) % 2 for name in names(page))


def test_the_least_similarity_and_the_order(page: Any, many: str) -> None:
    page.goto(f"{many}?item=%230")
    wait_for_message(page, "^30 hits")
    values = [float(b) for b in page.locator("#results b").all_text_contents()]
    slider = page.get_by_label("Least similarity")
    slider.fill("0.9")
    page.wait_for_function("() => location.search.includes('min=0.9')")
    wait_for_message(page, f"^{sum(value >= 0.9 for value in values)} hits")
    page.get_by_label("Order").select_option("name")
    page.wait_for_function("() => location.search.includes('sort=name')")
    page.wait_for_function(
        "() => { const all = [...document.querySelectorAll('#results .name')]"
        ".map((one) => one.textContent); return all.join() === all.toSorted().join(); }"
    )


def test_the_least_probability_where_it_is_known(page: Any, calibrated: str) -> None:
    page.goto(f"{calibrated}?item=%230")
    wait_for_message(page, "^29 hits")
    told = page.locator("#results .probable").all_text_contents()
    shares = [int(text.removesuffix(" %")) for text in told]
    assert len(shares) == 29 and shares == sorted(shares, reverse=True)
    assert shares[3] > 90 > shares[4]  # the other four of the label come first
    page.get_by_label("Least probability").fill("0.9")
    page.wait_for_function("() => location.search.includes('probability=0.9')")
    wait_for_message(page, "^4 hits")
    assert page.text_content("#filters output") == "90 %"
    page.hover("#results li")
    page.click("#results li .look")
    page.wait_for_selector(f"#look dd >> text={told[0]}")
    page.goto(f"{calibrated}?item=%230&min=0.5")  # an address of before the index was calibrated
    page.get_by_label("Least similarity").wait_for()


def test_pages_are_jumped_to(page: Any, many: str) -> None:
    page.goto(many)
    wait_for_message(page, "^130 photos")
    first = names(page)
    number = page.locator("#pager input")
    number.fill("3")
    number.press("Enter")
    page.wait_for_url("**page=3")
    page.wait_for_function("() => document.querySelectorAll('#results li').length === 10")
    page.get_by_label("First page").click()
    page.wait_for_function("() => document.querySelectorAll('#results li').length === 60")
    assert names(page) == first
    number = page.locator("#pager input")
    number.fill("99")
    number.press("Enter")
    page.wait_for_url("**page=3")


def test_files_of_the_same_content_are_shown_once(page: Any, many: str) -> None:
    page.goto(f"{many}?item=%230")
    wait_for_message(page, "^30 hits")
    page.get_by_role("button", name="Same files once").click()
    wait_for_message(page, "^9 hits")
    assert "distinct=1" in page.url
    listed = page.locator("#results .same").first
    assert listed.text_content() == "+13"  # 15 of one content, but for the query and the hit
    assert "photos/odd/027.png" in listed.get_attribute("title").split("\n")
    page.locator("#results li").first.hover()
    page.locator("#results .look").first.click()
    page.wait_for_selector("#look dl")
    assert "same files" in page.text_content("#look dl")
    page.keyboard.press("Escape")
    page.wait_for_selector("#look", state="detached")
    page.locator("#results a.photo").nth(1).click()  # it stays in the next search
    page.wait_for_function("() => !location.search.includes('item=%230')")
    wait_for_message(page, "^9 hits")
    page.get_by_role("button", name="Same files once").click()
    wait_for_message(page, "^30 hits")
