"""Whole photos laid over each other: what has no corners is found again, and nothing else."""

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from tests.core.test_local_agreement import written_on
from tests.core.test_verification import photo, scene
from tvcli.core.matching.blank import is_blank
from tvcli.core.matching.decision import Default
from tvcli.core.matching.features import describe
from tvcli.core.matching.match import Match
from tvcli.core.matching.whole import WholeMatcher


def matched(copy: Image.Image, original: Image.Image) -> Match:
    return WholeMatcher(describe(photo(copy))).match(describe(photo(original)))


def turned(image: Image.Image, quarters: int, mirrored: bool) -> Image.Image:
    """Return the picture, mirrored and then turned clockwise."""
    return (ImageOps.mirror(image) if mirrored else image).rotate(-90 * quarters, expand=True)


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_blurred_copy_is_found_whichever_way_it_lies(quarters: int, mirrored: bool) -> None:
    original = scene(50)
    blurred = turned(original, quarters, mirrored).filter(ImageFilter.GaussianBlur(6))
    found = matched(blurred, original)
    assert found.whole and found.inliers == 0 and found.mirrored == mirrored
    assert found.transform is not None and Default().accepts(found)
    marked = Image.new("L", original.size)
    marked.paste(255, (0, 0, 20, 20))
    y, x = np.argwhere(np.asarray(turned(marked, quarters, mirrored))).mean(axis=0)
    assert found.transform @ [x + 0.5, y + 0.5, 1] == pytest.approx([10, 10, 1], abs=0.1)


@pytest.mark.parametrize("seed", range(51, 56))
def test_another_picture_is_refused(seed: int) -> None:
    found = matched(scene(seed).filter(ImageFilter.GaussianBlur(6)), scene(seed + 20))
    assert not Default().accepts(found)


def test_photos_of_another_aspect_are_not_laid_over_each_other() -> None:
    original = scene(57)
    assert matched(original.crop((0, 0, 300, 300)), original).transform is None


BEIGE = (139, 121, 97)


@pytest.mark.parametrize(
    ("colour", "same"),
    [
        (BEIGE, True),
        ((140, 117, 99), True),  # by JPEG
        ((126, 106, 81), True),  # darker, of more contrast
        ((89, 77, 63), True),
        ((139, 101, 148), False),
        ((240, 240, 240), False),
        ((20, 18, 15), False),  # far too dark
    ],
)
def test_a_blank_photo_is_the_same_as_one_of_its_colour(
    colour: tuple[int, int, int], same: bool
) -> None:
    blank = Image.new("RGB", (400, 300), BEIGE)
    found = matched(Image.new("RGB", (300, 150), colour), blank)
    assert Default().accepts(found) == same
    assert not Default().accepts(matched(blank, scene(58)))


def test_noise_leaves_a_photo_blank_and_text_does_not() -> None:
    noise = np.random.default_rng(0).normal(0, 16, (300, 400, 3))
    noisy = Image.fromarray((np.array(BEIGE) + noise).clip(0, 255).astype(np.uint8))
    written = written_on(Image.new("RGB", (400, 300), BEIGE))
    assert [is_blank(describe(photo(image))) for image in (noisy, written)] == [True, False]
