"""The map of the collection: by mouse and keys; what is chosen, searched and filtered there."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from accessibility import violations
from gallery_page import labelled_gallery, wait_for_message

COUNT = 24
# What the tests ask of the map that the page shows: it is only kept by the page's own module.
PLACES = """async () => {
  const { get } = await import('/static/api.js');
  const { Points } = await import('/static/map_points.js');
  const points = new Points(await get('/api/map'));
  return [...points.x].map((x, point) => [x, points.y[point]]);
}"""


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a gallery of 24 photos of two labels."""
    folder = tmp_path_factory.mktemp("mapped")
    places = {f"{n:02}.png": "low" if n < COUNT // 2 else "high" for n in range(COUNT)}
    with labelled_gallery(folder, places) as address:
        yield address


@pytest.fixture
def on_map(page: Any, mapped: str) -> Any:
    """Give the gallery's page with the map shown."""
    page.goto(f"{mapped}?view=map")
    wait_for_message(page, f"^{COUNT} photos on the map")
    page.wait_for_timeout(100)  # a frame is drawn
    return page


def canvas_of(page: Any) -> dict[str, float]:
    page.locator("#map canvas").scroll_into_view_if_needed()
    box: dict[str, float] = page.locator("#map canvas").bounding_box()
    return box


def drag(page: Any, start: tuple[float, float], *others: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    for place in others:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def fitted(page: Any) -> np.ndarray:
    """Return where each photo is on the screen while all are shown (n, 2)."""
    box, places = canvas_of(page), np.array(page.evaluate(PLACES))
    low, high = places.min(0), places.max(0)
    size = np.array([box["width"], box["height"]])
    scale = ((size - 2 * 30 - 24) / (high - low)).min()
    return (places - (low + high) / 2) * scale + size / 2 + [box["x"], box["y"]]


def chosen(page: Any) -> int:
    text = page.text_content("#chosen-count")
    found = re.match(r"(\d+) ", text or "")
    return int(found[1]) if found else 0


def test_a_drag_with_shift_chooses_what_lies_in_it(on_map: Any) -> None:
    places = fitted(on_map)
    left, top = places.min(0) - 20
    across = np.sort(places[:, 0])
    gap = 5 + int(np.diff(across)[5:-5].argmax())  # where no photo is near the rectangle's side
    middle = float(across[gap : gap + 2].mean())
    bottom = float(places[:, 1].max()) + 20
    within = int((places[:, 0] < middle).sum())
    on_map.keyboard.down("Shift")
    drag(on_map, (left, top), (middle, bottom))
    on_map.keyboard.up("Shift")
    wait_for_message(on_map, f"^{within} photos chosen on the map")
    assert chosen(on_map) == within
    on_map.click("[data-do=clear]")
    assert chosen(on_map) == 0


def test_a_lasso_chooses_and_ctrl_adds(on_map: Any) -> None:
    places = fitted(on_map)
    on_map.click("#map-lasso")
    first, last = places[places[:, 0].argmin()], places[places[:, 0].argmax()]
    around = [(-20, 20), (20, 20), (20, -20), (-20, -18)]

    def lasso(place: np.ndarray) -> int:
        corners = [(float(place[0] + x), float(place[1] + y)) for x, y in around]
        drag(on_map, (float(place[0]) - 20, float(place[1]) - 20), *corners)
        return int((np.abs(places - place) < 18).all(1).sum())

    lasso(first)
    wait_for_message(on_map, "chosen on the map")
    alone = chosen(on_map)
    assert alone >= 1
    on_map.keyboard.down("Control")
    lasso(last)
    on_map.keyboard.up("Control")
    on_map.wait_for_function(
        "alone => parseInt(document.querySelector('#chosen-count').textContent) > alone", arg=alone
    )
    lasso(first)  # without Ctrl, what is chosen is this alone
    on_map.wait_for_function(
        "alone => parseInt(document.querySelector('#chosen-count').textContent) === alone",
        arg=alone,
    )


def test_drags_move_wheels_zoom_and_fit_shows_all(on_map: Any) -> None:
    places = fitted(on_map)
    place = places[places[:, 0].argmin()]
    box = canvas_of(on_map)
    on_map.mouse.move(*place)
    on_map.wait_for_selector("#map-tip img")
    name = on_map.text_content("#map-tip")
    empty = (box["x"] + 5, box["y"] + 5)
    drag(on_map, empty, (empty[0] + 60, empty[1] + 40))
    on_map.mouse.move(place[0] + 60, place[1] + 40)
    on_map.wait_for_selector("#map-tip:not([hidden]) img")
    assert on_map.text_content("#map-tip") == name
    on_map.mouse.wheel(0, -600)  # around the photo: it stays where it is
    on_map.mouse.move(place[0] + 61, place[1] + 40)
    on_map.wait_for_selector("#map-tip:not([hidden]) img")
    assert on_map.text_content("#map-tip") == name
    on_map.click("#map-fit")
    on_map.mouse.move(*place)
    on_map.wait_for_selector("#map-tip:not([hidden]) img")
    assert on_map.text_content("#map-tip") == name


def test_a_click_looks_at_a_photo_and_leads_to_a_search(on_map: Any) -> None:
    places = fitted(on_map)
    on_map.mouse.click(*places[places[:, 0].argmax()])
    on_map.wait_for_selector("#look img")
    row = int(on_map.url.split("look=0.")[1])
    assert row in np.flatnonzero(np.abs(places - places[places[:, 0].argmax()]).max(1) < 15)
    on_map.click("#look >> text=Search with it")
    wait_for_message(on_map, "hits, marked on the map")
    assert "view=map" in on_map.url
    on_map.keyboard.press("m")
    on_map.wait_for_selector("#results li")
    assert not on_map.is_visible("#map")


def test_with_the_keyboard_alone(on_map: Any) -> None:
    keyboard = on_map.keyboard
    on_map.focus("#map canvas")
    on_map.wait_for_function("() => document.querySelector('#map-at').textContent")
    seen = {on_map.text_content("#map-at")}
    for key in ("ArrowLeft", "ArrowUp", "ArrowRight", "ArrowRight", "ArrowDown") * 3:
        keyboard.press(key)
        on_map.wait_for_timeout(30)
        seen.add(on_map.text_content("#map-at"))
    assert len(seen) > 3
    keyboard.press("x")
    on_map.wait_for_function(
        "() => document.querySelector('#map-at').textContent.endsWith('chosen')"
    )
    assert chosen(on_map) == 1
    keyboard.press("x")
    on_map.wait_for_selector("#chosen", state="hidden")
    keyboard.press("b")
    wait_for_message(on_map, "^Arrows move the corner")
    for key in ("ArrowRight", "ArrowDown") * 12:
        keyboard.press(f"Shift+{key}")
    keyboard.press("Enter")
    wait_for_message(on_map, "chosen on the map")
    assert chosen(on_map) >= 1
    keyboard.press("Enter")
    on_map.wait_for_selector("#look img")
    keyboard.press("Escape")
    assert on_map.evaluate("document.activeElement.tagName") == "CANVAS"


def test_filters_leave_the_others_out(page: Any, mapped: str) -> None:
    page.goto(f"{mapped}?view=map&label=low")
    wait_for_message(page, f"^{COUNT // 2} of {COUNT} photos")
    box = canvas_of(page)
    page.keyboard.down("Shift")
    end = (box["x"] + box["width"] - 12, box["y"] + box["height"] - 12)
    drag(page, (box["x"] + 12, box["y"] + 12), end)
    page.keyboard.up("Shift")
    wait_for_message(page, f"^{COUNT // 2} photos chosen")
    page.fill("#text", "03")
    page.press("#text", "Enter")
    wait_for_message(page, f"^1 of {COUNT} photos with “03”")
    page.locator("#map canvas").focus()
    page.keyboard.press("Enter")
    page.click("#look >> text=Search with it")
    wait_for_message(page, "^No hit with “03”$")  # but what was searched with
    assert page.input_value("#text") == "03"  # filters stay
    page.goto(f"{mapped}?view=map&text=nothing+is+called+so")
    wait_for_message(page, "^No photo")


def test_what_it_shows_is_said_and_nothing_keeps_anybody_out(on_map: Any) -> None:
    told = on_map.text_content("#map-axes")
    across, down, left = map(float, re.findall(r"([\d.]+) %", told))
    assert across >= down > 0
    assert across + down + left == pytest.approx(100, abs=2)
    on_map.click("#map-words summary")
    table = on_map.locator("#map-table tbody tr")
    assert table.count() == 2
    assert sorted(table.locator("td:first-of-type").all_text_contents()) == ["12", "12"]
    assert violations(on_map) == []
    on_map.focus("#map canvas")
    on_map.keyboard.press("x")
    on_map.wait_for_selector("#chosen:not([hidden])")
    on_map.click("#filters summary")
    assert violations(on_map) == []
    on_map.goto(on_map.url.replace("view=map", "view=map&item=%233"))
    wait_for_message(on_map, "hits, marked")
    assert violations(on_map) == []


def test_points_in_places(on_map: Any) -> None:
    """A polygon holds what a point-by-point test says; arrows go to the closest one that way."""
    found = on_map.evaluate(
        """async () => {
          const { Points } = await import('/static/map_points.js');
          const [x, y] = [[0, 10, 20, 10, 10], [0, 0, 0, 30, 30]];
          const points = new Points({ side: 4096, step: 2, x, y });
          const told = {
            triangle: points.within([[-1, -1], [25, -1], [10, 25]]),
            right: points.toward(0, 1, 0), none: points.toward(2, 1, 0),
            down: points.toward(1, 0, 1), twin: points.toward(3, 0, 1),
            nearest: points.nearest(18, 1, 5), far: points.nearest(18, 20, 5),
            row: points.rowOf(3), point: points.pointOf(6),
            odd: points.pointOf(3), beyond: points.pointOf(10),
          };
          points.leave([0, 4]);
          const open = points.where(() => true);
          return { ...told, open, back: points.toward(2, -1, 0) };
        }"""
    )
    assert found == {
        "triangle": [0, 1, 2], "right": 1, "none": 2, "down": 3, "twin": 4, "nearest": 2, "far": -1,
        "row": 6, "point": 3, "odd": -1, "beyond": -1, "open": [0, 2], "back": 0,
    }  # fmt: skip


def test_a_layout_that_fails_says_so(page: Any, mapped: str) -> None:
    page.goto(f"{mapped}?view=map&layout=sammon")
    wait_for_message(page, "^The map cannot be made: sammon: layouts are pca and umap")
