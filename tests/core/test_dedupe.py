"""Finding the same picture: key points in a spool, words, whole photos, maps in words."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import drawn
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tvcli.core.deduping.keypoint_store import store_keypoints
from tvcli.core.deduping.linking import Links
from tvcli.core.deduping.same import Comparer, Link, Rule
from tvcli.core.deduping.seam import is_pasted, seam_contrast
from tvcli.core.deduping.sharing import near_by_words
from tvcli.core.deduping.transform_description import transform_description
from tvcli.core.deduping.words import in_common, words_of
from tvcli.core.images.copies import CHANGES, changed
from tvcli.core.images.photo import Photo
from tvcli.core.matching.decision import Default
from tvcli.core.matching.features import Keypoints, describe_both
from tvcli.core.matching.homography import clipped, outline_area, overlap
from tvcli.core.matching.match import Match
from tvcli.core.matching.vocabulary import Vocabulary
from tvcli.core.reports import Report

NOT_FOUND = ("hue", "print", "several")  # of a picture of plain shapes, with this seed


def both(image: Image.Image) -> list[Keypoints]:
    return describe_both(Photo(image, image.width, image.height))


def link(first: Image.Image, second: Image.Image) -> Link | None:
    return Comparer(both(first), Rule()).link(both(second))


@pytest.mark.parametrize("kind", [kind for kind in CHANGES if kind not in NOT_FOUND])
def test_a_changed_copy_is_the_same_and_another_picture_is_not(kind: str) -> None:
    copy = changed(drawn(1), kind, 3, "a")
    assert link(drawn(1), copy) is not None
    assert link(copy, drawn(1)) is not None
    assert link(drawn(2), copy) is None


@pytest.mark.parametrize(("columns", "is_same"), [(110, False), (200, True)])
def test_parts_of_a_picture_are_the_same_if_they_share_half(columns: int, is_same: bool) -> None:
    picture = drawn(1, 480, 320)
    left, right = picture.crop((0, 0, 300, 320)), picture.crop((300 - columns, 0, 480, 320))
    assert (link(left, right) is not None) is is_same  # 110 of 290, or 200 of 300 columns
    assert Comparer(both(left), Rule(share=0.1)).link(both(right)) is not None


def ground(seed: int) -> Image.Image:
    levels = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), np.uint8)
    return Image.fromarray(levels).resize((480, 320), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("seed", range(4))
def test_a_photo_that_is_pasted_into_another_has_a_seam_and_a_crop_has_none(seed: int) -> None:
    box = (90, 60, 390, 260)
    crop, collage = ground(seed).crop(box), ground(seed + 10)
    collage.paste(crop, box[:2])
    there = np.array([[1.0, 0, box[0]], [0, 1, box[1]], [0, 0, 1]])
    own, photo, beside = (both(image)[0] for image in (crop, ground(seed), collage))
    assert is_pasted(there, own, beside) and not is_pasted(there, own, photo)
    assert seam_contrast(np.eye(3), photo, photo) == 0  # no edge of it lies inside


def test_another_thing_before_the_same_shelf_is_not_the_same() -> None:
    photos = []
    for thing, left in ((7, 20), (8, 180)):
        photo = drawn(1, 480, 360)
        photo.paste(drawn(thing, 165, 165), (left, 40))
        photos.append(photo)
    found = Comparer(both(photos[0]), Rule(Default(0.0))).link(both(photos[1]))
    assert found is not None and found.share == pytest.approx(1, abs=0.05)
    assert link(photos[0], photos[1]) is None


def test_whole_photos_need_no_key_points() -> None:
    soft = drawn(1).resize((24, 18)).resize((320, 240), Image.Resampling.BICUBIC)
    turned = soft.transpose(Image.Transpose.ROTATE_90)
    found = link(soft, turned)
    assert found is not None and found.match.inliers == 0
    corner = found.transform @ [0, 0, 1]  # the top left corner comes to lie at the bottom left
    assert corner[:2] == pytest.approx([0, 320], abs=1e-6)
    assert link(soft, Image.new("RGB", soft.size)) is None


@pytest.mark.parametrize(("colour", "same"), [("#8b7961", True), ("#8b6594", False)])
def test_blank_photos_are_the_same_in_one_colour_only(colour: str, same: bool) -> None:
    blank, other = (Image.new("RGB", (64, 64), one) for one in ("#8b7961", colour))
    assert (link(blank, other) is not None) == same


def test_a_spool_gives_back_what_was_described(tmp_path: object) -> None:
    paths = [tmp_path / f"{n}.png" for n in range(3)]  # type: ignore[operator]
    drawn(0).save(paths[0])
    drawn(1).save(paths[2])
    report = Report()
    with store_keypoints(paths, report) as store:
        read = store.read(2)
        assert [len(keypoints) for keypoints in store.read(1)] == [0, 0]
    assert [skip.reason for skip in report.skipped] == ["not found"]
    for one, other in zip(read, both(drawn(1)), strict=True):
        assert np.array_equal(one.points, other.points)
        assert np.array_equal(one.descriptors, other.descriptors)
        assert np.array_equal(one.preview, other.preview)
        assert np.array_equal(one.colour, other.colour)
        assert (one.region, one.mirrored) == (other.region, other.mirrored)


def test_what_is_known_of_a_whole_photo_is_not_described_again(tmp_path: object) -> None:
    paths = [tmp_path / f"{n}.png" for n in range(3)]  # type: ignore[operator]
    for path in paths:
        drawn(1).save(path)
    of_another, part = both(drawn(2))[0], both(drawn(1).crop((0, 0, 90, 90)))[0]
    with store_keypoints(paths, Report(), [None, of_another, part]) as store:
        first, second, third = (store.read(number) for number in range(3))
    assert np.array_equal(second[0].descriptors, of_another.descriptors)
    assert np.array_equal(second[1].descriptors, first[1].descriptors)
    assert np.array_equal(third[0].descriptors, first[0].descriptors)


def test_photos_are_the_same_by_way_of_a_third_if_they_agree_under_its_maps(
    tmp_path: object,
) -> None:
    images = [drawn(1), changed(drawn(1), "rotation", 3, "a"), changed(drawn(1), "mirror", 3, "a")]
    paths = [tmp_path / f"{n}.png" for n in range(4)]  # type: ignore[operator]
    for path, image in zip(paths, [*images, drawn(2)], strict=True):
        image.save(path)
    with store_keypoints(paths, Report()) as store:
        links = Links(store, Rule())
        assert links.find(np.array([[0, 1], [0, 2], [0, 3]]), Report()) == [(0, 1), (0, 2)]
        assert links.known(1, 2) is None and links.through(1, 3, 2) is None
        for first, last in ((1, 2), (2, 1)):
            found = links.through(first, 0, last)
            assert found is not None and found is links.known(first, last)
        itself = links.between(1, 2)
        assert itself is not None and itself.match.mirrored and found.match.mirrored
        corner = [40.0, 30.0, 1.0]  # of the turned copy, in the mirrored one
        places = [
            link.transform @ corner / (link.transform @ corner)[2] for link in (found, itself)
        ]
        assert places[0] == pytest.approx(places[1], abs=3)
        wrong = replace(found, transform=np.eye(3))  # a map that does not hold
        links._known[0, 3] = wrong
        assert links.through(1, 0, 3) is None


def test_words_find_turned_and_mirrored_copies(tmp_path: object, monkeypatch: object) -> None:
    monkeypatch.setattr("tvcli.core.deduping.sharing.PHOTOS_IN_MEMORY", 5)  # type: ignore[attr-defined]
    images = [drawn(seed) for seed in range(8)]
    images += [changed(image, "rotation", 0, "a") for image in images[:4]]
    images += [changed(image, "mirror", 0, "a") for image in images[4:8]]
    paths = [tmp_path / f"{n}.png" for n in range(16)]  # type: ignore[operator]
    for path, image in zip(paths, images, strict=True):
        image.save(path)
    with store_keypoints(paths, Report()) as store:
        words = words_of(store, Report())
        assert np.array_equal(words, words_of(store, Report()))
    near = near_by_words(words, 3, Report())
    assert near.shape == (16, 3)
    assert [int(row[0]) for row in near] == [*range(8, 16), *range(8)]


def test_descriptors_that_differ_in_few_bits_mostly_have_one_word() -> None:
    rng = np.random.default_rng(1)
    descriptors = rng.integers(0, 256, (9000, 32), np.uint8)
    vocabulary = Vocabulary(descriptors[:500], descriptors[rng.choice(500, 22, replace=False)])
    found = vocabulary.words_of(descriptors[:500])
    assert sorted(found) == list(range(500))  # each word is its own
    noisy = descriptors[:500] ^ np.packbits(rng.random((500, 256)) < 0.05, axis=1)
    assert np.mean(vocabulary.words_of(noisy) == found) > 0.6
    every = vocabulary.words_of(descriptors)
    assert np.array_equal(every[:40], vocabulary.words_of(descriptors[:40]))
    assert np.array_equal(
        Vocabulary(descriptors[:1], descriptors[:1]).words_of(noisy), np.zeros(500)
    )


def test_key_points_are_matched_where_enough_words_are_shared(
    tmp_path: object, monkeypatch: object
) -> None:
    images = [drawn(1), changed(drawn(1), "rotation", 3, "a"), changed(drawn(1), "mirror", 3, "a")]
    images[2] = images[2].crop((20, 20, 300, 220))  # not laid over the first as a whole
    paths = [tmp_path / f"{n}.png" for n in range(3)]  # type: ignore[operator]
    for path, image in zip(paths, images, strict=True):
        image.save(path)
    pairs = np.array([[0, 1], [0, 2]])
    with store_keypoints(paths, Report()) as store:
        words = words_of(store, Report())
        counts = in_common(words, 0, [1, 2])
        assert counts[0, 0] > counts[1, 0] and counts[1, 1] > counts[0, 1]
        for common, found in ((1, [(0, 1), (0, 2)]), (501, [])):
            monkeypatch.setattr("tvcli.core.deduping.linking.COMMON", common)  # type: ignore[attr-defined]
            assert Links(store, Rule(), words).find(pairs, Report()) == found
    words[:, :, 5:] = words[0, 0, 0]  # key points without a word count for nothing
    words[1:, :, :5] = words[0, 0, 0] + 1
    words[1:, :, 9:] = 65_535
    assert in_common(words, 0, [1])[0, 0] == 4


def test_few_photos_or_none_have_no_words_in_common(tmp_path: object) -> None:
    for number in range(3):
        Image.new("RGB", (40, 40)).save(tmp_path / f"{number}.png")  # type: ignore[operator]
    for count in range(4):
        paths = [tmp_path / f"{n}.png" for n in range(count)]  # type: ignore[operator]
        with store_keypoints(paths, Report()) as store:
            words = words_of(store, Report())
        assert near_by_words(words, 2, Report()).tolist() == [[-1, -1]] * count


def test_photos_laid_exactly_over_each_other_share_all() -> None:
    noise = np.array([[1, 0, 3e-14], [0, 1, 7e-15], [0, 0, 1]])
    for region in ((0.0, 0.0, 512.0, 438.0), (0.0, 0.0, 192.0, 256.0)):
        assert overlap(noise, region, region) == pytest.approx(1)
        assert overlap(np.linalg.inv(noise), region, region) == pytest.approx(1)


@given(st.integers(0, 2**32 - 1))
def test_what_lies_in_a_box_is_what_pixels_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 4))
    corners = rng.uniform(-40, 240, 2) + rng.uniform(10, 150) * np.stack(
        [np.cos(angles), np.sin(angles)], axis=1
    )  # on a circle, so they are convex
    box = (20.0, 30.0, 180.0, 150.0)
    x, y = np.meshgrid(np.arange(20.25, 180, 0.5), np.arange(30.25, 150, 0.5))
    inside = np.ones(x.shape, bool)
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        inside &= (b[0] - a[0]) * (y - a[1]) >= (b[1] - a[1]) * (x - a[0])
    assert outline_area(clipped(corners, box)) == pytest.approx(inside.sum() / 4, abs=150)
    assert overlap(np.eye(3), box, (100.0, 30.0, 500.0, 150.0)) == pytest.approx(0.5)


WHOLE = 0.0, 0.0, 200.0, 100.0


@pytest.mark.parametrize(
    ("transform", "mirrored", "said"),
    [
        ([[1, 0, 0], [0, 1, 0]], False, ""),
        ([[2, 0, 0], [0, 2, 0]], False, "0.5 times the size"),
        ([[-1, 0, 200], [0, 1, 0]], True, "mirrored"),
        ([[-1, 0, 200], [0, -1, 100]], False, "turned by 180°"),
        ([[1, 0, -20], [0, 1, -10]], False, "shows 81% of it, 19% of it lies around that"),
    ],
)
def test_a_map_is_told_in_words(transform: list[list[float]], mirrored: bool, said: str) -> None:
    map_ = np.array([*transform, [0, 0, 1]], np.float64)
    kept = (0.0, 0.0, 400.0, 200.0) if "times" in said else WHOLE
    assert transform_description(Link(Match(9, map_, mirrored), map_), WHOLE, kept) == said
