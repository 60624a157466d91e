"""Locating: a photo in, boxes of the object out."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tvcli.core.boxes import Box, clip
from tvcli.core.encoding.encoder import Encoder
from tvcli.core.images.photo import Photo, resize_photo, view
from tvcli.core.location.basis import weakness
from tvcli.core.location.box_fusion import (
    SAME_OBJECT,
    Boxes,
    Cluster,
    Weights,
    cluster_boxes,
    mean_box,
    median_box,
    pairwise_iou,
    weighted_box,
)
from tvcli.core.location.crops import enlarge
from tvcli.core.location.cropset import mirrored
from tvcli.core.location.location_heads import LoadedHead

Combine = Literal["mean", "median", "weighted", "cluster", "look"]

MARGINS = (1.25, 1.6)  # what a look sees, in sides of the box looked at
LOOKS = 2  # one after another
LONGEST = 4.0  # width over height, or the reverse, beyond which a photo is squeezed
SMALLEST = 8.0  # pixels: a box less wide or high is not looked at


@dataclass(frozen=True, slots=True)
class LocateSettings:
    """How objects are looked for.

    `scales`: short sides of the photo in sizes of the window, 0 the whole photo squashed into one;
    `threshold` None: the classifier's own. `looks` is how often a box found is looked at again.
    """

    threshold: float | None = None
    scales: tuple[float, ...] = (0.0, 1.0, 2.0)
    combine: Combine = "look"
    max_objects: int = 1
    looks: int = LOOKS


@dataclass(frozen=True, slots=True)
class Located:
    """A box found, in pixels of the photo, and the classifier's probability for it."""

    box: Box
    score: float


class Locator:
    """Finds objects with a classifier and boxes' nets that slide over the photo's maps."""

    def __init__(
        self,
        encoder: Encoder,
        classifier: LoadedHead,
        boxes: LoadedHead,
        settings: LocateSettings | None = None,
    ) -> None:
        self.encoder, self.settings = encoder, settings or LocateSettings()
        self._classifier, self._boxes = classifier, boxes
        device = encoder.backbone.device
        self._stride = encoder.backbone.geometry.stride  # found here: tracing is not for threads
        for head in (classifier, boxes):
            head.reduction.to(device)
            head.net.to(device)
        own = float(classifier.file.settings["threshold"])
        self.threshold = own if self.settings.threshold is None else self.settings.threshold

    @property
    def record(self) -> dict[str, Any]:
        """What must be the same for its detections to belong together, as JSON can hold it."""
        settings = {**asdict(self.settings), "threshold": self.threshold}
        heads = {"classifier": self._classifier.file.digest, "boxes": self._boxes.file.digest}
        return {"encoder": self._boxes.file.settings["encoder"], **settings, **heads}

    @property
    def weakness(self) -> str:
        """What makes its classifier weak, in words; empty if nothing is known to."""
        return weakness(self._classifier.file.settings)

    @property
    def label(self) -> str:
        """What the boxes' nets learned to find, if it had one label; else empty."""
        labels = self._boxes.file.settings.get("labels", [])
        return str(labels[0]) if len(labels) == 1 else ""

    @torch.inference_mode()
    def locate(self, photo: Photo) -> list[Located]:
        """Return the objects of a photo, the surest first; none if no window passes.

        Every scale is encoded once and both heads slide over its map; windows that the classifier
        takes for background are dropped, and the boxes of the rest combined (OverFeat, Sermanet et
        al. 2014, sections 3.3 and 4). With `look` the boxes found are then looked at again from
        close by, in several views, and moved to the median of what these say.
        """
        boxes, weights = self.windows(photo)
        kept = weights >= self.threshold
        if not kept.any():
            return []
        found = self._combined(boxes[kept], weights[kept])
        if self.settings.combine == "look":
            for _ in range(self.settings.looks):
                found = self._look_again(photo, found)
            found = [cluster for cluster in found if cluster.score >= self.threshold]
        located = [(clip(_box(c.box), photo.width, photo.height), c.score) for c in found]
        objects = [Located(box, min(1.0, score)) for box, score in located if box is not None]
        return objects[: self.settings.max_objects]

    @torch.inference_mode()
    def windows(self, photo: Photo) -> tuple[Boxes, Weights]:
        """Return the boxes (N, 4) of all windows at all scales, and their probabilities (N,)."""
        found = [self._at_scale(photo, scale) for scale in self.settings.scales]
        return np.concatenate([b for b, _ in found]), np.concatenate([w for _, w in found])

    def _at_scale(self, photo: Photo, scale: float) -> tuple[Boxes, Weights]:
        width, height = _scaled(photo, scale, self.encoder.settings.size)
        pixels = torch.from_numpy(resize_photo(photo, width, height)[None].copy())
        maps = self.encoder.backbone(pixels)  # (1, C, h, w)
        boxes, weights = self._answers(maps)  # (1, 4, h', w'), (1, h', w')
        regions = self._regions(boxes.shape[2], boxes.shape[3], photo, width, height)
        relative = boxes[0].permute(1, 2, 0).reshape(-1, 4).double().cpu().numpy()
        return _placed(relative, regions), weights.flatten().double().cpu().numpy()

    def _answers(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Return relative boxes (N, 4, h', w') and probabilities (N, h', w') of maps' windows."""
        odds = self._classifier.net(self._classifier.reduction(maps))
        boxes = self._boxes.net(self._boxes.reduction(maps))
        return boxes, odds.sigmoid()

    def _regions(self, rows: int, columns: int, photo: Photo, width: int, height: int) -> Boxes:
        """Return the windows (N, 4) in pixels of the photo."""
        size = self.encoder.settings.size
        tops, lefts = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
        starts = np.stack([lefts.ravel(), tops.ravel()], 1) * float(self._stride)  # (N, 2)
        scale = np.array([photo.width / width, photo.height / height])
        return np.concatenate([starts * scale, (starts + size) * scale], 1)

    def _combined(self, boxes: Boxes, weights: Weights) -> list[Cluster]:
        ways = {"mean": mean_box, "median": median_box, "weighted": weighted_box}
        if way := ways.get(self.settings.combine):
            return [Cluster(way(boxes, weights), float(weights.max()), float(weights.sum()))]
        return cluster_boxes(boxes, weights, self.settings.max_objects + 1)

    def _look_again(self, photo: Photo, found: list[Cluster]) -> list[Cluster]:
        """Return the objects as they are seen from close by; what turns out to be one is merged."""
        crops = [
            enlarge(_box(cluster.box), margin, photo.width, photo.height)
            for cluster in found
            for margin in MARGINS
        ]
        boxes, weights = self._look(photo, crops)
        looked = []
        for number, cluster in enumerate(found):
            rows = slice(number * len(MARGINS) * 2, (number + 1) * len(MARGINS) * 2)
            score = float(weights[rows].mean())
            looked.append(Cluster(np.median(boxes[rows], axis=0), score, cluster.support))
        supports = np.array([cluster.support * cluster.score for cluster in looked])
        merged = cluster_boxes(
            np.stack([cluster.box for cluster in looked]), supports + 1e-12, len(looked)
        )
        return [_with_score(cluster, looked) for cluster in merged]

    def _look(self, photo: Photo, crops: list[Box]) -> tuple[Boxes, Weights]:
        """Return what crops and their mirrors show: boxes (2N, 4) in the photo, and weights."""
        size = self.encoder.settings.size
        views = [view(photo, crop, size, "squash", flip=f) for crop in crops for f in (False, True)]
        boxes, weights = self._answers(self.encoder.backbone(torch.from_numpy(np.stack(views))))
        relative = boxes[:, :, 0, 0]
        relative[1::2] = mirrored(relative[1::2])
        regions = np.repeat(np.array(crops), 2, axis=0)
        return _placed(relative.double().cpu().numpy(), regions), weights[
            :, 0, 0
        ].double().cpu().numpy()


def _with_score(cluster: Cluster, looked: list[Cluster]) -> Cluster:
    """Return a merged cluster with the best score of those it was merged from."""
    near = pairwise_iou(cluster.box[None], np.stack([c.box for c in looked]))[0] >= SAME_OBJECT
    score = max((c.score for c, n in zip(looked, near, strict=True) if n), default=0.0)
    return Cluster(cluster.box, score, cluster.support)


def _scaled(photo: Photo, scale: float, size: int) -> tuple[int, int]:
    """Return the width and height in pixels at which a photo is encoded at a scale."""
    if scale == 0:
        return size, size
    ratio = min(max(photo.width / photo.height, 1 / LONGEST), LONGEST)
    side = max(size, round(size * scale))
    return (round(side * ratio), side) if ratio >= 1 else (side, round(side / ratio))


def _placed(relative: Boxes, regions: Boxes) -> Boxes:
    """Return boxes relative to regions, (N, 4) both, in the pixels of the regions."""
    sides = regions[:, 2:] - regions[:, :2]  # (N, 2)
    corners = regions[:, [0, 1, 0, 1]] + relative * np.tile(sides, 2)
    low = np.minimum(corners[:, :2], corners[:, 2:] - 1)  # an inverted answer becomes a thin box
    return np.concatenate([low, corners[:, 2:]], 1)


def _box(values: npt.NDArray[np.float64]) -> Box:
    x0, y0, x1, y1 = (float(value) for value in values)
    return x0, y0, max(x1, x0 + SMALLEST), max(y1, y0 + SMALLEST)
