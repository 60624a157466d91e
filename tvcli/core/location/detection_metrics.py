"""How good located boxes are: IoU photo by photo, and average precision as COCO defines it."""

import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.errors import BadInput
from tvcli.core.location.combine import pairwise_iou
from tvcli.core.records import read_record_file, region_from_record

Floats = npt.NDArray[np.float64]

THRESHOLDS = np.linspace(0.5, 0.95, 10)  # of IoU
RECALLS = np.linspace(0, 1, 101)  # where COCO reads the precision
MOST = 100  # detections of a label in a photo that count
FOUND = 0.5  # IoU from which an object counts as found


@dataclass(slots=True)
class Boxes:
    """Boxes of one label in one photo: (N, 4) float64 in pixels, and scores (N,) if detected."""

    boxes: list[tuple[float, ...]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    @property
    def array(self) -> Floats:
        """The boxes as (N, 4)."""
        return np.array(self.boxes, np.float64).reshape(-1, 4)


Labelled = dict[str, dict[str, Boxes]]  # label -> photo -> boxes
Curve = tuple[list[float], list[float]]  # recalls, precisions


def read_boxes(path: Path) -> tuple[Labelled, set[str]]:
    """Return the boxes of a file of records by label and photo, and the photos it names.

    Photos are known by their absolute path, so files in different folders agree.

    Raises:
        BadInput: not records, or a box that is none; the message gives file and line.
    """
    found: Labelled = defaultdict(lambda: defaultdict(Boxes))
    photos = set()
    for record, where in read_record_file(path):
        region = region_from_record(record, where)
        photo = os.path.abspath(path.parent / region.image)  # noqa: PTH100 - keeps links
        photos.add(photo)
        if region.box is not None:
            score = record.get("score", 1.0)
            if not isinstance(score, int | float):
                raise BadInput(f'{where}: "score" must be a number')
            found[region.label][photo].boxes.append(region.box)
            found[region.label][photo].scores.append(float(score))
    return found, photos


def evaluate(located: Path, truth: Path) -> tuple[dict[str, Any], dict[str, Curve]]:
    """Return the measures of detections against the truth, over all and per label, and PR curves.

    Photos count if the truth names them. Where no detection has a label, labels do not matter.
    - `mean_iou`, `median_iou`, `above_0.5`, `above_0.7`: over the true objects, each with the best
      detection it was matched with one to one (0 if missed);
    - `ap_50`, `ap_50_95`: COCO's average precision, the mean over labels;
    - `missed`, `spurious`: objects and detections without a partner at IoU 0.5.

    Raises:
        BadInput: no boxes in the truth, or not one photo in common.
    """
    (found, seen), (true, photos) = read_boxes(located), read_boxes(truth)
    if not true:
        raise BadInput(f"{truth}: no boxes")
    if seen and not seen & photos:
        raise BadInput(f"{located}: names none of the photos of {truth}")
    found = {name: _within(of, photos) for name, of in found.items()}
    if set(found) <= {""}:
        return _evaluate_unlabelled(found.get("", {}), true)
    labels = {name: _measure(found.get(name, {}), true[name]) for name in sorted(true)}
    strangers = [of for name, of in found.items() if name not in true]
    unknown = sum(len(boxes.boxes) for of in strangers for boxes in of.values())
    curves = {name: precision_recall(found.get(name, {}), true[name], FOUND) for name in true}
    return _result(_merged(labels, unknown), labels, curves)


def _evaluate_unlabelled(
    found: dict[str, Boxes], true: Labelled
) -> tuple[dict[str, Any], dict[str, Curve]]:
    """Measure detections without labels: those of a label are all in the photos that have it."""
    every: dict[str, Boxes] = defaultdict(Boxes)
    for of in true.values():
        for photo, boxes in of.items():
            every[photo].boxes += boxes.boxes
            every[photo].scores += boxes.scores
    labels = {n: _measure(_within(found, set(true[n])), true[n]) for n in sorted(true)}
    curves = {"all": precision_recall(found, every, FOUND)}
    return _result(_measure(found, every), labels, curves)


def _within(found: dict[str, Boxes], photos: set[str]) -> dict[str, Boxes]:
    return {photo: boxes for photo, boxes in found.items() if photo in photos}


def _result(
    overall: dict[str, Any],
    labels: dict[str, dict[str, Any]],
    curves: dict[str, tuple[Floats, Floats]],
) -> tuple[dict[str, Any], dict[str, Curve]]:
    measures = _public(overall)
    measures["labels"] = {name: _public(of) for name, of in labels.items()}
    return measures, {name: (r.tolist(), p.tolist()) for name, (r, p) in curves.items()}


def average_precision(found: dict[str, Boxes], true: dict[str, Boxes], threshold: float) -> float:
    """Return COCO's average precision of one label at an IoU threshold.

    The precision, made to fall, at 101 recalls from 0 to 1 (Lin et al., 2014; pycocotools).
    """
    recalls, precisions = precision_recall(found, true, threshold)
    falling = np.maximum.accumulate(precisions[::-1])[::-1]
    places = np.searchsorted(recalls, RECALLS, side="left")
    return float(np.mean([falling[p] if p < len(falling) else 0.0 for p in places]))


def precision_recall(
    found: dict[str, Boxes], true: dict[str, Boxes], threshold: float
) -> tuple[Floats, Floats]:
    """Return recalls (M,) and precisions (M,) after each of M detections, the surest first."""
    scores: list[float] = []
    right: list[bool] = []
    for photo in sorted(set(found) | set(true)):
        boxes, kept = _ranked(found.get(photo, Boxes()))
        partners, _ = _match(boxes, true.get(photo, Boxes()).array, threshold)
        scores += kept
        right += [partner >= 0 for partner in partners]
    order = np.argsort(-np.array(scores, np.float64), kind="mergesort")
    hits = np.array(right, np.float64)[order].cumsum()
    total = sum(len(boxes.boxes) for boxes in true.values())
    return hits / max(1, total), hits / np.arange(1, len(hits) + 1)


def _ranked(boxes: Boxes) -> tuple[Floats, list[float]]:
    order = np.argsort(-np.array(boxes.scores, np.float64), kind="mergesort")[:MOST]
    return boxes.array[order], [boxes.scores[place] for place in order]


def _match(found: Floats, true: Floats, threshold: float) -> tuple[list[int], list[float]]:
    """Return for each detection, surest first, the true box it takes (-1: none) and their IoU."""
    overlaps = pairwise_iou(found, true)  # (N, M)
    free = np.ones(len(true), bool)
    partners, values = [], []
    for row in overlaps:
        open_to = np.where(free & (row >= min(threshold, 1 - 1e-10)), row, -1.0)
        best = len(open_to) - 1 - int(open_to[::-1].argmax()) if len(open_to) else -1
        taken = best >= 0 and open_to[best] >= 0
        partners.append(best if taken else -1)
        values.append(float(row[best]) if taken else 0.0)
        if taken:
            free[best] = False
    return partners, values


def _measure(found: dict[str, Boxes], true: dict[str, Boxes]) -> dict[str, Any]:
    ious: list[float] = []
    missed = spurious = 0
    inside = {photo: boxes for photo, boxes in found.items() if photo in true}
    for photo, boxes in true.items():
        detected, _ = _ranked(inside.get(photo, Boxes()))
        partners, values = _match(detected, boxes.array, 1e-9)
        ious += values_of_truth(partners, values, len(boxes.boxes))
        good = sum(value >= FOUND for value in values)
        missed += len(boxes.boxes) - good
        spurious += len(partners) - good
    spurious += sum(len(b.boxes) for photo, b in found.items() if photo not in true)
    aps = [average_precision(found, true, threshold) for threshold in THRESHOLDS]
    return {"ious": ious, "aps": aps, "missed": missed, "spurious": spurious}


def values_of_truth(partners: list[int], values: list[float], count: int) -> list[float]:
    """Return the IoU of every one of `count` true boxes with its detection, 0 where it has none."""
    found = [0.0] * count
    for partner, value in zip(partners, values, strict=True):
        if partner >= 0:
            found[partner] = value
    return found


def _merged(labels: dict[str, dict[str, Any]], unknown: int) -> dict[str, Any]:
    """Return the measures over all labels; `unknown` detections have labels without truth."""
    return {
        "ious": [value for measures in labels.values() for value in measures["ious"]],
        "aps": np.mean([measures["aps"] for measures in labels.values()], axis=0).tolist(),
        "missed": sum(measures["missed"] for measures in labels.values()),
        "spurious": sum(measures["spurious"] for measures in labels.values()) + unknown,
    }


def _public(measures: dict[str, Any]) -> dict[str, Any]:
    ious = np.array(measures["ious"])
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
