"""Boxes around other shapes: polygons, circles, turned rectangles, run-length masks."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

MAX_RUNS = 2**24  # of one mask: half the pixels of a 32 megapixel one


def number(value: Any) -> float:
    """Return a number of JSON, or one written as text; raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{value!r:.40} is not a number")
    try:
        found = float(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r:.40} is not a number") from None
    if not math.isfinite(found):
        raise ValueError(f"{value!r:.40} is not a finite number")
    return found


def around_points(points: Iterable[Sequence[Any]]) -> list[float]:
    """Return the box around points (x, y); raises ValueError if there are none, or no numbers."""
    pairs = [(number(point[0]), number(point[1])) for point in points]
    if not pairs:
        raise ValueError("has no points")
    xs, ys = zip(*pairs, strict=True)
    return [min(xs), min(ys), max(xs), max(ys)]


def around_flat(values: Sequence[Any]) -> list[float]:
    """Return the box around points written as x0, y0, x1, y1, …; raises ValueError likewise."""
    return around_points(list(zip(values[::2], values[1::2], strict=False)))


def around_ellipse(x: float, y: float, across: float, down: float, angle: float = 0) -> list[float]:
    """Return the box around an ellipse by its centre, half axes, and turn in radians."""
    half_width = math.hypot(across * math.cos(angle), down * math.sin(angle))
    half_height = math.hypot(across * math.sin(angle), down * math.cos(angle))
    return [x - half_width, y - half_height, x + half_width, y + half_height]


def around_turned(x: float, y: float, width: float, height: float, angle: float) -> list[float]:
    """Return the box around a rectangle by its centre, sides, and turn in radians."""
    cosine, sine = abs(math.cos(angle)), abs(math.sin(angle))
    half_width = (width * cosine + height * sine) / 2
    half_height = (width * sine + height * cosine) / 2
    return [x - half_width, y - half_height, x + half_width, y + half_height]


def around_mask(mask: dict[str, Any]) -> list[float]:
    """Return the box around COCO's run-length mask: `size` [height, width], `counts`.

    Runs of 0 and 1 go down the columns; `counts` are numbers, or COCO's text of them.

    Raises:
        ValueError: no such mask, or an empty one.
    """
    size, counts = mask.get("size"), mask.get("counts")
    if not isinstance(size, list) or len(size) != 2 or not all(type(s) is int for s in size):
        raise ValueError("a mask without its size")
    runs = _runs(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or not all(type(run) is int and run >= 0 for run in runs):
        raise ValueError("a mask without its runs")
    height, start, parts = max(1, size[0]), 0, []
    for place, run in enumerate(runs):
        if place % 2 and run:
            parts.append(_columns(start, start + run - 1, height))
        start += run
    if not parts or start > size[0] * size[1]:
        raise ValueError("a mask that is empty, or larger than its size")
    x0, y0, x1, y1 = zip(*parts, strict=True)
    return [min(x0), min(y0), max(x1), max(y1)]


def _columns(first: int, last: int, height: int) -> tuple[float, float, float, float]:
    """Return the box around the pixels first to last of columns of a height."""
    left, right = first // height, last // height
    top, bottom = (first % height, last % height) if left == right else (0, height - 1)
    return left, top, right + 1, bottom + 1


def _runs(text: str) -> list[int]:
    """Return the runs in COCO's text: 5 bits a character, differences to the run before last.

    (`rleFrString` of pycocotools, T. Lin and P. Dollar.)
    """
    if len(text) > MAX_RUNS:
        raise ValueError("a mask of too many runs")
    runs: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 50:
            raise ValueError("a mask whose runs are not COCO's")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            value -= (1 << shift) if bits & 16 else 0
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    return runs
