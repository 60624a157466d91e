"""Places: another thing on the same ground is refused, text and light on the same one are not."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from tests.core.test_verification import photo, scene, turn, warped
from tvcli.core.images.photo import Photo
from tvcli.core.matching.decision import Default
from tvcli.core.matching.features import Keypoints, describe, describe_both
from tvcli.core.matching.local_agreement import local_agreement
from tvcli.core.matching.match import Match
from tvcli.core.matching.matcher import Matcher
from tvcli.core.matching.photometry import colour_agreement
from tvcli.core.matching.zncc import details

BOX = (80, 30, 320, 270)
LOOSE = Default(0.0)


def with_middle(ground: int, thing: int) -> Image.Image:
    """Return a ground with a thing on it, in half of it."""
    image = scene(ground)
    image.paste(scene(thing, BOX[2] - BOX[0], BOX[3] - BOX[1]), BOX[:2])
    return image


def with_shirt(ground: int, colour: tuple[int, int, int]) -> Image.Image:
    image = ImageEnhance.Color(scene(ground)).enhance(0.4)
    ImageDraw.Draw(image).rounded_rectangle(BOX, 30, colour)
    return image.filter(ImageFilter.GaussianBlur(0.7))


def written_on(image: Image.Image) -> Image.Image:
    image = image.copy()
    style = {"font": ImageFont.load_default(30), "stroke_width": 2, "stroke_fill": "black"}
    ImageDraw.Draw(image).text((20, 130), "the same picture again", "white", **style)
    return image


def matched(copy: Image.Image, original: Image.Image) -> Match:
    return Matcher(describe_both(photo(copy))).match(describe(photo(original)))


@pytest.mark.parametrize("seed", range(20, 24))
def test_another_thing_on_the_same_ground_is_refused_by_its_places(seed: int) -> None:
    found = matched(with_middle(seed, seed + 40), with_middle(seed, seed + 60))
    assert found.inliers >= 20 and LOOSE.accepts(found)  # the ground is the same
    assert not Default().accepts(found)


@pytest.mark.parametrize("seed", range(20, 24))
def test_text_over_a_picture_spoils_few_of_its_places(seed: int) -> None:
    original = with_middle(seed, seed + 40)
    found = matched(written_on(original), original)
    assert (found.evidence.local_agreement or 0) > 0.8 and (found.evidence.hue or 0) > 0.8
    assert Default().accepts(found)


def test_a_turned_copy_agrees_nearly_everywhere() -> None:
    original = with_middle(30, 31)
    found = matched(warped(original, turn(30, 0.8), (520, 520)), original)
    assert (found.evidence.local_agreement or 0) > 0.95 and (found.evidence.hue or 0) > 0.95


def test_the_same_shape_in_another_colour_of_the_same_brightness_is_refused() -> None:
    orange, blue = (243, 125, 30), (110, 150, 240)  # luma 149 and 148
    found = matched(with_shirt(32, orange), with_shirt(32, blue))
    assert min(found.evidence.zncc or 0, found.evidence.local_agreement or 0) > 0.9
    assert found.evidence.hue is not None and found.evidence.hue < 0.6
    assert LOOSE.accepts(found) and not Default().accepts(found)


@pytest.mark.parametrize("saturation", [0.0, 0.3, 1.0, 1.8])
@pytest.mark.parametrize("balance", [(1.0, 1.0, 1.0), (1.15, 1.0, 0.85), (0.85, 1.0, 1.1)])
def test_saturation_and_white_balance_are_no_other_colours(
    saturation: float, balance: tuple[float, float, float]
) -> None:
    original = scene(33)
    values = np.asarray(ImageEnhance.Color(original).enhance(saturation)) * np.array(balance)
    copy = Image.fromarray(values.clip(0, 255).astype(np.uint8))
    assert min(hue_agreement(copy, original)) > 0.9
    assert min(hue_agreement(original, copy)) > 0.9


def test_one_light_all_over_or_falling_off_is_no_other_thing() -> None:
    original = with_shirt(36, (243, 125, 30))
    across = np.linspace(0.6, 1.1, original.width)[None, :, None]
    photometric = Image.fromarray((np.asarray(original) * across).clip(0, 255).astype(np.uint8))
    dim = ImageEnhance.Contrast(ImageEnhance.Brightness(original).enhance(0.7)).enhance(0.6)
    assert min(hue_agreement(photometric, original)[1], hue_agreement(dim, original)[1]) > 0.95


def test_a_darker_thing_in_the_same_place_is_in_another_light() -> None:
    dark, bright = with_shirt(37, (60, 60, 62)), with_shirt(37, (200, 200, 205))
    hues, photometric_agreement = hue_agreement(dark, bright)
    assert hues > 0.9  # grey things have none
    assert photometric_agreement < 0.75


def hue_agreement(copy: Image.Image, original: Image.Image) -> tuple[float, float]:
    hue, photometric = colour_agreement(describe(photo(copy)), describe(photo(original)), np.eye(3))
    assert hue is not None and photometric is not None
    return hue, photometric


def test_of_grey_pictures_and_of_unknown_colours_nothing_is_said() -> None:
    grey = scene(34).convert("L").convert("RGB")
    assert hue_agreement(grey, grey) == (1, 1)
    known = describe(photo(scene(34)))
    unknown = Keypoints(known.points, known.descriptors, known.preview, known.region)
    assert colour_agreement(unknown, known, np.eye(3)) == (None, None)


def test_large_text_over_a_dim_picture_does_not_make_its_details_lacking() -> None:
    original = ImageEnhance.Contrast(scene(38)).enhance(0.15)
    style = {"font": ImageFont.load_default(60), "stroke_width": 3, "stroke_fill": "black"}
    written = original.copy()
    ImageDraw.Draw(written).text((20, 120), "the same picture", "white", **style)
    for copy, other in ((written, original), (original, written)):
        found = details(describe(photo(copy)), describe(photo(other)), np.eye(3))
        assert found is not None and found.zncc < 0.5
        assert (local_agreement(found)[0] or 0) > 0.6


def test_the_share_of_places_is_what_a_loop_over_them_finds() -> None:
    query = describe(Photo(with_middle(35, 36), 400, 300))
    found = details(query, describe(photo(with_middle(35, 37))), np.eye(3))
    assert found is not None
    height, width = found.own.shape
    places = []
    for y in range(6, height, 6):
        for x in range(6, width, 6):
            place = slice(max(y - 6, 0), y + 6), slice(max(x - 6, 0), x + 6)
            if found.seen[place].sum() > 72:
                places.append((found.own[place], found.other[place]))
    energies = [((a**2).sum() / 144, (b**2).sum() / 144) for a, b in places]
    least = 0.1 * np.mean(energies, axis=0)
    gain = np.sqrt(np.median([b / a for a, b in energies if a > least[0] and b > least[1]]))
    usual = min(np.mean(energies, axis=0) * (gain**2, 1))
    alike = []
    for (own, other), (a, b) in zip(places, energies, strict=True):
        if max(gain**2 * a, b) > 0.1 * usual:
            alike.append(2 * gain * (own * other).sum() / 144 > 0.7 * (gain**2 * a + b))
    assert local_agreement(found)[0] == pytest.approx(np.mean(alike), abs=0.02)


def test_a_blank_has_no_places_that_agree() -> None:
    blank = describe(photo(Image.new("RGB", (200, 100), "white")))
    found = details(blank, blank, np.eye(3))
    assert found is not None and local_agreement(found) == (None, None)


def test_another_thing_is_one_region_of_places_that_differ_and_noise_is_none() -> None:
    thing = matched(with_middle(21, 61), with_middle(21, 81)).evidence
    noise = np.random.default_rng(0).normal(0, 60, (300, 400, 3))
    noisy = Image.fromarray((np.asarray(scene(21)) + noise).clip(0, 255).astype(np.uint8))
    grain = details(describe(photo(noisy)), describe(photo(scene(21))), np.eye(3))
    assert grain is not None and thing.disagreement is not None
    agreeing, region = local_agreement(grain)
    assert agreeing is not None and region is not None
    assert thing.disagreement > 0.25
    assert region <= 1 - agreeing + 1e-9 and region < thing.disagreement
