"""Detections matched with the truth: IoU, and average precision as COCO defines it."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tvcli.core.location.box_fusion import pairwise_iou

Floats = npt.NDArray[np.float64]
Curve = tuple[Floats, Floats]  # recalls, precisions

THRESHOLDS = np.linspace(0.5, 0.95, 10)  # of IoU
RECALLS = np.linspace(0, 1, 101)  # where COCO reads the precision
MOST = 100  # detections of a label in a photo that count
FOUND = 0.5  # IoU from which an object counts as found
# What is matched at, (T, 1): any overlap at all for the IoU of each object, then each threshold.
LEVELS = np.minimum([1e-9, *THRESHOLDS], 1 - 1e-10)[:, None]


@dataclass(slots=True)
class Boxes:
    """Boxes in one photo, in pixels, with their scores."""

    boxes: list[tuple[float, ...]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    def ranked(self) -> tuple[Floats, Floats]:
        """Return the `MOST` surest boxes (N, 4) and their scores (N,), the surest first."""
        scores = np.array(self.scores, np.float64)
        order = np.argsort(-scores, kind="mergesort")[:MOST]
        return self.array[order], scores[order]

    @property
    def array(self) -> Floats:
        """The boxes as (N, 4)."""
        return np.array(self.boxes, np.float64).reshape(-1, 4)


class DetectionMatching:
    """What is kept of detections matched with the truth, photo by photo: numbers alone.

    Of each true box the IoU with the detection it was matched with one to one, 0 if missed; of
    each detection its score, and whether it was right at each threshold: 26 bytes for both.
    """

    def __init__(self) -> None:
        self.missed = self.spurious = 0
        self._ious, self._scores, self._right = array("d"), array("d"), bytearray()

    def add(self, found: Boxes, true: Boxes) -> None:
        """Match the detections of a photo with its true boxes."""
        boxes, scores = found.ranked()
        partners, overlaps = match(boxes, true.array)
        self._scores.frombytes(scores.tobytes())
        self._right += (partners[:, 1:] >= 0).tobytes()
        ious = np.zeros(len(true.boxes))
        rows = np.flatnonzero(partners[:, 0] >= 0)
        ious[partners[rows, 0]] = overlaps[rows, partners[rows, 0]]
        self._ious.frombytes(ious.tobytes())
        good = int((ious >= FOUND).sum())
        self.missed += len(ious) - good
        self.spurious += (len(boxes) if len(ious) else len(found.boxes)) - good

    @property
    def ious(self) -> Floats:
        """The IoU of every true box: (M,)."""
        return np.array(self._ious, np.float64)

    def curves(self) -> Iterator[Curve]:
        """Yield at each threshold recalls and precisions after each detection, the surest first."""
        order = np.argsort(-np.array(self._scores, np.float64), kind="mergesort")
        right = np.frombuffer(bytes(self._right), np.bool_).reshape(-1, len(THRESHOLDS))
        for column in right.T:
            hits = column[order].cumsum()
            yield hits / max(1, len(self._ious)), hits / np.arange(1, len(hits) + 1)

    def scored(self) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """Return the score of each detection (N,), and whether it is right at IoU 0.5 (N,)."""
        right = np.frombuffer(bytes(self._right), np.bool_).reshape(-1, len(THRESHOLDS))
        return np.array(self._scores, np.float64), right[:, 0]

    def precisions(self) -> list[float]:
        """Return the average precision at each threshold."""
        return [average_precision(*curve) for curve in self.curves()]


def match(found: Floats, true: Floats) -> tuple[npt.NDArray[np.intp], Floats]:
    """Return for each detection, surest first, the true box it takes at each of `LEVELS`.

    (N, T), -1: none; and the IoUs (N, M) of all. Of equally good ones the last is taken, as
    pycocotools does.
    """
    overlaps = pairwise_iou(found, true)  # (N, M)
    every, last = np.arange(len(LEVELS)), len(true) - 1
    free = np.ones((len(LEVELS), len(true)), bool)
    partners = np.full((len(found), len(LEVELS)), -1, np.intp)
    for place, row in enumerate(overlaps):
        if last < 0 or row.max() < LEVELS[0]:
            continue
        open_to = np.where(free & (row >= LEVELS), row, -1.0)  # (T, M)
        best = last - open_to[:, ::-1].argmax(axis=1)
        taken = open_to[every, best] >= 0
        partners[place, taken] = best[taken]
        free[every[taken], best[taken]] = False
    return partners, overlaps


def best_threshold(matchings: Sequence[DetectionMatching]) -> tuple[float, float]:
    """Return the score from which detections are best kept, and F1 at IoU 0.5 if they are.

    F1 is 2 right / (kept + true boxes), over all matchings together. Of equally good thresholds the
    highest is returned; without a right detection 1 and 0.
    """
    scored = [matching.scored() for matching in matchings]
    scores, right = (np.concatenate(parts) for parts in zip(*scored, strict=True))
    if not right.any():
        return 1.0, 0.0
    order = np.argsort(-scores, kind="mergesort")
    ranked, hits = scores[order], right[order].cumsum()
    kept = np.arange(1, len(ranked) + 1)
    f1 = 2 * hits / (kept + sum(len(matching.ious) for matching in matchings))
    last = np.append(ranked[1:] < ranked[:-1], True)  # of one score all are kept, or none
    best = int(np.where(last, f1, -1.0).argmax())
    return float(ranked[best]), float(f1[best])


def average_precision(recalls: Floats, precisions: Floats) -> float:
    """Return COCO's average precision of a label.

    The precision, made to fall, at 101 recalls from 0 to 1 (Lin et al., 2014; pycocotools).
    """
    falling = np.maximum.accumulate(precisions[::-1])[::-1]
    places = np.searchsorted(recalls, RECALLS, side="left")
    return float(np.mean([falling[p] if p < len(falling) else 0.0 for p in places]))
