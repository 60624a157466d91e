"""Boxes: `[x0, y0, x1, y1]` in pixels of the photo as displayed, half open."""

import math
from typing import Any

Box = tuple[float, float, float, float]

OUTSIDE = 2.0  # pixels by which rounding may put a box outside its photo
NUMBERS = frozenset((int, float))  # as JSON has them
FARTHEST = 2.0**53  # pixels: beyond, neighbours have one number, and areas may be infinite


def as_box(value: Any) -> Box:
    """Return `value` as a box.

    Raises:
        ValueError: not four numbers up to 2**53 with x0 < x1 and y0 < y1.
    """
    if not isinstance(value, list | tuple) or len(value) != 4:
        raise ValueError(f"a box is [x0, y0, x1, y1], not {value!r:.60}")
    if not NUMBERS.issuperset(map(type, value)) and not all(map(_is_number, value)):
        raise ValueError(f"a box holds four numbers, not {value!r:.60}")
    try:
        x0, y0, x1, y1 = map(float, value)
    except OverflowError:  # a whole number of hundreds of digits
        raise ValueError("a box holds four finite numbers") from None
    if -FARTHEST <= x0 < x1 <= FARTHEST and -FARTHEST <= y0 < y1 <= FARTHEST:
        return x0, y0, x1, y1
    if not all(map(math.isfinite, (x0, y0, x1, y1))):
        raise ValueError("a box holds four finite numbers")
    if x0 >= x1 or y0 >= y1:
        raise ValueError(f"box {list(value)} is empty or inverted")
    raise ValueError(f"box {list(value)} reaches beyond any photo")


def _is_number(side: Any) -> bool:
    return isinstance(side, int | float) and not isinstance(side, bool)


def in_record(box: Box) -> list[float]:
    """Return a box as records hold it: to a hundredth of a pixel."""
    return [round(side, 2) for side in box]


def parse_box(text: str) -> Box:
    """Return the box written as `x0,y0,x1,y1`; raises ValueError as `as_box` does."""
    wanted = f"a box is four numbers, x0,y0,x1,y1 in pixels, not {text!r:.60}"
    try:
        sides = [float(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(wanted) from None
    if len(sides) != 4:
        raise ValueError(wanted)
    return as_box(sides)


def area(box: Box) -> float:
    """Return the area of a box in square pixels."""
    x0, y0, x1, y1 = box
    return max(0.0, x1 - x0) * max(0.0, y1 - y0)


def intersect(a: Box, b: Box) -> Box:
    """Return the part that two boxes share (empty or inverted where they do not meet)."""
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def overlap(a: Box, b: Box) -> float:
    """Return the area that two boxes share, in square pixels."""
    return area(intersect(a, b))


def iou(a: Box, b: Box) -> float:
    """Return intersection over union of two boxes, 0 to 1."""
    shared = overlap(a, b)
    union = area(a) + area(b) - shared
    return shared / union if union > 0 else 0.0


def clip(box: Box, width: float, height: float) -> Box | None:
    """Return the part of a box inside a photo of `width` x `height`, or None if nothing is."""
    clipped = intersect(box, (0.0, 0.0, float(width), float(height)))
    return clipped if area(clipped) > 0 else None


def enlarge(box: Box, margin: float, width: float, height: float) -> Box:
    """Return a box with its sides `margin` times as long, the same centre, inside the photo."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    across, down = (box[2] - box[0]) * margin / 2, (box[3] - box[1]) * margin / 2
    larger = x - across, y - down, x + across, y + down
    return clip(larger, width, height) or (0.0, 0.0, float(width), float(height))
