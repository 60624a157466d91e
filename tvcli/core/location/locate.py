"""Locating: photos in, boxes of the object out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box, clip, enlarge, iou
from tvcli.core.encoding.encoder import Encoder
from tvcli.core.images.photo import Photo
from tvcli.core.location.basis import weakness
from tvcli.core.location.box_fusion import (
    SAME_OBJECT,
    Cluster,
    cluster_boxes,
    mean_box,
    median_box,
    pairwise_iou,
    weighted_box,
)
from tvcli.core.location.efforts import EFFORTS, NAMED, VERIFIED, EffortName, Look
from tvcli.core.location.judging import Judge
from tvcli.core.location.thresholds import check_labels
from tvcli.core.location.views import NO_WINDOWS, Heads, View, Viewer, Windows

Combine = Literal["mean", "median", "weighted", "cluster", "look"]

LONGEST = 4.0  # width over height, or the reverse, beyond which a photo is squeezed
FILLED = 0.6  # of a window's side, by an object: as the boxes' nets know it
STEP = 1.5  # from one scale to the next
LARGEST_SCALE = 4.0  # beyond which a photo takes tens of passes
SMALLEST = 8.0  # pixels: a box less wide or high is not looked at


@dataclass(frozen=True, slots=True)
class LocateSettings:
    """How objects are looked for; what is None is as the effort has it.

    `scales`: short sides of the photo in sizes of the window, 0 the whole photo squashed into one;
    `threshold` None: the classifier's own; `label_thresholds` go before it for boxes with their
    labels. `looks` is how often a box found is looked at again.
    """

    threshold: float | None = None
    scales: tuple[float, ...] | None = None
    combine: Combine = "look"
    max_objects: int = 1
    looks: int | None = None
    effort: EffortName = "normal"
    label_thresholds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Located:
    """A box found, in pixels of the photo, and its probability.

    `label` is what it was named, and `label_score` the probability of that among the labels, where
    the classifier learned several.
    """

    box: Box
    score: float
    label: str = ""
    label_score: float | None = None


class Locator:
    """Finds objects with a classifier and boxes' nets that slide over the photos' maps."""

    def __init__(
        self,
        encoder: Encoder,
        heads: Heads,
        settings: LocateSettings | None = None,
        judge: Judge | None = None,
    ) -> None:
        self.encoder, self.settings = encoder, settings or LocateSettings()
        self.heads, self._viewer = heads, Viewer(encoder, heads)
        effort = EFFORTS[self.settings.effort]
        self._scales = effort.scales if self.settings.scales is None else self.settings.scales
        if self._several and self.settings.scales is None:
            self._scales = scales_to_search(heads.boxes.settings, effort.scales)
        self._looks = effort.looks_of(self.settings.looks) if self._looks_again else ()
        self._until_found = (
            effort.until_found
            and self.settings.scales is None
            and self._looks_again
            and not self._several
        )
        self._judge = judge
        verifier = None if judge is None else judge.verifier
        own, asked = float(heads.classifier.settings["threshold"]), self.settings.threshold
        self._proposing = own
        if verifier is not None:
            own = verifier.threshold
        self.threshold = own if asked is None else asked
        labelled = self.settings.label_thresholds
        if labelled:
            check_labels(labelled, self._labels)
        if verifier is None:
            self._proposing = min(self.threshold, *labelled.values(), 1.0)

    @property
    def record(self) -> dict[str, Any]:
        """What must be the same for its detections to belong together, as JSON can hold it."""
        settings = {**asdict(self.settings), "threshold": self.threshold}
        if not self.settings.label_thresholds:
            del settings["label_thresholds"]  # so that it is as an older tv records it
        heads = {"classifier": self.heads.classifier.digest, "boxes": self.heads.boxes.digest}
        return {"encoder": self.heads.boxes.settings["encoder"], **settings, **heads}

    @property
    def weakness(self) -> str:
        """What makes its classifier weak, in words; empty if nothing is known to."""
        return weakness(self.heads.classifier.settings)

    @property
    def label(self) -> str:
        """What the boxes' nets learned to find, if it had one label; else empty."""
        labels = self.heads.boxes.settings.get("labels", [])
        return str(labels[0]) if len(labels) == 1 else ""

    def threshold_of(self, label: str) -> float:
        """Return from which probability on an object with a label is kept."""
        return self.settings.label_thresholds.get(label, self.threshold)

    def locate(self, photo: Photo) -> list[Located]:
        """Return the objects of a photo, the surest first; none if no window passes."""
        return self.locate_all([photo])[0]

    def locate_all(self, photos: Sequence[Photo]) -> list[list[Located]]:
        """Return the objects of each photo, the surest first; none where no window passes.

        Both heads slide over the map of the photo at every scale; windows that the classifier takes
        for background are dropped, and the boxes of the rest combined (OverFeat, Sermanet et al.
        2014, sections 3.3 and 4). With `look` the boxes found are then looked at again from close
        by, in several views, and moved to the median of what these say. A classifier that learned
        to verify, or to name, is asked about a last close look at each of them.
        """
        found = [self._combined(windows) for windows in self._slide(photos)]
        for look in self._looks:
            self._look(photos, found, look)
        return [self._kept(photo, own) for photo, own in zip(photos, found, strict=True)]

    @property
    def _labels(self) -> tuple[str, ...]:
        """What a box found may be labelled."""
        naming = None if self._judge is None else self._judge.naming
        return (self.label,) if naming is None else naming.labels

    @property
    def _looks_again(self) -> bool:
        return self.settings.combine == "look"

    @property
    def _several(self) -> bool:
        return self.settings.max_objects > 1

    def _slide(self, photos: Sequence[Photo]) -> list[Windows]:
        """Return the windows of each photo that pass, at all scales or up to the first with any."""
        found = [NO_WINDOWS] * len(photos)
        for scale in self._scales:
            left = [
                n for n in range(len(photos)) if not (self._until_found and len(found[n].boxes))
            ]
            seen = self._see([self._whole(photos[n], scale) for n in left])
            for n, windows in zip(left, seen, strict=True):
                passed = windows.chosen(windows.weights >= self._proposing)
                found[n] = Windows.together([found[n], passed])
        return found

    def _whole(self, photo: Photo, scale: float) -> View:
        return View(photo, photo.whole, *_scaled(photo, scale, self._viewer.size))

    def _see(self, views: Sequence[View]) -> list[Windows]:
        """Return the windows of views; where one object is wanted, all names are of the same."""
        seen = self._viewer.see(views)
        return seen if self._several else [windows.unnamed() for windows in seen]

    def _combined(self, windows: Windows) -> list[Cluster]:
        boxes, weights, labels = windows
        if not len(weights):
            return []
        ways = {"mean": mean_box, "median": median_box, "weighted": weighted_box}
        if way := ways.get(self.settings.combine):
            return [Cluster(way(boxes, weights), float(weights.max()), float(weights.sum()))]
        return cluster_boxes(boxes, weights, self.settings.max_objects + 1, labels)

    def _look(self, photos: Sequence[Photo], found: list[list[Cluster]], look: Look) -> None:
        """Move the objects found in photos to where they are seen from close by."""
        views = [
            self._close(photo, cluster, margin, mirror)
            for photo, clusters in zip(photos, found, strict=True)
            for cluster in clusters
            for margin, mirror in look
        ]
        seen = iter(self._see(views))
        for number, clusters in enumerate(found):
            windows = [Windows.together(next(seen) for _ in look) for _ in clusters]
            moved = [_moved(*both) for both in zip(clusters, windows, strict=True)]
            found[number] = _merged(moved) if moved else []

    def _close(self, photo: Photo, cluster: Cluster, margin: float, mirror: bool) -> View:
        region = enlarge(_box(cluster.box), margin, photo.width, photo.height)
        return View(photo, _whole_pixels(region), self._viewer.size, self._viewer.size, mirror)

    def _kept(self, photo: Photo, found: list[Cluster]) -> list[Located]:
        located = [(clip(_box(c.box), photo.width, photo.height), c.score) for c in found]
        label = self.label
        objects = [Located(b, min(1.0, score), label) for b, score in located if b is not None]
        if self._judge is not None:
            objects = [self._judged(photo, found, self._judge) for found in objects]
        sure = [o for o in distinct(objects) if o.score >= self.threshold_of(o.label)]
        return surest(sure, self.settings.max_objects)

    def _judged(self, photo: Photo, found: Located, judge: Judge) -> Located:
        """Return an object with the probability and the label that last close looks give it."""
        around = Cluster(np.array(found.box), found.score, 0.0)
        look = VERIFIED if judge.naming is None else NAMED
        views = [self._close(photo, around, margin, mirror) for margin, mirror in look]
        pictures = np.stack([view.pixels() for view in views])
        seen = judge.judge(self.encoder.network.rows(pictures, judge.odds))
        score = found.score if seen.score is None else seen.score
        return Located(found.box, score, seen.label or found.label, seen.label_score)


def scales_to_search(boxes: dict[str, Any], scales: tuple[float, ...]) -> tuple[float, ...]:
    """Return the scales at which several objects are looked for, by the settings of boxes' nets.

    Those of the effort, unless the objects learned were small: then such that all of them, but for
    the smallest and the largest twentieth, fill a window as the nets know it.
    """
    sizes = boxes.get("sizes")
    if not isinstance(sizes, list) or len(sizes) != 3 or not all(map(_is_size, sizes)):
        return scales  # of an older tv, or of a stranger
    smallest = FILLED / LARGEST_SCALE
    least, middle, most = sorted(min(max(size, smallest), 1.0) for size in sizes)
    if middle >= FILLED / 2:
        return scales
    first, last = FILLED / most, FILLED / least
    steps = math.ceil(math.log(last / first) / math.log(STEP))
    return tuple(first * (last / first) ** (n / max(1, steps)) for n in range(steps + 1))


def surest(objects: Sequence[Located], most: int) -> list[Located]:
    """Return at most so many objects, by falling score.

    Of equal scores the first stays first, so that what has most support goes before.
    """
    return sorted(objects, key=lambda found: -found.score)[:most]


def _is_size(value: Any) -> bool:
    return isinstance(value, int | float) and value >= 0  # NaN is not


def distinct(objects: Sequence[Located]) -> list[Located]:
    """Return objects without those that overlap a surer one of their label: the surest first.

    Non-maximum suppression; objects of different labels do not suppress each other.
    """
    kept: list[Located] = []
    for found in sorted(objects, key=lambda found: -found.score):
        if all(o.label != found.label or iou(o.box, found.box) < SAME_OBJECT for o in kept):
            kept.append(found)
    return kept


def _moved(cluster: Cluster, seen: Windows) -> Cluster:
    """Return an object where its views say that it is, and what most of them take it for."""
    box, score = median_box(seen.boxes, seen.weights), float(seen.weights.mean())
    return Cluster(box, score, cluster.support, int(np.bincount(seen.labels).argmax()))


def _merged(looked: list[Cluster]) -> list[Cluster]:
    """Return objects with those merged that turned out to be one."""
    supports = np.array([cluster.support * cluster.score for cluster in looked])
    boxes = np.stack([cluster.box for cluster in looked])
    labels = np.array([cluster.label for cluster in looked])
    found = cluster_boxes(boxes, supports + 1e-12, len(looked), labels)
    return [_with_score(cluster, looked) for cluster in found]


def _with_score(cluster: Cluster, looked: list[Cluster]) -> Cluster:
    """Return a merged cluster with the best score of those it was merged from."""
    near = pairwise_iou(cluster.box[None], np.stack([c.box for c in looked]))[0] >= SAME_OBJECT
    alike = [c.score for c, n in zip(looked, near, strict=True) if n and c.label == cluster.label]
    return replace(cluster, score=max(alike, default=0.0))


def _scaled(photo: Photo, scale: float, size: int) -> tuple[int, int]:
    """Return the width and height in pixels at which a photo is encoded at a scale."""
    if scale == 0:
        return size, size
    ratio = min(max(photo.width / photo.height, 1 / LONGEST), LONGEST)
    side = max(size, round(size * scale))
    return (round(side * ratio), side) if ratio >= 1 else (side, round(side / ratio))


def _whole_pixels(box: Box) -> Box:
    """Return a box with its sides rounded: what float32 leaves open must not move what is seen."""
    x0, y0, x1, y1 = map(round, box)
    return float(x0), float(y0), float(x1), float(y1)


def _box(values: npt.NDArray[np.float64]) -> Box:
    x0, y0, x1, y1 = (float(value) for value in values)
    return x0, y0, max(x1, x0 + SMALLEST), max(y1, y0 + SMALLEST)
