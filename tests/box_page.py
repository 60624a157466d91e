"""The box editor's page as tests drive it."""

import json
from pathlib import Path
from typing import Any

SAVED = "() => document.querySelector('#saved').textContent === 'Saved'"


class Editor:
    """The box editor's page, with the file that it writes."""

    def __init__(self, page: Any, file: Path) -> None:
        self.page, self.file = page, file

    def records(self) -> list[dict[str, Any]]:
        self.page.wait_for_function(SAVED)
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def boxes(self) -> list[list[int]]:
        return [record["box"] for record in self.records()]

    def shown(self) -> int:
        self.page.wait_for_function(SAVED)
        count: int = self.page.locator("#boxes li").count()
        return count

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the photo (240 x 200) is on the screen."""
        frame = self.page.locator("#stage image").bounding_box()
        return frame["x"] + x / 240 * frame["width"], frame["y"] + y / 200 * frame["height"]

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*self.point(*start))
        mouse.down()
        mouse.move(*self.point((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
        mouse.move(*self.point(*end))
        mouse.up()

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.point(x, y))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def at(self, name: str) -> None:
        text = "name => document.querySelector('#name').textContent === name"
        self.page.wait_for_function(text, arg=name)


def near(box: list[int], expected: list[int]) -> bool:
    return all(abs(a - b) <= 1 for a, b in zip(box, expected, strict=True))
