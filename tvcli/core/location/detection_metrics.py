"""How good located boxes are: two files compared, over all and per label."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.errors import BadInput
from tvcli.core.location.detection_matching import Boxes, Curve, DetectionMatching, best_threshold
from tvcli.core.location.paired_boxes import Detections, Labelled, paired


def evaluate(located: Path, truth: Path) -> tuple[dict[str, Any], dict[str, Curve]]:
    """Return the measures of detections against the truth, over all and per label, and PR curves.

    Photos count if the truth names them, and are known by their absolute path, so files in
    different folders agree. Where no detection has a label, labels do not matter.
    - `mean_iou`, `median_iou`, `above_0.5`, `above_0.7`: over the true objects, each with the best
      detection it was matched with one to one (0 if missed);
    - `ap_50`, `ap_50_95`: COCO's average precision, the mean over labels;
    - `missed`, `spurious`: objects and detections without a partner at IoU 0.5;
    - `best_threshold`, `best_f1`: the score from which detections are best kept, at IoU 0.5, and
      F1 if they are. Over all labels it is one threshold for all.

    In memory are the boxes of one photo and a `DetectionMatching` for each label.

    Raises:
        BadInput: not records, a box that is none, no boxes in the truth, or not one photo in
            common.
    """
    detections, whole = Detections(located), DetectionMatching()
    tallies: defaultdict[str, DetectionMatching] = defaultdict(DetectionMatching)
    for found, true in paired(detections, truth):
        if detections.labelled:
            for label in found.keys() | true.keys():
                tallies[label].add(found.get(label, Boxes()), true.get(label, Boxes()))
        else:  # those of a label are then all in the photos that have it
            whole.add(found.get("", Boxes()), _together(true))
            for label in true:
                tallies[label].add(found.get("", Boxes()), true[label])
    labels = {name: matching for name, matching in sorted(tallies.items()) if len(matching.ious)}
    if not labels:
        raise BadInput(f"{truth}: no boxes")
    if detections.any and not detections.shared:
        raise BadInput(f"{located}: names none of the photos of {truth}")
    each = {name: _measures(matching) for name, matching in labels.items()}
    if detections.labelled:
        unknown = sum(matching.spurious for name, matching in tallies.items() if name not in labels)
        overall, shown = _merged(each, unknown), labels
        overall["best"] = best_threshold(list(tallies.values()))
    else:
        overall, shown = _measures(whole), {"all": whole}
    curves = {name: next(matching.curves()) for name, matching in shown.items()}
    return _public(overall) | {"labels": {n: _public(m) for n, m in each.items()}}, curves


def _together(labelled: Labelled) -> Boxes:
    boxes = [box for of in labelled.values() for box in of.boxes]
    return Boxes(boxes, [1.0] * len(boxes))


def _measures(matching: DetectionMatching) -> dict[str, Any]:
    counts = {"missed": matching.missed, "spurious": matching.spurious}
    best = best_threshold([matching])
    return {"ious": matching.ious, "aps": matching.precisions(), "best": best} | counts


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
        "best_f1": round(measures["best"][1], 4),
        "best_threshold": measures["best"][0],  # rounded up, it would drop the box that has it
    }
