import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvcli.core.boxes import Box, area, as_box, clip, iou, overlap, parse_box

side = st.integers(0, 40)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x0, y0 = draw(side), draw(side)
    return (
        float(x0),
        float(y0),
        float(x0 + draw(st.integers(1, 30))),
        float(y0 + draw(st.integers(1, 30))),
    )


def pixels(box: Box) -> set[tuple[int, int]]:
    x0, y0, x1, y1 = map(int, box)
    return {(x, y) for x in range(x0, x1) for y in range(y0, y1)}


@given(boxes(), boxes())
def test_iou_counts_pixels(a: Box, b: Box) -> None:
    shared, union = pixels(a) & pixels(b), pixels(a) | pixels(b)
    assert overlap(a, b) == len(shared)
    assert iou(a, b) == pytest.approx(len(shared) / len(union), abs=1e-12)
    assert iou(a, b) == iou(b, a)


@given(boxes(), st.integers(1, 50), st.integers(1, 50))
def test_clip_keeps_what_is_inside(box: Box, width: int, height: int) -> None:
    inside = {(x, y) for x, y in pixels(box) if x < width and y < height}
    clipped = clip(box, width, height)
    assert (clipped is None) == (not inside)
    if clipped:
        assert pixels(clipped) == inside
        assert area(clipped) == len(inside)


@given(boxes())
def test_a_box_survives_being_written(box: Box) -> None:
    assert parse_box(",".join(map(str, box))) == box
    assert as_box(list(box)) == box


@pytest.mark.parametrize(
    "value",
    [
        [1, 2, 3],
        [3, 2, 1, 4],
        [0, 0, 0, 5],
        [0, 0, math.nan, 5],
        [0, 0, math.inf, 5],
        [0, 0, 10**400, 5],
        [0, 0, 1e300, 1e300],  # its area is infinite
        ["0", 0, 1, 1],
        [True, 0, 2, 2],
        "0,0,1,1",
        None,
        {},
    ],
)
def test_what_is_no_box_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="box"):
        as_box(value)


def test_text_that_is_no_box_is_refused() -> None:
    with pytest.raises(ValueError, match="x0,y0,x1,y1"):
        parse_box("a,b,c,d")
