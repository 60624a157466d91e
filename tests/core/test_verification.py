"""Verification: known maps found again, chance refused, and the rules as they are written."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from tvcli.core.errors import UsageError
from tvcli.core.images.photo import BadImage, Photo
from tvcli.core.matching.decision import (
    PRESETS,
    Default,
    Scalable,
    asked_verification,
    verification,
)
from tvcli.core.matching.evidence import Evidence, nfa_score
from tvcli.core.matching.feature_columns import as_columns, from_columns
from tvcli.core.matching.features import Keypoints, Method, describe, describe_both
from tvcli.core.matching.fitting import Model
from tvcli.core.matching.homography import is_plausible, outline
from tvcli.core.matching.match import Match
from tvcli.core.matching.matcher import Matcher
from tvcli.core.matching.score import fitted_score, terms
from tvcli.core.matching.zncc import details

CORNERS = np.array([[0, 0], [400, 0], [400, 300], [0, 300]], np.float64)


def match(
    query: Keypoints | list[Keypoints], gallery: Keypoints, *, model: Model = "homography"
) -> Match:
    return Matcher([query] if isinstance(query, Keypoints) else query, model=model).match(gallery)


def scene(seed: int, width: int = 400, height: int = 300) -> Image.Image:
    """Return a picture full of patches of all sizes."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), (128, 120, 110))
    for _ in range(120):
        side = int(random.integers(8, 90))
        patch = Image.new("RGB", (side, int(random.integers(8, 90))),
                          tuple(int(v) for v in random.integers(0, 256, 3)))  # fmt: skip
        turned = patch.rotate(float(random.uniform(0, 90)), expand=True)
        mask = Image.new("L", patch.size, 255).rotate(0, expand=True).resize(turned.size)
        image.paste(turned, (int(random.integers(-20, width)), int(random.integers(-20, height))),
                    mask)  # fmt: skip
    return image.filter(ImageFilter.GaussianBlur(0.7))


def photo(image: Image.Image) -> Photo:
    return Photo(image, *image.size)


def warped(image: Image.Image, transform: np.ndarray, size: tuple[int, int]) -> Image.Image:
    """Return the picture mapped by `transform` (3, 3), from its pixels to those of the result."""
    back = np.linalg.inv(transform)
    coefficients = (back / back[2, 2]).ravel()[:8]
    return image.transform(size, Image.Transform.PERSPECTIVE, tuple(coefficients),
                           Image.Resampling.BICUBIC, fillcolor=(90, 90, 90))  # fmt: skip


def moved(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    mapped = np.c_[points, np.ones(len(points))] @ transform.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


def turn(degrees: float, scale: float = 1.0) -> np.ndarray:
    angle = np.radians(degrees)
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    middle = np.array([[1, 0, -200], [0, 1, -150], [0, 0, 1]], np.float64)
    away = np.array([[1, 0, 260], [0, 1, 260], [0, 0, 1]], np.float64)
    return away @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ middle


TILTED = np.array([[0.9, 0.08, 40], [-0.05, 1.05, 60], [0.0003, 0.0002, 1.0]])


@pytest.mark.parametrize("method", ["orb", "sift"])
@pytest.mark.parametrize("transform", [turn(30), turn(137, 0.7), turn(180, 1.2), TILTED])
def test_known_maps_are_found_again(method: Method, transform: np.ndarray) -> None:
    original = scene(1)
    copy = warped(original, transform, (520, 520))
    found = match(describe_both(photo(copy), method=method),
                  describe(photo(original), method=method))  # fmt: skip
    assert found.inliers >= 20
    assert found.transform is not None and not found.mirrored
    there = moved(found.transform, moved(transform, CORNERS))
    assert np.abs(there - CORNERS).max() < 4  # pixels of 400


def test_affine_maps_have_no_perspective() -> None:
    original = scene(2)
    copy = warped(original, turn(25, 0.8), (520, 520))
    found = match(describe_both(photo(copy)), describe(photo(original)), model="affine")
    assert found.transform is not None
    assert found.transform[2].tolist() == [0, 0, 1]
    assert np.abs(moved(found.transform, moved(turn(25, 0.8), CORNERS)) - CORNERS).max() < 4


@pytest.mark.parametrize("method", ["orb", "sift"])
def test_mirrored_pictures_are_found_and_said_to_be(method: Method) -> None:
    original = scene(3)
    copy = ImageOps.mirror(original).rotate(20, Image.Resampling.BICUBIC, expand=True)
    found = match(describe_both(photo(copy), method=method),
                  describe(photo(original), method=method))  # fmt: skip
    assert found.mirrored and found.inliers >= 20 and (found.evidence.zncc or 0) > 0.8
    assert found.transform is not None
    assert np.linalg.det(found.transform) < 0
    middle = moved(found.transform, np.array([[copy.width / 2, copy.height / 2]]))
    assert np.abs(middle - (200, 150)).max() < 4


def test_not_described_as_mirrored_a_mirrored_picture_is_not_found() -> None:
    original = scene(3)
    found = match(describe(photo(ImageOps.mirror(original))), describe(photo(original)))
    assert not Default().accepts(found)


@pytest.mark.parametrize("seed", range(6))
def test_other_pictures_are_refused(seed: int) -> None:
    found = match(describe_both(photo(scene(seed))), describe(photo(scene(seed + 50))))
    assert not Default().accepts(found)
    assert found.inliers < 10


@pytest.mark.parametrize("method", ["orb", "sift"])
def test_blank_pictures_have_no_key_points_and_match_nothing(method: Method) -> None:
    blank = photo(Image.new("RGB", (200, 100), "white"))
    nothing = describe(blank, method=method)
    assert len(nothing) == 0
    assert nothing.descriptors.shape == (0, 32 if method == "orb" else 128)
    some = describe(photo(scene(0)), method=method)
    assert match(describe_both(blank, method=method), some) == Match()
    assert match(some, nothing).inliers == 0


def test_a_picture_of_one_pixel_is_described() -> None:
    assert len(describe(photo(Image.new("RGB", (1, 1))))) == 0


def test_points_of_a_crop_lie_in_the_photo() -> None:
    crop = (150.0, 100.0, 350.0, 280.0)
    found = describe(photo(scene(4)), crop=crop)
    assert found.region == crop
    assert (found.points >= crop[:2]).all() and (found.points <= crop[2:]).all()
    whole = match(found, describe(photo(scene(4))))
    assert whole.transform is not None
    assert np.abs(moved(whole.transform, np.array([[200, 150], [300, 250]]))
                  - [[200, 150], [300, 250]]).max() < 3  # fmt: skip
    with pytest.raises(BadImage, match="outside"):
        describe(photo(scene(4)), crop=(500, 500, 600, 600))


def test_a_small_copy_is_brought_to_the_size_of_others() -> None:
    original = scene(5)
    small = original.resize((100, 75), Image.Resampling.LANCZOS)
    found = match(describe_both(photo(small)), describe(photo(original)))
    assert Default().accepts(found)
    assert found.transform is not None
    assert np.abs(moved(found.transform, CORNERS / 4) - CORNERS).max() < 6


def test_text_does_not_take_all_key_points() -> None:
    points = describe(photo(scene(6)), count=64).points
    quarters = {(x > 200, y > 150) for x, y in points}
    assert len(quarters) == 4


def test_the_same_photos_give_the_same_match() -> None:
    pair = describe_both(photo(scene(7).rotate(10))), describe(photo(scene(7)))
    first, second = match(*pair), match(*pair)
    assert first.transform is not None and second.transform is not None
    assert first.inliers == second.inliers
    assert (first.transform == second.transform).all()


def test_agreement_is_of_the_details_not_of_light() -> None:
    original = scene(8)
    dim = Image.eval(original, lambda value: value // 3 + 20)
    same = details(describe(photo(dim)), describe(photo(original)), np.eye(3))
    other = details(describe(photo(scene(9))), describe(photo(original)), np.eye(3))
    away = np.array([[1, 0, 390], [0, 1, 0], [0, 0, 1]], np.float64)
    assert same and other and same.zncc > 0.95 and abs(other.zncc) < 0.3
    assert details(describe(photo(dim)), describe(photo(original)), away) is None


REGION = (0.0, 0.0, 100.0, 80.0)


def scaled(x: float, y: float) -> np.ndarray:
    return np.diag([x, y, 1.0])


@pytest.mark.parametrize(
    ("transform", "mirrored", "plausible"),
    [
        (np.eye(3), False, True),
        (scaled(3, 2.5), False, True),
        (scaled(-1, 1), True, True),
        (scaled(-1, 1), False, False),  # turned over, and not said so
        (np.eye(3), True, False),
        (scaled(0.01, 0.01), False, False),  # into a point
        (scaled(30, 30), False, False),  # out of one
        (scaled(5, 1), False, False),  # a ribbon
        (np.array([[1, 0, 0], [0, 1, 0], [-0.02, 0, 1]]), False, False),  # across the horizon
        (np.array([[1, 2, 0], [0.5, 1, 0], [0, 0, 1]]), False, False),  # onto a line
        (np.full((3, 3), np.nan), False, False),
    ],
)
def test_maps_that_nobody_could_have_made_are_refused(
    transform: np.ndarray, mirrored: bool, plausible: bool
) -> None:
    assert is_plausible(np.asarray(transform, np.float64), REGION, mirrored) is plausible


def test_an_outline_goes_around_the_region() -> None:
    corners = outline(scaled(2, 3), (1, 2, 5, 6))
    assert corners.tolist() == [[2, 6], [10, 6], [10, 18], [2, 18]]


@pytest.mark.parametrize(
    ("similarity", "inliers", "keypoints", "accepted"),
    [
        (0.09, 500, 500, False),  # below t: whatever matches
        (0.1, 20, 500, True),  # from t: N are enough
        (0.1, 19, 500, False),
        (0.9099, 19, 500, False),
        (0.9099, 20, 500, True),
        (0.91, 10, 500, True),  # from T: n are
        (0.91, 9, 500, False),
        (1.0, 0, 500, False),
        (0.91, 0, 9, True),  # fewer than K key points: the cosine alone, at T
        (0.9099, 0, 9, False),
        (0.9099, 30, 9, False),
        (0.95, 0, 10, False),  # K are not fewer than K
        (0.05, 0, 0, False),
    ],
)
def test_the_scalable_rule_as_it_is_read(
    similarity: float, inliers: int, keypoints: int, accepted: bool
) -> None:
    assert Scalable().accepts(Match(inliers), similarity, keypoints) is accepted


ALL_KNOWN = Evidence(60.0, 0.8, 0.8, 0.1, 0.9, 0.9)


@pytest.mark.parametrize("name", [field.name for field in fields(Evidence)])
def test_no_measure_speaks_against_a_copy_where_it_is_better(name: str) -> None:
    score = fitted_score()
    worse, better = {"disagreement": (0.6, 0.05), "local_agreement": (0.1, 0.9)}.get(
        name, (0.1, 0.95)
    )  # details that agree in more places than colours do are those of something repainted
    probabilities = [
        score.probability(replace(ALL_KNOWN, **{name: value})) for value in (worse, better)
    ]
    assert probabilities[0] <= probabilities[1]


def test_the_score_is_what_its_terms_say() -> None:
    score = fitted_score()

    def odds(share: float) -> float:
        return math.log((share + 0.02) / (1.02 - share))

    evidence = replace(ALL_KNOWN, nfa=None, hue=0.3)  # details agree in .8, colours in .9
    expected = {
        "zncc": 0.8, "disagreement": odds(0.1), "colours": odds(0.9), "repainted": 0.0
    }  # fmt: skip
    total = score.bias + score.missing["nfa"]
    total += sum(score.weights[name] * value for name, value in expected.items())
    assert score.log_odds(evidence) == pytest.approx(total)
    assert score.probability(evidence) == pytest.approx(1 / (1 + math.exp(-total)))
    assert terms(replace(evidence, photometric=0.5))["repainted"] == odds(0.8) - odds(0.5)
    assert score.probability(Evidence()) == 0


def test_the_number_of_false_alarms_is_that_of_its_formula() -> None:
    gallery = replace(describe(photo(scene(0))), region=(0.0, 0.0, 400.0, 300.0))
    by_chance = math.pi * 4**2 / (400 * 300)  # a hundredth of the long side around
    for inliers, pairs in ((5, 5), (12, 40), (60, 90)):
        alarms = (max(pairs - 4, 1) * math.comb(pairs, inliers) * math.comb(inliers, 4)
                  * by_chance ** (inliers - 4))  # fmt: skip
        found = nfa_score(inliers, pairs, gallery, "homography")
        assert found == pytest.approx(-math.log10(alarms))
    assert nfa_score(4, 9, gallery, "homography") == 0


def test_a_probability_that_must_be_reached_decides() -> None:
    original = scene(5)
    found = match(describe_both(photo(original)), describe(photo(original)))
    assert 0.9 < found.probability < 1
    assert Default(found.probability).accepts(found)
    assert not Default(min(found.probability + 1e-6, 1.0)).accepts(found)
    assert not Default(0).accepts(Match())  # without a map there is nothing to weigh


def test_every_threshold_can_be_set_by_name() -> None:
    texts = ["high=0.8", "low=0.2", "enough=5", "many=30", "few=12"]
    assert verification("scalable", texts).rule == Scalable(0.8, 0.2, 5, 30, 12)
    with pytest.raises(UsageError, match="--min-probability"):
        verification("default", ["few=10"])
    assert PRESETS["scalable"].rule == Scalable(0.91, 0.1, 10, 20, 10)
    assert PRESETS["scalable"].shortlist == 100
    for wrong in ("good=0.5", "few", "few=many", "=3"):
        with pytest.raises(UsageError, match="--threshold"):
            verification("scalable", [wrong])


def test_options_change_a_preset_and_need_one() -> None:
    assert asked_verification(None) is None
    changed = asked_verification("default", model="affine", shortlist=7, method=None)
    assert changed == replace(PRESETS["default"], model="affine", shortlist=7)
    with pytest.raises(UsageError, match="--by-inliers: goes with --verify"):
        asked_verification(None, by_inliers=True)
    with pytest.raises(UsageError, match="--min-probability: goes with --verify"):
        asked_verification(None, (), 0.9)
    with pytest.raises(UsageError, match="--threshold: goes with --verify; --min-score leaves out"):
        asked_verification(None, ["0.5"])
    likely = asked_verification("default", (), 0.9)
    assert likely is not None and likely.rule == Default(0.9)
    with pytest.raises(UsageError, match="scalable has its own thresholds"):
        asked_verification("scalable", (), 0.9)


@pytest.mark.parametrize("method", ["orb", "sift"])
def test_key_points_survive_their_file(method: Method) -> None:
    described = [
        describe(photo(scene(1)), method=method),
        describe(photo(Image.new("RGB", (60, 90))), method=method),
        describe(photo(scene(2)), method=method, crop=(10, 10, 200, 150)),
    ]
    for was, now in zip(described, from_columns(as_columns(described), method), strict=True):
        assert_same(was, now)


def assert_same(was: Keypoints, now: Keypoints) -> None:
    assert (was.region, was.method) == (now.region, now.method)
    for name in ("points", "descriptors", "preview", "colour"):
        assert (getattr(was, name) == getattr(now, name)).all()
