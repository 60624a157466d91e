"""Learn in the gallery by the browser's own clock: what a person waits for on 10,000 photos.

    python -m scripts.bench.learn_page [--rows 10000] [--clicks 12] [--backbone mini]

Photos are noise of 640 x 480, vectors are drawn (`scripts.bench.search`), as long as those of the
backbone. Chromium searches with a photo, says yes and no to hits in turn, chooses Learn, says more,
takes back, keeps and undoes. A time is from the press of a button until the page shows what
follows from it: after Learn and after each click that is the hits of the head learned anew, beside
the old. Milliseconds of the wall clock, medians and the longest, and of CPU time of the server in
the median, which other work on the machine does not change.
"""

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from scripts.bench.pages import TOKEN, listening
from scripts.bench.search import columns, drawn
from scripts.browser import chromium
from tvcli.cli import run
from tvcli.core.indexes.building import build_index
from tvcli.core.indexes.index import open_index
from tvcli.serve.access import Gate
from tvcli.serve.pages import open_gallery

Times = dict[str, list[tuple[float, float]]]  # wall clock and CPU time, by what was done

KINDS = 60  # photos drawn; the others are links to them
JUDGED = 2  # hits judged before Learn is chosen: a yes and a no
LOADED = "() => /^\\d+ hits/.test(document.querySelector('#message').textContent)"
CLOCK = """
([selector, until]) => new Promise((resolve) => {
  const told = () => document.querySelector("#learning p")?.textContent ?? "";
  const shown = () => [...document.querySelectorAll("#results section:nth-child(2) b")]
    .map((one) => one.textContent).join();
  const before = told(), started = performance.now();
  let old = null;
  const look = () => {
    if (until !== "hits") { if (!told().startsWith(until)) return; }
    else {  // the head is another, and then the hits are those of that head
      if (told() === before || told().startsWith("Learning from")) return;
      if (old === null) { old = shown(); return; }
      if (!shown() || shown() === old) return;
    }
    seen.disconnect();
    requestAnimationFrame(() => resolve(performance.now() - started));
  };
  const seen = new MutationObserver(look);
  seen.observe(document.body, { childList: true, subtree: true, characterData: true });
  const stayed = () => { seen.disconnect(); resolve(null); };  // a click may move no hit
  setTimeout(stayed, 10000);
  document.querySelector(selector).click();
})
"""


def make_index(folder: Path, rows: int, backbone: str) -> Path:
    """Make photos and an index of drawn vectors that is otherwise one of `tv index`."""
    (folder / "photos").mkdir()
    for number in range(rows):
        path = folder / "photos" / f"{number:05}.jpg"
        if number < KINDS:
            noise = np.random.default_rng(number).integers(0, 256, (48, 64, 3), np.uint8)
            Image.fromarray(noise).resize((640, 480)).save(path)
        else:
            os.link(folder / "photos" / f"{number % KINDS:05}.jpg", path)
    few = folder / "few.txt"
    few.write_text(str(folder / "photos" / "00000.jpg") + "\n")
    target = folder / "photos.tvx"
    if run(["index", str(few), "-o", str(target), "--backbone", backbone, "-q"]):
        raise SystemExit("the index could not be made")
    with open_index(target) as index:
        settings, dimension = dict(index.settings), index.vectors(np.array([0])).shape[1]
    vectors = drawn(rows, 1, dimension)
    names = [f"photos/{row:05}.jpg" for row in range(rows)]
    settings |= {"root": "..", "root_absolute": str(folder)}
    shutil.rmtree(target)
    build_index(target, iter([columns(vectors, 0) | {"image": names}]), settings, {"seed": 0})
    return target


def judged(number: int) -> str:
    """Return the selector of yes or no, in turn, to a hit of the first column not judged yet."""
    say = "like" if number % 2 == 0 else "unlike"
    place = 2 + number // 2 if say == "like" else 12 + number // 2
    return f"#results li:nth-child({place}) [data-say={say}]"  # the first column's


def clicked(page: Any, clicks: int) -> Times:
    """Return the milliseconds of all that a person does and that moves the hits."""
    times: Times = {}

    def clock(what: str, selector: str, until: str = "hits") -> None:
        began = time.process_time()  # the server is in this process, the browser is not
        took = page.evaluate(CLOCK, [selector, until])
        if took is not None:
            times.setdefault(what, []).append((took, (time.process_time() - began) * 1000))
        page.wait_for_function(LOADED)

    page.click("a.photo[aria-label='Search with photos/00001.jpg'], a.photo >> nth=1")
    page.wait_for_function(LOADED)
    for number in range(JUDGED):
        with page.expect_response("**/api/search"):
            page.evaluate("one => document.querySelector(one).click()", judged(number))
        page.wait_for_function(LOADED)
    clock("Learn, the first time", "#learn")
    for number in range(JUDGED, JUDGED + clicks):
        clock("a click", judged(number))
    clock("a click taken back", "[aria-label^='Take back']")
    clock("Keep it", "#learning button", "Kept:")
    clock("Undo", "#learning button", "Undone:")
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--clicks", type=int, default=12)
    parser.add_argument("--backbone", default="mini")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as driver:
        os.environ["XDG_CACHE_HOME"] = f"{name}/cache"
        index = make_index(Path(name), given.rows, given.backbone)
        browser = chromium(driver)
        with open_gallery([index], None) as app:
            gate = Gate(app, TOKEN)
            with listening(gate) as address:
                page = browser.new_page()
                session = json.dumps(gate.entrance.session.as_json())
                page.add_init_script(f"localStorage.tv ??= '{session}'")
                page.goto(address)
                page.wait_for_selector("#results li")
                times = clicked(page, given.clicks)
        browser.close()
    print(
        "| what | times | median, ms | longest, ms | CPU of the server, ms |\n|---|---|---|---|---|"
    )
    for what, each in times.items():
        wall, cpu = zip(*each, strict=True)
        shown = (statistics.median(wall), max(wall), statistics.median(cpu))
        print(f"| {what} | {len(each)} |" + "".join(f" {value:.0f} |" for value in shown))


if __name__ == "__main__":
    main()
