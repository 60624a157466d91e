"""Looks: other ways to look at a query."""

import numpy as np
import pytest
from PIL import Image

from tests.core.test_verification import photo, scene
from tvcli.core.boxes import Box
from tvcli.core.files.records import Region
from tvcli.core.images.photo import Photo, Pixels
from tvcli.core.searching.augmentation import augmented_views, half_regions

SIDE = 64


def look(photo: Photo, region: Region) -> Pixels:
    box = region.crop or photo.whole
    return np.asarray(photo.image.resize((SIDE, SIDE), Image.Resampling.BOX, box))


def contrast(view: Pixels) -> float:
    return float(np.abs(np.diff(view.astype(float), axis=0)).mean())


def test_a_photo_is_looked_at_turned_softened_sharpened_and_by_halves() -> None:
    views = augmented_views(photo(scene(1)), None, look)
    assert [view.shape for view in views] == [(SIDE, SIDE, 3)] * 12
    for n in (1, 2, 3):  # quarter turns of the middle, and of the middle turned by 45 degrees
        assert np.array_equal(views[n], np.rot90(views[0], n))
        assert np.array_equal(views[4 + n], np.rot90(views[4], n))
    whole = contrast(look(photo(scene(1)), Region("")))
    assert contrast(views[8]) < whole < contrast(views[9])
    left, right = (
        look(photo(scene(1)), Region("", crop=box)) for box in half_regions((0, 0, 400, 300))
    )
    assert np.array_equal(views[10], left) and np.array_equal(views[11], right)


@pytest.mark.parametrize(
    ("region", "halves"),
    [
        ((0, 0, 200, 100), [(8, 10, 96, 90), (104, 10, 192, 90)]),
        ((10, 20, 110, 220), [(20, 28, 100, 116), (20, 124, 100, 212)]),
    ],
)
def test_halves_lie_along_the_long_side(region: Box, halves: list[Box]) -> None:
    for half, expected in zip(half_regions(region), halves, strict=True):
        assert half == pytest.approx(expected)
