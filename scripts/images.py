"""The pictures of the pages in docs/images, of drawn garments: `python -m scripts.images`.

With the folder of a `tv demo` only the picture of what its searches find: `python -m scripts.images
demo`. Needs Playwright and a Chromium, as the tests in a browser do.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from scripts.browser import chromium, served
from tvcli.core.reports import Report
from tvcli.demo.chain import SMALL, draw

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIZE = {"width": 1120, "height": 700}
EDGE = 20  # pixels around what is kept of a page
WIDE = {"width": 1240, "height": 1000}  # a query and its six hits side by side
QUERY = "photos/coat-001-1.jpg"
DEMO_QUERY = "photos/t-shirt-001-4.jpg"
LIKED, DISLIKED = ("photos/coat-001-2.jpg", "photos/coat-001-3.jpg"), "photos/trousers-001-1.jpg"
PARTS = (("collar", [68, 49, 128, 114]), ("sleeve", [9, 72, 62, 195]))  # of coat-001-2.jpg


def main() -> None:
    """Draw the garments, open each page on them, and keep what it shows."""
    if len(sys.argv) > 1:
        _demo(Path(sys.argv[1]))
        return
    with TemporaryDirectory() as folder, sync_playwright() as driver:
        place = Path(folder)
        draw(place, SMALL, 0, Report())
        records = place.joinpath("boxes.jsonl").read_text("utf-8").splitlines()
        records += place.joinpath("truth.jsonl").read_text("utf-8").splitlines()
        (place / "garments.jsonl").write_text("\n".join(records) + "\n", "utf-8")
        _tv(place, "index", "garments.jsonl", "-o", "garments.tvx", "-q")
        browser = chromium(driver)
        page = browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")
        with served("gallery", "garments.tvx", folder=place) as address:
            _gallery(page, address)
            _map(page, address)
        _some_boxes(place, records)
        with served("annotate", "boxes", "photos", "-o", "some.jsonl", folder=place) as address:
            _boxes(page, address)
        with served(
            "annotate", "boxes", "photos", "-o", "some.jsonl", "--learn", folder=place
        ) as address:
            _sheet(page, address)
        with served(
            "annotate", "triplets", "garments.tvx", "-o", "clicks.jsonl", folder=place
        ) as address:
            _triplets(page, address)
        browser.close()


def _demo(folder: Path) -> None:
    """Keep what the searches of a demo find for one query, in which each finds more."""
    with sync_playwright() as driver:
        browser = chromium(driver)
        page = browser.new_page(viewport=WIDE, color_scheme="light")
        page.goto((folder / "demo.html").absolute().as_uri())
        section = page.locator(f'section[aria-label="{DEMO_QUERY}"]')
        section.scroll_into_view_if_needed()
        page.wait_for_load_state("networkidle")
        seen = section.evaluate(
            "({offsetLeft: x, offsetTop: y, offsetWidth: width, offsetHeight: height}) =>"
            " ({x, y, width, height})"
        )
        around = {"x": seen["x"] - EDGE, "y": seen["y"] - EDGE}
        around |= {side: seen[side] + 2 * EDGE for side in ("width", "height")}
        target = IMAGES / "demo.jpg"
        page.screenshot(path=target, full_page=True, clip=around, type="jpeg", quality=80)
        browser.close()


def _tv(folder: Path, *words: str) -> None:
    subprocess.run([sys.executable, "-m", "tvcli", *words], cwd=folder, check=True)


def _enter(page: Any, address: str, query: str) -> None:
    """Open a page at an address of its own, once it has let the browser in."""
    page.goto(address)
    page.wait_for_selector("#results li, #strip li, #neighbours li")
    page.goto(f"{address.partition('#')[0]}{query}")
    page.wait_for_load_state("networkidle")


def _gallery(page: Any, address: str) -> None:
    likes = "".join(f"&like={image}" for image in LIKED)
    said = f"{likes}&weight=2:{LIKED[0]}&unlike={DISLIKED}"
    _enter(page, address, f"?item={QUERY}{said}&label=coat&label=skirt")
    page.wait_for_selector("#tray li")
    page.set_viewport_size({"width": 1280, "height": 860})  # its tray has room
    page.hover("#results li:nth-child(4)")
    _keep(page, "gallery.png")
    page.set_viewport_size(SIZE)


def _map(page: Any, address: str) -> None:
    _enter(page, address, f"?view=map&item={QUERY}&k=6")
    page.wait_for_function(
        "() => /marked on the map/.test(document.querySelector('#message').textContent)"
    )
    page.wait_for_timeout(1500)  # photos come as there is room
    _keep(page, "map.png")


def _some_boxes(folder: Path, records: list[str]) -> None:
    """Write boxes as of somebody who has begun: the first photos, and parts of one of them."""
    known = [json.loads(record) for record in records]
    fields = ("image", "width", "height", "box", "label")
    begun = [{name: record[name] for name in fields} for record in known[:6]]
    coats = [record for record in known if record["image"] == LIKED[0]]
    begun += [{name: record[name] for name in fields} for record in coats]
    begun += [begun[-1] | {"box": box, "label": label} for label, box in PARTS]
    (folder / "some.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in begun), "utf-8")


def _boxes(page: Any, address: str) -> None:
    _enter(page, address, "?photo=1")
    page.wait_for_selector("#stage image")
    page.keyboard.press(".")
    page.keyboard.press(".")
    page.wait_for_function("() => document.querySelector('#stage').ariaBusy === 'false'")
    _keep(page, "boxes.png")


def _sheet(page: Any, address: str) -> None:
    """Show proposals of which one was drawn over, one dismissed, and one photo called empty."""
    _enter(page, address, "?view=sheet")
    page.wait_for_selector("#tiles[aria-busy=false] .box.proposed")
    page.keyboard.press("4")  # coat
    _drag(page, page.locator("#tiles image").nth(6), (0.2, 0.1), (0.8, 0.92))
    page.locator("#tiles .photo").nth(3).click()
    page.locator("#tiles li").nth(9).get_by_text("None").click()
    page.locator("#tiles .photo").nth(1).focus()
    page.wait_for_function("() => document.querySelector('#saved').textContent === 'Saved'")
    _keep(page, "sheet.png")


def _drag(page: Any, photo: Any, *shares: tuple[float, float]) -> None:
    """Drag from one point of a photo to another, both as shares of its width and height."""
    frame = photo.bounding_box()
    for number, (x, y) in enumerate(shares):
        page.mouse.move(frame["x"] + x * frame["width"], frame["y"] + y * frame["height"])
        page.mouse.up() if number else page.mouse.down()


def _triplets(page: Any, address: str) -> None:
    _enter(page, address, "?at=0")
    page.keyboard.press("1")
    page.keyboard.press("5")
    _keep(page, "triplets.png")


def _keep(page: Any, name: str) -> None:
    """Save what a page shows, in the 256 colours that it needs most."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    page.screenshot(path=IMAGES / name)
    with Image.open(IMAGES / name) as shot:
        few = shot.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT)
    few.save(IMAGES / name, optimize=True)
    sys.stderr.write(f"{IMAGES / name}\n")


if __name__ == "__main__":
    main()
