"""What an annotator presses for the boxes of photos: one photo at a time, or a sheet of many.

    python -m scripts.bench.annotator PHOTOS BOXES.jsonl [--count 100] [--ways sheet,...]
        [--good 0.5,0.7,0.8] [--rest] [--patient]

An annotator is played in Chromium, on `tv annotate boxes` with and without `--learn`, who knows the
true boxes. A proposal whose IoU with the only true box is at least `--good` is accepted, else the
true boxes are drawn. Every key and every press of a mouse button counts as one (a drag too; the
column `drags_twice` counts both its ends). On a photo alone the annotator draws by a drag,
accepts by the button beside the photo, and goes on by a key; on the sheet, a drag in a tile
replaces what is proposed, and one key accepts the rest of the page. A further box of a photo takes
Shift on the sheet; on a photo alone only where the drag would move the box before. The label is
given once, and not counted: it is the same for all.

Lines are JSON, one for each way and threshold: presses, boxes drawn and accepted, and the mean IoU
of what was saved with the truth, with its 95 % interval by bootstrap over boxes. `--rest` takes the
photos after the first ones instead. With `--patient` a page of the sheet takes as long as heads are
being trained on those before it: a player takes seconds for a page, people minutes.

Needs Playwright and a Chromium, as tests in a browser do.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

from scripts.browser import chromium, served
from tvcli.core.boxes import Box, iou
from tvcli.core.ranking.metrics import bootstrap

WAYS = {  # whether proposals are learned, and whether there is a sheet
    "photo by photo": (False, False),
    "photo by photo learning": (True, False),
    "sheet": (False, True),
    "sheet learning": (True, True),
}
REACH = 9  # screen pixels around a box where its handles are
SAVED = "() => document.querySelector('#saved').textContent === 'Saved'"
SHOWN = "() => document.querySelector('#stage').ariaBusy === 'false'"
ANOTHER = "name => document.querySelector('#name').textContent !== name"
LOADED = "() => document.querySelector('#tiles').ariaBusy === 'false'"
NEXT = (
    "before => document.querySelector('#tiles').ariaBusy === 'false'"
    " && document.querySelector('#tiles li').dataset.place !== before"
)
TOLD = 5000  # milliseconds within which a page asks what is being trained
UNTRAINED = "() => !/Training on/.test(document.querySelector('#quality').textContent)"
PROPOSED = (
    "all => all.map((one) => ['x', 'y', 'width', 'height']"
    ".map((name) => Number(one.getAttribute(name))))"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("boxes", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--rest", action="store_true")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--patient", action="store_true")
    parser.add_argument("--good", default="0.5,0.7,0.8")
    given = parser.parse_args()
    truth = true_boxes(given.boxes)
    names = sorted(truth)[given.count :] if given.rest else sorted(truth)
    truth = {name: truth[name] for name in names[: given.count]}
    with sync_playwright() as driver:
        browser = chromium(driver)
        for way in given.ways.split(","):
            learns, has_sheet = WAYS[way]
            for good in map(float, given.good.split(",")) if learns else (1.0,):
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                player = Annotator(page, truth, good, is_patient=given.patient)
                told = played(player, given.photos, learns=learns, has_sheet=has_sheet)
                accepting = {"good": good} if learns else {}
                print(json.dumps({"way": way} | accepting | told), flush=True)
                page.close()
        browser.close()


def true_boxes(file: Path) -> dict[str, list[Box]]:
    """Return the boxes of photos by their names."""
    boxes: dict[str, list[Box]] = {}
    for line in file.read_text("utf-8").splitlines():
        record = json.loads(line)
        boxes.setdefault(Path(record["image"]).name, []).append(tuple(record["box"]))
    return boxes


def played(
    player: "Annotator", photos: Path, *, learns: bool, has_sheet: bool
) -> dict[str, float | int | list[float]]:
    """Have all photos annotated, and tell what that took and how good it is."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "boxes.jsonl")
        words = [*(str(photos / name) for name in sorted(player.truth)), "-o", str(file)]
        with served("annotate", "boxes", *words, *["--learn"] * learns) as address:
            player.page.goto(address)
            player.page.wait_for_selector("#stage image")
            if has_sheet:
                player.by_sheet()
            else:
                player.one_by_one()
            player.page.wait_for_function(SAVED)
        saved = true_boxes(file)
    assert set(saved) == set(player.truth)
    ious = [
        max(iou(box, own) for own in saved[name]) for name in saved for box in player.truth[name]
    ]
    low, high = bootstrap(np.array(ious)[:, None])
    return {
        "photos": len(player.truth),
        "presses": player.presses,
        "drags_twice": player.presses + player.drawn,
        "drawn": player.drawn,
        "accepted": player.accepted,
        "iou": round(float(np.mean(ious)), 3),
        "interval": [round(float(low[0]), 3), round(float(high[0]), 3)],
    }


class Annotator:
    """Knows the true boxes, takes proposals that are good enough, draws the others, and counts."""

    def __init__(
        self, page: Any, truth: dict[str, list[Box]], good: float, *, is_patient: bool = False
    ) -> None:
        self.page, self.truth, self.good, self.is_patient = page, truth, good, is_patient
        self.presses = self.drawn = self.accepted = 0

    def is_good(self, name: str, proposed: list[list[float]]) -> bool:
        """Tell whether what is proposed for a photo is all that is to be drawn there."""
        if len(proposed) != 1 or len(self.truth[name]) != 1:
            return False
        x, y, width, height = proposed[0]
        return iou((x, y, x + width, y + height), self.truth[name][0]) >= self.good

    def draw(self, name: str, image: Any, *, always_adds: bool) -> None:
        """Drag the true boxes on a photo; with Shift where a drag would change the box before."""
        frame = image.bounding_box()
        width, height = (float(image.get_attribute(side)) for side in ("width", "height"))
        scale = min(frame["width"] / width, frame["height"] / height)
        before: Box | None = None
        for x0, y0, x1, y1 in self.truth[name]:
            start = frame["x"] + x0 * scale, frame["y"] + y0 * scale
            end = frame["x"] + x1 * scale, frame["y"] + y1 * scale
            shift = before is not None and (not always_adds or is_near(before, *start))
            if shift:
                self.page.keyboard.down("Shift")
            self.page.mouse.move(*start)
            self.page.mouse.down()
            self.page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
            self.page.mouse.move(*end)
            self.page.mouse.up()
            if shift:
                self.page.keyboard.up("Shift")
            before = (*start, *end)
            self.presses += 2 if shift else 1
            self.drawn += 1

    def one_by_one(self) -> None:
        """Annotate photo after photo."""
        for number in range(len(self.truth)):
            self.page.wait_for_function(SHOWN)
            name = self.page.text_content("#name")
            proposed = self.page.eval_on_selector_all("#stage rect.proposed:not(.under)", PROPOSED)
            if self.is_good(Path(name).name, proposed):
                self.page.click("#boxes button.small")
                self.presses += 1
                self.accepted += 1
            else:
                self.draw(Path(name).name, self.page.locator("#stage image"), always_adds=True)
            self.page.wait_for_function(SAVED)
            if number + 1 < len(self.truth):
                self.page.keyboard.press("d")
                self.presses += 1
                self.page.wait_for_function(ANOTHER, arg=name)

    def by_sheet(self) -> None:
        """Annotate page after page of the sheet."""
        self.page.keyboard.press("s")
        self.presses += 1
        self.page.wait_for_selector("#tiles svg")
        done = 0
        while True:
            self.page.wait_for_function(LOADED)
            tiles = self.page.locator("#tiles li").all()
            for tile in tiles:
                name = tile.locator(".caption span").get_attribute("title")
                proposed = tile.locator("rect.proposed:not(.under)").evaluate_all(PROPOSED)
                if self.is_good(Path(name).name, proposed):
                    self.accepted += 1
                else:
                    self.draw(Path(name).name, tile.locator("image"), always_adds=False)
            done += len(tiles)
            if self.is_patient:
                self.page.wait_for_timeout(TOLD)
                self.page.wait_for_function(UNTRAINED, timeout=0)
            first = tiles[0].get_attribute("data-place")
            self.page.keyboard.press("Enter")
            self.presses += 1
            if done == len(self.truth):
                return
            self.page.wait_for_function(NEXT, arg=first)


def is_near(box: Box, x: float, y: float) -> bool:
    """Tell whether a drag from a point of the screen would move or resize a box there."""
    x0, y0, x1, y1 = box
    return x0 - REACH <= x <= x1 + REACH and y0 - REACH <= y <= y1 + REACH


if __name__ == "__main__":
    main()
