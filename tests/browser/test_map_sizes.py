"""The map on a touch screen, of many photos, and laid out by UMAP."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from accessibility import violations
from gallery_page import labelled_gallery, labelled_index, wait_for_message
from pages import SESSIONS, threaded

from tvcli.core.layouts import layout
from tvcli.serve.pages import open_gallery

COUNT = 24
PLACES = {f"{n:02}.png": "low" if n < COUNT // 2 else "high" for n in range(COUNT)}
MANY = 20_000
# How many pixels of the canvas are neither empty nor grey, in each of its four quarters.
COLOURED = """() => {
  const canvas = document.querySelector('#map canvas');
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
  const counts = [0, 0, 0, 0];
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const at = 4 * (y * width + x);
    const [r, g, b] = [data[at], data[at + 1], data[at + 2]];
    const isGrey = Math.max(r, g, b) - Math.min(r, g, b) < 12;
    if (data[at + 3] && !isGrey) counts[2 * (y >= height / 2) + (x >= width / 2)] += 1;
  }
  return counts;
}"""


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a gallery of 24 photos of two labels."""
    folder = tmp_path_factory.mktemp("mapped")
    with labelled_gallery(folder, PLACES) as address:
        yield address


@pytest.fixture
def phone(chromium: Any, mapped: str) -> Iterator[Any]:
    """Give the map on a phone, whose fingers are `touch(kind, *points)`."""
    size = {"width": 390, "height": 844}
    context = chromium.new_context(viewport=size, has_touch=True, is_mobile=True)
    context.add_init_script(f"localStorage.tv ??= '{json.dumps(SESSIONS[mapped])}'")
    page = context.new_page()
    page.goto(f"{mapped}?view=map")
    wait_for_message(page, f"^{COUNT} photos on the map")
    page.locator("#map canvas").scroll_into_view_if_needed()
    page.wait_for_timeout(100)  # a frame is drawn
    client = context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        client.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": places})

    page.touch = touch
    yield page
    context.close()


def frame_of(page: Any) -> tuple[float, float, float, float]:
    box = page.locator("#map canvas").bounding_box()
    return box["x"], box["y"], box["width"], box["height"]


def focused(page: Any, key: str) -> tuple[float, float]:
    """Press an arrow on the map; return where on it the photo lies that it led to, by its tip."""
    page.focus("#map canvas")
    page.keyboard.press(key)
    page.wait_for_selector("#map-tip:not([hidden])")
    tip = page.locator("#map-tip").evaluate(
        "({ style: { left, right, top, bottom } }) => ({ left, right, top, bottom })"
    )
    _, _, width, height = frame_of(page)
    gap, at = 16, {side: float(value[:-2]) for side, value in tip.items() if value != "auto"}
    return (
        at["left"] - gap if "left" in at else width + gap - at["right"],
        at["top"] - gap if "top" in at else height + gap - at["bottom"],
    )


def drawn(page: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the upper left and the lower right end of what is drawn, in CSS pixels."""
    page.wait_for_timeout(100)  # a frame is drawn
    ends = page.evaluate(
        """() => {
          const canvas = document.querySelector('#map canvas');
          const { width, height } = canvas;
          const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
          const scale = canvas.clientWidth / width;
          const [xs, ys] = [[], []];
          for (let y = 0; y < height; y++) for (let x = 0; x < width; x++)
            if (data[4 * (y * width + x) + 3] > 128) [xs[xs.length], ys[ys.length]] = [x, y];
          const ends = [xs.at(0), ys.at(0), xs.at(0), ys.at(0)];
          for (const x of xs) [ends[0], ends[2]] = [Math.min(ends[0], x), Math.max(ends[2], x)];
          for (const y of ys) [ends[1], ends[3]] = [Math.min(ends[1], y), Math.max(ends[3], y)];
          return ends.map((end) => end * scale);
        }"""
    )
    return np.array(ends[:2]), np.array(ends[2:])


def test_one_finger_moves_the_map_and_two_zoom_it(phone: Any) -> None:
    phone.route("**/pictures/**", lambda route: route.abort())  # dots alone: seven pixels each
    phone.reload()
    wait_for_message(phone, f"^{COUNT} photos on the map")
    x, y, width, height = frame_of(phone)
    scrolled = phone.evaluate("scrollY")
    low, high = drawn(phone)
    far = np.array([20, 12])
    phone.touch("Start", (x + 30, y + 30))
    for step in range(1, 5):
        phone.touch("Move", (x + 30 + 5 * step, y + 30 + 3 * step))
    phone.touch("End")
    assert drawn(phone) == (
        pytest.approx(low + far, abs=2),
        pytest.approx(high + far, abs=2),
    )
    assert phone.evaluate("scrollY") == scrolled  # the map moved, not the page
    assert phone.locator("#look").count() == 0
    phone.tap("#map-fit")
    assert drawn(phone) == (pytest.approx(low, abs=2), pytest.approx(high, abs=2))
    across, down = x + width / 2, y + height / 2
    phone.touch("Start", (across - 80, down), (across + 80, down))
    for apart in (70, 60, 50, 40):
        phone.touch("Move", (across - apart, down), (across + apart, down))
    phone.touch("End")
    dot = 7
    least, most = drawn(phone)
    assert most - least - dot == pytest.approx((high - low - dot) / 2, abs=3)
    middle = np.array([width, height]) / 2  # what was between the fingers stays there
    assert (least + most) / 2 - middle == pytest.approx(((low + high) / 2 - middle) / 2, abs=3)


def test_a_tap_looks_at_a_photo_and_the_lasso_works_by_touch(phone: Any) -> None:
    x, y, width, height = frame_of(phone)
    phone.tap("#map-lasso")
    around = [(4, 4), (width - 4, 4), (width - 4, height - 4), (4, height - 4)]
    phone.touch("Start", (x + 4, y + 4))
    for across, down in around:
        phone.touch("Move", (x + across, y + down))
    phone.touch("End")
    wait_for_message(phone, f"^{COUNT} photos chosen on the map")
    phone.tap("[data-do=clear]")
    phone.tap("#map-lasso")
    assert violations(phone) == []
    phone.tap("#map-options summary")
    assert violations(phone) == []
    phone.tap("#map-options summary")
    phone.focus("#map canvas")
    across, down = focused(phone, "ArrowRight")
    x, y, *_ = frame_of(phone)
    phone.touchscreen.tap(x + across, y + down)
    phone.wait_for_selector("#look img")
    assert violations(phone) == []


def test_twenty_thousand_photos(page: Any, mapped: str) -> None:
    """All are drawn; what is asked for by a drag is refused where it is too much, and no sooner."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 4096, (2, MANY)).tolist()
    groups = {"names": [f"label {n}" for n in range(10)], "of": rng.integers(0, 10, MANY).tolist()}
    many = {
        "state": "ready", "id": "many", "layouts": ["pca"], "rows": MANY, "step": 1, "side": 4096,
        "x": x, "y": y, "explained": [0.3, 0.2], "label": groups,
        "folder": {"names": [], "of": [-1] * MANY},
    }  # fmt: skip
    page.route("**/api/map*", lambda route: route.fulfill(json=many))
    page.goto(f"{mapped}?view=map")
    wait_for_message(page, "^20,000 photos on the map")
    page.wait_for_timeout(100)
    assert min(page.evaluate(COLOURED)) > MANY  # of the four quarters each: pixels, nine a photo
    box = page.locator("#map canvas").bounding_box()
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + 12, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 12, box["y"] + box["height"] - 12)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.wait_for_selector("#message.error >> text=at most 10,000 are chosen at a time")
    page.click("#map-words summary")
    counts = page.locator("#map-table td:first-of-type").all_text_contents()
    assert sum(int(count.replace(",", "")) for count in counts) == MANY
    page.get_by_title("Show only label 3").click()
    page.wait_for_timeout(100)
    assert sum(page.evaluate(COLOURED)) < 9 * 2 * groups["of"].count(3)
    assert violations(page) == []


@pytest.fixture
def by_umap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Event]]:
    """Give a gallery of the same photos, whose UMAP takes until an event is set."""
    may_end = Event()

    def turned(vectors: np.ndarray, start: np.ndarray) -> np.ndarray:
        assert may_end.wait(60) and len(vectors) == len(start) == COUNT
        return start[:, ::-1]

    monkeypatch.setattr(layout, "has_umap", lambda: True)
    monkeypatch.setattr(layout, "umap_points", turned)
    with open_gallery([labelled_index(tmp_path, PLACES)], None) as app, threaded(app) as address:
        yield address, may_end
        may_end.set()


def test_a_layout_by_umap(page: Any, by_umap: tuple[str, Event]) -> None:
    """What UMAP itself makes of an index is seen in tests/serve: here numba compiles nothing."""
    address, may_end = by_umap
    page.goto(f"{address}?view=map")
    wait_for_message(page, f"^{COUNT} photos on the map")
    before = page.text_content("#map-axes")
    page.get_by_label("Layout").select_option("UMAP")
    wait_for_message(page, "by UMAP")
    assert page.locator("#remedies button").all_text_contents() == ["Show the grid"]
    may_end.set()
    page.wait_for_function(
        "count => new RegExp(`^${count} photos on the map`)"
        ".test(document.querySelector('#message').textContent)",
        arg=COUNT,
    )
    assert page.locator("#remedies:visible").count() == 0
    assert "layout=umap" in page.url
    told = page.text_content("#map-axes")
    assert told != before and "means little" in told and not re.search(r"\d %", told)
    page.wait_for_timeout(100)
    assert sum(page.evaluate(COLOURED)) > 49 * COUNT / 2
    page.get_by_label("Layout").select_option("PCA")
    page.wait_for_function(
        "text => document.querySelector('#map-axes').textContent === text", arg=before
    )


def test_no_umap_no_layout(page: Any, mapped: str) -> None:
    def without(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"layouts": ["pca"]})

    page.route("**/api/map*", without)
    page.goto(f"{mapped}?view=map")
    wait_for_message(page, f"^{COUNT} photos on the map")
    choice = page.locator("#map-layout option[value=umap]")
    assert choice.text_content() == "UMAP (needs tvcli[umap])"
    assert choice.is_disabled()
