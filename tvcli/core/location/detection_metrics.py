"""How good located boxes are: IoU photo by photo, and average precision as COCO defines it."""

import os
from array import array
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.errors import BadInput
from tvcli.core.location.combine import pairwise_iou
from tvcli.core.records import Record, read_record_file, region_from_record
from tvcli.core.spool import in_order_of

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


Labelled = dict[str, Boxes]  # of one photo, by label


class Tally:
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

    def precisions(self) -> list[float]:
        """Return the average precision at each threshold."""
        return [average_precision(*curve) for curve in self.curves()]


def evaluate(located: Path, truth: Path) -> tuple[dict[str, Any], dict[str, Curve]]:
    """Return the measures of detections against the truth, over all and per label, and PR curves.

    Photos count if the truth names them, and are known by their absolute path, so files in
    different folders agree. Where no detection has a label, labels do not matter.
    - `mean_iou`, `median_iou`, `above_0.5`, `above_0.7`: over the true objects, each with the best
      detection it was matched with one to one (0 if missed);
    - `ap_50`, `ap_50_95`: COCO's average precision, the mean over labels;
    - `missed`, `spurious`: objects and detections without a partner at IoU 0.5.

    In memory are the boxes of one photo and a `Tally` for each label.

    Raises:
        BadInput: not records, a box that is none, no boxes in the truth, or not one photo in
            common.
    """
    detections, whole = _Detections(located), Tally()
    tallies: defaultdict[str, Tally] = defaultdict(Tally)
    for found, true in paired(detections, truth):
        if detections.labelled:
            for label in found.keys() | true.keys():
                tallies[label].add(found.get(label, Boxes()), true.get(label, Boxes()))
        else:  # those of a label are then all in the photos that have it
            whole.add(found.get("", Boxes()), _together(true))
            for label in true:
                tallies[label].add(found.get("", Boxes()), true[label])
    labels = {name: tally for name, tally in sorted(tallies.items()) if len(tally.ious)}
    if not labels:
        raise BadInput(f"{truth}: no boxes")
    if detections.any and not detections.shared:
        raise BadInput(f"{located}: names none of the photos of {truth}")
    each = {name: _measures(tally) for name, tally in labels.items()}
    if detections.labelled:
        unknown = sum(tally.spurious for name, tally in tallies.items() if name not in labels)
        overall, shown = _merged(each, unknown), labels
    else:
        overall, shown = _measures(whole), {"all": whole}
    curves = {name: next(tally.curves()) for name, tally in shown.items()}
    return _public(overall) | {"labels": {n: _public(m) for n, m in each.items()}}, curves


@dataclass(slots=True)
class _Detections:
    """A file of detections, and what turned out when it was read."""

    path: Path
    any: bool = False
    labelled: bool = False
    shared: bool = False  # a photo of it is one of the truth's

    def __iter__(self) -> Iterator[Record]:
        for record in _flat(self.path, true=False):
            self.any = True
            self.labelled |= bool(record["box"] and record["label"])
            yield record


def paired(detections: _Detections, truth: Path) -> Iterator[tuple[Labelled, Labelled]]:
    """Yield the detections and the true boxes of each photo that the truth names, by label.

    Both files are sorted by photo first, so all has been read when the first photo comes.
    """
    every = chain(detections, _flat(truth, true=True))
    ordered = in_order_of(every, key=lambda record: record["photo"])
    for _, group in groupby(ordered, key=lambda record: record["photo"]):
        sides: tuple[Labelled, Labelled] = {}, {}
        named = [False, False]
        for record in group:
            named[record["true"]] = True
            if record["box"] is not None:
                boxes = sides[record["true"]].setdefault(record["label"], Boxes())
                boxes.boxes.append(record["box"])
                boxes.scores.append(record["score"])
        detections.shared |= all(named)
        if named[True]:
            yield sides


def _flat(path: Path, *, true: bool) -> Iterator[Record]:
    for record, where in read_record_file(path):
        region, score = region_from_record(record, where), record.get("score", 1.0)
        if not isinstance(score, int | float):
            raise BadInput(f'{where}: "score" must be a number')
        photo = os.path.abspath(path.parent / region.image)  # noqa: PTH100 - keeps links
        about: Record = {"photo": photo, "true": true, "label": region.label}
        yield about | {"box": region.box, "score": float(score)}


def _together(labelled: Labelled) -> Boxes:
    boxes = [box for of in labelled.values() for box in of.boxes]
    return Boxes(boxes, [1.0] * len(boxes))


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


def average_precision(recalls: Floats, precisions: Floats) -> float:
    """Return COCO's average precision of a label.

    The precision, made to fall, at 101 recalls from 0 to 1 (Lin et al., 2014; pycocotools).
    """
    falling = np.maximum.accumulate(precisions[::-1])[::-1]
    places = np.searchsorted(recalls, RECALLS, side="left")
    return float(np.mean([falling[p] if p < len(falling) else 0.0 for p in places]))


def _measures(tally: Tally) -> dict[str, Any]:
    counts = {"missed": tally.missed, "spurious": tally.spurious}
    return {"ious": tally.ious, "aps": tally.precisions()} | counts


def _merged(labels: dict[str, dict[str, Any]], unknown: int) -> dict[str, Any]:
    """Return the measures over all labels; `unknown` detections have labels without truth."""
    return {
        "ious": np.concatenate([measures["ious"] for measures in labels.values()]),
        "aps": np.mean([measures["aps"] for measures in labels.values()], axis=0).tolist(),
        "missed": sum(measures["missed"] for measures in labels.values()),
        "spurious": sum(measures["spurious"] for measures in labels.values()) + unknown,
    }


def _public(measures: dict[str, Any]) -> dict[str, Any]:
    ious = measures["ious"]
    return {
        "objects": len(ious),
        "mean_iou": round(float(ious.mean()), 4),
        "median_iou": round(float(np.median(ious)), 4),
        "above_0.5": round(float((ious >= 0.5).mean()), 4),
        "above_0.7": round(float((ious >= 0.7).mean()), 4),
        "ap_50": round(measures["aps"][0], 4),
        "ap_50_95": round(float(np.mean(measures["aps"])), 4),
        "missed": measures["missed"],
        "spurious": measures["spurious"],
    }
