"""Changes that put a picture somewhere else, and the truth about where it lies then."""

import cv2
import numpy as np
import pytest
from conftest import drawn, picture
from PIL import Image, ImageDraw, ImageEnhance

from tvcli.core.errors import UsageError
from tvcli.core.files.records import Region
from tvcli.core.images.copies import CHANGES
from tvcli.core.images.copies.camera import exposed, framed_in, seen_from, streak
from tvcli.core.images.copies.change import Copy
from tvcli.core.images.copies.changes import (
    PLAIN_KINDS,
    change_named,
    changed_copy,
    kinds_named,
    rng_of,
)
from tvcli.core.images.copies.glyphs import EMOJI, emoji_glyph
from tvcli.core.images.copies.others import READ_AHEAD, with_others
from tvcli.core.images.copies.photographed import moire_pattern
from tvcli.core.images.copies.several import STAGES
from tvcli.core.images.copies.transforms import Transform, corners_of, moved, shift, turn

JOINED = ("mirror+print", "mirror+feed+jpeg")
JOINED_TOO = ("rotation+text+screen", "pasted+print+noise")


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, np.int16)


def likeness(copy: Copy, original: Image.Image, transform: Transform) -> float:
    """Return how far the copy, brought back, correlates with the original where it shows it."""
    size = original.size
    back = np.linalg.inv(shift(-0.5, -0.5) @ transform @ shift(0.5, 0.5))
    seen = np.asarray(copy.image.convert("L"), np.float32)
    there = cv2.warpPerspective(np.ones_like(seen), back, size) > 0.99
    found = cv2.warpPerspective(seen, back, size)[there]
    wanted = np.asarray(original.convert("L"), np.float32)[there]
    return abs(float(np.corrcoef(found, wanted)[0, 1])) if there.sum() > 500 else 0.0


@pytest.mark.parametrize(
    "kind",
    [*CHANGES, *JOINED, *(pytest.param(kind, marks=pytest.mark.long) for kind in JOINED_TOO)],
)
def test_the_transform_says_where_the_original_lies(kind: str) -> None:
    pale = ImageEnhance.Color(drawn(5, 480, 360)).enhance(0.3)  # its outlines outlive its hues
    original, other = pale, drawn(6, 500, 300)
    here, aside = [], []
    for name in "abcd":
        copy, _ = changed_copy(original, kind, 0, name, other)
        here.append(likeness(copy, original, copy.transform))
        for x, y in ((14, 0), (0, -14)):
            aside.append(likeness(copy, original, copy.transform @ shift(x, y)))
    assert np.median(here) > 0.6, here
    assert np.median(here) > np.median(aside) + 0.1


def test_a_turn_and_a_crop_are_where_they_were_computed_to_be() -> None:
    assert moved(turn(90), np.array([[1.0, 0]])) == pytest.approx(np.array([[0.0, -1]]))
    image = Image.new("RGB", (60, 40))
    quarter = CHANGES["rotation"].apply(image, degrees=90.0, cut=False, colour=[0, 0, 0])
    expected = np.array([[0, 60], [0, 0], [40, 0], [40, 60]])
    assert moved(quarter.transform, corners_of(image.size)) == pytest.approx(expected)
    part = CHANGES["crop"].apply(image, across=0.5, down=0.5, left=1.0, top=0.0)
    assert part.image.size == (30, 20) and part.transform == pytest.approx(shift(-30, 0))


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 3)])
def test_odd_pictures_can_be_changed_too(size: tuple[int, int]) -> None:
    for kind in CHANGES:
        for other in (None, Image.new("RGB", (1, 300), "red")):
            copy, _ = changed_copy(picture(1, *size), kind, 0, "b", other)
            assert min(copy.image.size) >= 1 and max(copy.image.size) <= 2400, kind
            assert np.isfinite(copy.transform).all()


def test_hues_go_around_and_greys_stay() -> None:
    red = Image.new("RGB", (2, 2), (200, 40, 40))
    green = CHANGES["hue"].apply(red, degrees=120).image
    assert pixels(green)[0, 0] == pytest.approx((40, 200, 40), abs=4)
    grey = Image.new("RGB", (2, 2), (90, 90, 90))
    assert CHANGES["hue"].apply(grey, degrees=77).image.tobytes() == grey.tobytes()


def test_sepia_is_brown_and_posterised_pictures_have_few_values() -> None:
    brown = pixels(CHANGES["sepia"].apply(picture(1), strength=1.0).image).reshape(-1, 3)
    assert (brown[:, 0] >= brown[:, 1]).all() and (brown[:, 1] >= brown[:, 2]).all()
    few = pixels(CHANGES["posterise"].apply(picture(1, 200, 200), bits=2).image)
    assert 1 < len(np.unique(few)) <= 4


def test_coarse_pixels_are_squares_of_one_colour() -> None:
    coarse = pixels(CHANGES["pixelate"].apply(picture(1, 200, 160), side=0.1).image)
    for y in range(0, 160, 20):
        for x in range(0, 200, 20):
            assert np.ptp(coarse[y : y + 20, x : x + 20].reshape(-1, 3), axis=0).max() == 0
    assert len(np.unique(coarse.reshape(-1, 3), axis=0)) > 40


def test_emoji_cover_a_part_and_each_is_another() -> None:
    glyphs = [emoji_glyph(name, 40, 0).tobytes() for name in EMOJI]
    assert len(set(glyphs)) == len(EMOJI)
    image = picture(1, 200, 100)
    one = {"name": "smile", "size": 0.3, "left": 1.0, "top": 0.0, "degrees": 0.0}
    stuck = pixels(CHANGES["emoji"].apply(image, emoji=[one]).image)
    differ = (stuck != pixels(image)).any(axis=2)
    assert not differ[31:].any() and not differ[:, :169].any()
    assert differ[:30, 170:].mean() > 0.6  # a disc in its square
    assert tuple(stuck[15, 185]) == (255, 204, 60)


def test_a_logo_lies_in_its_corner_or_all_over() -> None:
    image = Image.new("RGB", (400, 300), (120, 120, 120))
    drawn_at = {"mark": "bars", "letters": "TV", "colours": [[255, 0, 0], [0, 0, 90]], "size": 0.15}
    corner = CHANGES["logo"].apply(image, place="bottom left", opacity=1.0, **drawn_at).image
    differ = (pixels(corner) != 120).any(axis=2)
    assert differ[200:, :200].any() and not differ[:200].any() and not differ[:, 200:].any()
    faint = CHANGES["logo"].apply(image, place="bottom left", opacity=0.4, **drawn_at).image
    assert np.abs(pixels(faint) - 120).max() < 0.5 * np.abs(pixels(corner) - 120).max()
    all_over = CHANGES["logo"].apply(image, place="all over", opacity=0.4, **drawn_at).image
    differ = (pixels(all_over) != 120).any(axis=2)
    assert all(
        part.any() for half in np.array_split(differ, 2) for part in np.array_split(half, 2, 1)
    )


def test_a_pasted_picture_lies_in_the_other_which_is_whole_around_it() -> None:
    image, other = Image.new("RGB", (100, 50), (250, 0, 0)), drawn(3, 400, 300)
    where = {"share": 0.5, "left": 0.5, "top": 0.0, "ground": "plain", "colour": [0, 0, 0]}
    copy = CHANGES["pasted"].apply(image, other, seed=1, **where)
    assert copy.image.size == (400, 300)
    assert moved(copy.transform, corners_of((100, 50)))[[0, 2]].tolist() == [[100, 0], [300, 100]]
    assert (pixels(copy.image)[:100, 100:300] == (250, 0, 0)).all()
    assert (pixels(copy.image)[100:] == pixels(other)[100:]).all()
    alone = CHANGES["pasted"].apply(image, None, seed=1, **where)
    assert alone.image.size == (100, 50) and (pixels(alone.image)[30:] != (250, 0, 0)).any()


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("across", [True, False])
def test_two_pictures_side_by_side_are_both_whole(across: bool, first: bool) -> None:
    image, other = drawn(1, 200, 100), drawn(2, 200, 100)
    gap = {"gap": 0.05, "ground": "plain", "colour": [1, 2, 3], "seed": 0}
    copy = CHANGES["beside"].apply(image, other, across=across, first=first, **gap)
    assert copy.image.size == ((410, 100) if across else (200, 210))
    far = (210, 0) if across else (0, 110)
    own, its = ((0, 0), far) if first else (far, (0, 0))
    for shown, (x, y) in ((image, own), (other, its)):
        assert copy.image.crop((x, y, x + 200, y + 100)).tobytes() == shown.tobytes()
    assert copy.transform == pytest.approx(shift(*own))


def test_a_feed_shows_the_picture_at_its_width_and_the_middle_of_tall_ones() -> None:
    post = {"names": ["a", "b"], "caption": "c", "likes": 7, "accent": [9, 99, 199], "seed": 0}
    page = {"width": 500, "dark": True, "margin": 0.0, "scrolled": 1.0, "ground": "plain"}
    red = Image.new("RGB", (100, 60), (250, 0, 0))
    copy = CHANGES["feed"].apply(red, None, **post, **page)
    assert copy.image.size == (500, 1050)
    (x0, y0), (x1, y1) = np.rint(moved(copy.transform, corners_of(red.size))[[0, 2]]).astype(int)
    assert (x0, x1, y1 - y0) == (0, 500, 300)
    assert (pixels(copy.image)[y0:y1] == (250, 0, 0)).all()
    assert (pixels(copy.image)[y0 - 30 : y0] != (250, 0, 0)).any(axis=2).all()
    tall = Image.new("RGB", (100, 200), (250, 0, 0))
    ImageDraw.Draw(tall).rectangle((0, 90, 99, 109), "blue")
    copy = CHANGES["feed"].apply(tall, None, **post, **page)
    corners = moved(copy.transform, corners_of(tall.size))
    assert corners[2, 1] - corners[0, 1] == pytest.approx(1000)  # the whole would be so high
    middle = corners[:, 1].mean()
    assert tuple(pixels(copy.image)[round(middle), 250]) == (0, 0, 255)
    light = CHANGES["feed"].apply(red, None, **post, **page | {"dark": False})
    assert pixels(light.image).mean() > pixels(copy.image).mean() + 60


def test_what_is_tilted_is_smaller_far_away() -> None:
    corners = moved(seen_from((200, 100), 0, 0, 40, 3), corners_of((200, 100)))
    left, right = corners[3, 1] - corners[0, 1], corners[2, 1] - corners[1, 1]
    assert abs(left - right) > 0.1 * max(left, right)
    straight = moved(seen_from((200, 100), 0, 0, 0, 3), corners_of((200, 100)))
    assert np.ptp(straight[:, 0]) == pytest.approx(2 * np.ptp(straight[:, 1]))


def test_what_is_framed_lies_in_the_frame() -> None:
    seen = seen_from((200, 100), 30, 20, -10, 3)
    for left, top in ((0, 0), (1, 1), (0.3, 0.8)):
        found = framed_in(seen, (200, 100), (640, 480), 0.8, left, top)
        corners = moved(found, corners_of((200, 100)))
        assert corners.min() >= -1e-6 and (corners <= np.array([640, 480]) + 1e-6).all()
        shares = np.ptp(corners, axis=0) / (640, 480)
        assert shares.max() == pytest.approx(0.8)


def one_print(**changes: object) -> Copy:
    parameters = CHANGES["print"].draw(rng_of("print", 0, "a"))
    exposure = {"cast": [1, 1, 1], "gamma": 1.0, "motion": 0.0, "motion_degrees": 0.0}
    parameters["exposure"] = exposure | {"blur": 0.0, "levels": 0.1}
    parameters |= {"glare": 0.0, "reflection": 0.0, "falloff": 0.0, "margin": 0.0}
    return CHANGES["print"].apply(
        Image.new("RGB", (200, 150), (120,) * 3), None, **parameters | changes
    )


def inside(copy: Copy) -> np.ndarray:
    """Return the pixels (n, 3) of a photo that lie on the print, away from its edges."""
    mask = np.zeros(copy.image.size[::-1], np.uint8)
    corners = moved(copy.transform, corners_of((200, 150)))
    cv2.fillConvexPoly(mask, (0.9 * (corners - corners.mean(0)) + corners.mean(0)).astype(int), 1)
    return pixels(copy.image)[mask > 0]


def test_a_print_is_lit_by_a_lamp_and_shines() -> None:
    even = inside(one_print())
    assert np.ptp(even) <= 4
    lit = inside(one_print(falloff=1.2, lamp=[0.0, 0.0]))
    assert np.ptp(lit) > 25
    shining = inside(one_print(glare=0.9, glare_at=[0.5, 0.5], glare_size=0.2, glare_stretch=2))
    assert shining.max() > even.max() + 60
    mirrored = inside(one_print(reflection=0.4))
    assert mirrored.max() > even.max() + 20 and mirrored.min() <= even.max() + 4


def test_a_print_has_a_margin_and_may_lie_in_any_turn() -> None:
    bare, bordered = one_print(), one_print(margin=0.06)
    areas = [
        cv2.contourArea(moved(c.transform, corners_of((200, 150))).astype(np.float32))
        for c in (bare, bordered)
    ]
    assert areas[1] < 0.9 * areas[0]
    turns = [CHANGES["print"].draw(rng_of("print", 0, str(n)))["view"]["turn"] for n in range(200)]
    assert min(turns) < -160 and max(turns) > 160
    sides = [
        CHANGES["print"].draw(rng_of("print", 0, str(n)))["view"]["pixels"] for n in range(200)
    ]
    assert 480 <= min(sides) < 560 and 1900 < max(sides) <= 2000


def test_a_screen_has_stripes_that_are_coarser_than_its_dots() -> None:
    plane, frame = np.diag([2.0, 2.0, 1.0]), (400, 300)
    stripes = moire_pattern(plane, frame, 200, 1.02)
    line = stripes[150, :, 0]
    strongest = int(np.abs(np.fft.rfft(line - line.mean()))[1:].argmax()) + 1
    assert 6 <= strongest <= 10  # 408 dots seen by 400 pixels: 8 stripes
    assert not np.allclose(stripes[..., 0], stripes[..., 2], atol=0.3)  # and coloured
    assert np.abs(stripes).max() <= 1.001


def test_a_hand_that_moves_smears_along_its_way() -> None:
    kernel = streak(9, 0)
    assert kernel.sum() == pytest.approx(1) and kernel[kernel.shape[0] // 2].sum() == pytest.approx(
        1
    )
    dot = np.zeros((41, 41, 3), np.float32)
    dot[20, 20] = 255
    still = {"cast": [1, 1, 1], "gamma": 1.0, "blur": 0.0, "levels": 0.0}
    smeared = pixels(exposed(dot, 0, motion=9 / 41, motion_degrees=90, **still))
    assert (smeared[..., 0] > 10).any(axis=1).sum() >= 8
    assert (smeared[..., 0] > 10).any(axis=0).sum() == 1


def test_several_changes_come_in_the_order_of_their_stages() -> None:
    places = {kind: stage for stage, kinds in enumerate(STAGES) for kind in kinds}
    assert set(places) == set(CHANGES) - {"several"}
    counts = set()
    for number in range(200):
        drawn_kinds = [
            one["kind"]
            for one in change_named("several").draw(rng_of("s", 0, f"{number}"))["changes"]
        ]
        stages = [places[kind] for kind in drawn_kinds]
        assert stages == sorted(set(stages))
        counts.add(len(stages))
    assert counts == {2, 3, 4}


def test_joined_kinds_are_made_one_after_another() -> None:
    image = drawn(1)
    copy, parameters = changed_copy(image, "crop+scale", 0, "a")
    crop, scale = parameters["changes"]
    assert (crop["kind"], scale["kind"]) == ("crop", "scale")
    assert copy.image.width == round(round(image.width * crop["across"]) * scale["scale"])
    assert kinds_named(["crop+jpeg, several"]) == ["crop+jpeg", "several"]
    for wrong in ("crop+", "+", "crop+shear"):
        with pytest.raises(UsageError, match="no such change"):
            kinds_named([wrong])
    with pytest.raises(UsageError, match="more than 8"):
        kinds_named(["+".join(["crop"] * 9)])


def test_the_other_photo_is_of_the_same_block_and_never_the_photo_itself() -> None:
    regions = [Region(f"{number}.jpg") for number in range(2 * READ_AHEAD + 1)]
    pairs = list(with_others(iter(regions), 0))
    assert [region for region, _ in pairs] == regions
    assert all(mate is not None and mate.image != region.image for region, mate in pairs)
    assert len({mate.image for _, mate in pairs if mate}) > READ_AHEAD
    assert pairs == list(with_others(iter(regions), 0)) != list(with_others(iter(regions), 1))
    assert list(with_others(iter(regions[:1]), 0)) == [(regions[0], None)]
    twice = [Region("a.jpg", (0, 0, 5, 5)), Region("a.jpg", (5, 5, 9, 9))]
    assert [mate for _, mate in with_others(iter(twice), 0)] == [None, None]


def test_what_teaches_shows_one_picture_only() -> None:
    assert not any(CHANGES[kind].uses_other for kind in PLAIN_KINDS)
    assert PLAIN_KINDS[0] == "scale" and PLAIN_KINDS[-1] == "frame" and len(PLAIN_KINDS) == 11
