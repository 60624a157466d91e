import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tvcli.core.boxes import Box, iou
from tvcli.core.encoding.encode import one_thread_each
from tvcli.core.errors import BadInput
from tvcli.core.files.formats import Annotation
from tvcli.core.images.annotations import boxed_photos
from tvcli.core.location.box_fusion import (
    SAME_OBJECT,
    cluster_boxes,
    mean_box,
    median_box,
    pairwise_iou,
    weighted_box,
)
from tvcli.core.location.classifier import Classifier
from tvcli.core.location.cropset import mirrored, object_sizes
from tvcli.core.location.locate import Located, distinct, scales_to_search, surest
from tvcli.core.location.reduction import fit_reduction
from tvcli.core.location.regressors import BLUR, Regressors, _loss, new_regressors, pair_iou
from tvcli.core.reports import Report

SLIDING = 1e-5  # a net on a window against the same net sliding: float32, sums in another order


def regressors(seed: int = 0) -> Regressors:
    torch.manual_seed(seed)
    low = torch.rand(40, 2) * 0.4
    return new_regressors(16, (8, 8), torch.cat([low, low + 0.4], 1)).eval()


@one_thread_each()
@torch.inference_mode()
def test_nets_that_slide_answer_as_on_every_window_alone() -> None:
    torch.manual_seed(1)
    maps = torch.randn(2, 16, 11, 13)
    for net in (regressors(), Classifier(16, (8, 8)).eval()):
        slid = net(maps)  # (2, 4, 4, 6) or (2, 4, 6)
        assert slid.shape[-2:] == (4, 6)
        for row in range(4):
            for column in range(6):
                alone = net(maps[:, :, row : row + 8, column : column + 8])[..., 0, 0]
                torch.testing.assert_close(slid[..., row, column], alone, atol=SLIDING, rtol=1e-4)


def test_answers_stay_within_the_range_learned() -> None:
    net = regressors()
    found = net(100 * torch.randn(4, 16, 8, 8))[:, :, 0, 0]
    mean, std, spans = (net.get_buffer(name) for name in ("mean", "std", "spans"))
    assert (found >= mean + std * spans[:, 0] - 1e-4).all()
    assert (found <= mean + std * spans[:, 1] + 1e-4).all()


@torch.inference_mode()
def test_the_loss_against_a_loop_over_sides_and_crops() -> None:
    net, maps, boxes = regressors(), torch.randn(3, 16, 8, 8), torch.rand(3, 4)
    boxes[2, 0] = 9.0  # outside of what the nets can answer
    straight = torch.Generator().manual_seed(1)  # its first number is above one half
    loss = _loss(net, maps, boxes, straight)
    mean, std = net.get_buffer("mean"), net.get_buffer("std")
    answers, scores = net.answers(maps)
    distance, entropy = 0.0, 0.0
    for crop in range(3):
        for side in range(4):
            off = abs(float(answers[crop, side, 0, 0] * std[side] + mean[side] - boxes[crop, side]))
            distance += (off**2 / 0.1 if off < 0.05 else off - 0.025) / 12
            places = net.places[side]
            truth = (boxes[crop, side] - mean[side]) / std[side]
            away = (places - truth.clamp(places[0], places[-1])) * std[side]
            wanted = torch.exp(-0.5 * (away / BLUR) ** 2)
            given = torch.exp(scores[crop, side, :, 0, 0])
            likely = (given / given.sum()).log()
            entropy -= float((wanted / wanted.sum() * likely).sum()) / 12
    assert float(loss) == pytest.approx(10 * distance + entropy, rel=1e-4)


def test_a_reduction_keeps_distances_up_to_a_factor() -> None:
    torch.manual_seed(0)
    positions = torch.randn(300, 6) @ torch.randn(6, 10)  # of rank 6 in 10 channels
    reduced = fit_reduction(positions, 6)(positions.T[None, :, :, None])[0, :, :, 0].T
    before, after = torch.pdist(positions), torch.pdist(reduced)
    ratio = after / before
    torch.testing.assert_close(ratio, ratio.mean().expand_as(ratio), rtol=1e-3, atol=0)


boxes = st.tuples(st.floats(0, 50), st.floats(0, 50), st.floats(1, 50), st.floats(1, 50)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(st.lists(boxes, min_size=1, max_size=6), st.lists(boxes, min_size=1, max_size=6))
def test_overlaps_are_those_of_each_pair_alone(a: list[Box], b: list[Box]) -> None:
    expected = [[iou(first, second) for second in b] for first in a]
    np.testing.assert_allclose(pairwise_iou(np.array(a), np.array(b)), expected, atol=1e-9)
    first, second = torch.tensor(a[:1]), torch.tensor(b[:1])
    assert float(pair_iou(first, second)) == pytest.approx(expected[0][0], abs=1e-4)


@given(st.lists(boxes, min_size=1, max_size=8), st.floats(0.1, 5))
def test_combining_equal_boxes_changes_nothing(found: list[Box], weight: float) -> None:
    same = np.array([found[0]] * len(found))
    weights = np.full(len(found), weight)
    for way in (mean_box, median_box, weighted_box):
        np.testing.assert_allclose(way(same, weights), found[0], atol=1e-9)
    inside = weighted_box(np.array(found), weights)
    assert (inside >= np.array(found).min(0) - 1e-9).all()
    assert (inside <= np.array(found).max(0) + 1e-9).all()


def test_a_weighted_median_ignores_a_light_outlier() -> None:
    found = np.array([[0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 90, 90]], float)
    assert weighted_box(found, np.array([1, 1, 0.1]))[2] < 12


def test_clusters_are_objects_in_the_order_of_their_support() -> None:
    near = [[0, 0, 10, 10], [1, 0, 11, 10], [0, 1, 10, 11]]
    far = [[50, 50, 60, 60]]
    found = cluster_boxes(np.array(far + near, float), np.array([0.9, 0.5, 0.5, 0.5]), 5)
    assert [round(c.support, 6) for c in found] == [1.5, 0.9]
    assert [c.score for c in found] == [0.5, 0.9]
    np.testing.assert_allclose(found[1].box, far[0])
    assert len(cluster_boxes(np.array(far + near, float), np.ones(4), 1)) == 1


@given(
    st.lists(st.sampled_from([0.1, 0.4, 0.5, 0.8, 0.9]), max_size=7),
    st.integers(1, 6),
)
def test_what_is_kept_are_the_surest_in_their_order(scores: list[float], most: int) -> None:
    objects = [Located((n, 0, n + 1, 1), score) for n, score in enumerate(scores)]
    left, expected = list(objects), []
    while left and len(expected) < most:
        best = left[0]
        for other in left[1:]:
            best = other if other.score > best.score else best  # the first of equal ones
        left.remove(best)
        expected.append(best)
    assert surest(objects, most) == expected


@given(boxes)
def test_a_mirror_of_a_mirror_is_the_same(box: Box) -> None:
    relative = torch.tensor([box]) / 100
    torch.testing.assert_close(mirrored(mirrored(relative)), relative, atol=1e-6, rtol=0)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.new("RGB", (100, 50)).save(tmp_path / "a.png")
    return tmp_path


def of(box: object, size: tuple[float, float] | None = None, line: int = 1) -> Annotation:
    return Annotation("a.png", box, "cat", f"b.jsonl:{line}", size)


def test_boxes_of_another_size_are_scaled_and_that_is_said(photo: Path) -> None:
    report = Listening()
    (found,) = boxed_photos([of([20, 20, 100, 80], (200, 100))], photo, report, photo)
    assert found.objects == [((10, 10, 50, 40), "cat")]
    assert (found.image, found.width, found.height) == ("a.png", 100, 50)
    assert report.notes == ["1 photos have another size than annotated: their boxes were scaled"]


@pytest.mark.parametrize(
    ("box", "size", "reason"),
    [
        ([10, 10, 5, 20], None, "b.jsonl:7: box [10, 10, 5, 20] is empty or inverted"),
        ([10, 10, 10, 20], None, "b.jsonl:7: box [10, 10, 10, 20] is empty or inverted"),
        ([200, 10, 250, 20], None, "lies outside the photo (100 x 50)"),
        ([95, 10, 250, 20], None, "sticks out of the photo (100 x 50)"),
        ("here", None, "a box is [x0, y0, x1, y1]"),
        ([1, 1, 9, 9], (70, 70), "annotated on 70 x 70, but the photo is 100 x 50"),
        ([1, 1, 9, 9], (50, 100), "before it was turned upright?"),
    ],
)
def test_bad_boxes_are_named_by_file_and_line(
    photo: Path, box: object, size: tuple[float, float] | None, reason: str
) -> None:
    report = Report()
    good = of([1, 1, 9, 9], line=8)
    (found,) = boxed_photos([of(box, size, 7), good], photo, report, photo)
    assert len(found.objects) == 1
    (skip,) = report.skipped
    assert skip.reason.startswith("b.jsonl:7: ")
    assert reason in skip.reason


def test_a_photo_that_is_not_there_is_named_by_file_and_line(photo: Path) -> None:
    report = Report()
    missing = Annotation("no.png", [1, 1, 2, 2], "cat", "b.jsonl:3")
    with pytest.raises(BadInput, match=r"no\.png: not found \(b\.jsonl:3\)"):
        list(boxed_photos([missing], photo, report, photo))
    assert report.skipped[0].reason == "not found (b.jsonl:3)"
    with pytest.raises(BadInput):
        list(boxed_photos([missing], photo, Report(strict=True), photo))


def test_boxes_lie_on_the_photo_as_displayed(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (100, 50)).save(tmp_path / "a.jpg", exif=exif)
    upright = Annotation("a.jpg", [0, 60, 40, 90], "", "b:1", (50, 100))
    (found,) = boxed_photos([upright], tmp_path, Report(), tmp_path)
    assert (found.width, found.height) == (50, 100)
    assert found.objects[0][0] == (0, 60, 40, 90)


class Listening(Report):
    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


labelled = st.lists(st.tuples(boxes, st.floats(0.1, 1), st.integers(0, 2)), min_size=1, max_size=9)


@given(labelled, st.integers(1, 5))
def test_clusters_of_labels_against_a_loop(found: list[tuple[Box, float, int]], most: int) -> None:
    left, expected = list(found), []
    while left and len(expected) < most:
        near = [[b for b in left if a[2] == b[2] and iou(a[0], b[0]) >= SAME_OBJECT] for a in left]
        own = max(near, key=lambda of: round(sum(weight for _, weight, _ in of), 9))
        centre = left[near.index(own)]
        expected.append((sum(weight for _, weight, _ in own), centre[2], len(own)))
        left = [each for each in left if each not in own]
    array, weights = np.array([b for b, _, _ in found]), np.array([w for _, w, _ in found])
    clusters = cluster_boxes(array, weights, most, np.array([label for _, _, label in found]))
    supports = [round(support, 6) for support, _, _ in expected]
    if len(set(supports)) == len(supports):  # of equal ones either may be first
        assert [round(c.support, 6) for c in clusters] == supports
        assert [c.label for c in clusters] == [label for _, label, _ in expected]


@given(labelled)
def test_surer_objects_suppress_those_of_their_label_alone(
    found: list[tuple[Box, float, int]],
) -> None:
    objects = [Located(box, score, "abc"[label]) for box, score, label in found]
    expected: list[Located] = []
    for label in "abc":
        left = [o for o in objects if o.label == label]
        while left:
            best = max(left, key=lambda o: o.score)
            expected.append(best)
            left = [o for o in left if o is not best and iou(o.box, best.box) < SAME_OBJECT]
    kept = distinct(objects)
    assert [o.score for o in kept] == sorted((o.score for o in kept), reverse=True)
    assert {id(o) for o in kept} == {id(o) for o in expected}


@pytest.mark.parametrize(
    ("sizes", "scales"),
    [
        (None, (0.0, 1.0, 2.0)),  # of an older tv
        ("much", (0.0, 1.0, 2.0)),
        ([0.4, 0.8, 1.0], (0.0, 1.0, 2.0)),
        ([0.2, 0.25, 0.3], (2.0, 3.0)),
        ([0.1, 0.2, 0.4], (1.5, 2.0801, 2.8845, 4.0)),
        ([0.2, 0.2, 0.2], (3.0,)),
        ([0.0, 0.0, 0.3], (2.0, 2.8284, 4.0)),
        ([0.4, 0.1, 0.2], (1.5, 2.0801, 2.8845, 4.0)),  # of a stranger, like those that follow
        (["small", 0.1, 0.2], (0.0, 1.0, 2.0)),
        ([math.nan, 0.1, 0.2], (0.0, 1.0, 2.0)),
        ([0.1, 0.2, -math.inf], (0.0, 1.0, 2.0)),
    ],
)
def test_small_objects_are_looked_for_at_scales_of_their_own(
    sizes: object, scales: tuple[float, ...]
) -> None:
    assert scales_to_search({"sizes": sizes}, (0.0, 1.0, 2.0)) == pytest.approx(scales, abs=1e-3)


def test_sizes_are_those_of_each_object_once() -> None:
    regions = np.array([[0, 0, 80, 40], [10, 0, 30, 20], [0, 0, 50, 100], [5, 5, 9, 9]], float)
    one, two = [10, 10, 20, 20], [0, 0, 25, 100]
    known = np.array([one, one, two, [np.nan] * 4], float)
    sizes = object_sizes(["a", "a", "b", "a"], regions, known)
    assert sizes.tolist() == [10 / 40, 50 / 50]
    assert not len(object_sizes([], np.empty((0, 4)), np.empty((0, 4))))
