import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest

from tvcli.core.boxes import iou
from tvcli.core.errors import BadInput
from tvcli.core.location.detection_matching import Boxes, DetectionMatching, best_threshold
from tvcli.core.location.detection_metrics import evaluate


def write(path: Path, records: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def drawn(rng: np.random.Generator) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Return detections and truth: some off, some missing, some too many, labels mixed up."""
    found, true = [], []
    for number in range(25):
        for _ in range(rng.integers(0, 4)):
            x, y = rng.uniform(0, 60, 2)
            box = [x, y, x + rng.uniform(5, 40), y + rng.uniform(5, 40)]
            label = str(rng.choice(["cat", "dog"]))
            true.append({"image": f"{number}.jpg", "box": box, "label": label})
            for _ in range(rng.integers(0, 3)):
                off = (np.array(box) + rng.normal(0, 3, 4)).tolist()
                if off[2] > off[0] and off[3] > off[1]:
                    score = round(float(rng.uniform()), 6)
                    about = {"image": f"{number}.jpg", "label": label, "score": score}
                    found.append({**about, "box": off})
        if rng.uniform() < 0.3:
            found.append(
                {"image": f"{number}.jpg", "box": [1, 1, 9, 9], "label": "cat", "score": 0.5}
            )
    named = {record["image"] for record in true}
    return [record for record in found if record["image"] in named], true


@pytest.mark.parametrize("seed", range(6))
def test_average_precision_is_that_of_pycocotools(tmp_path: Path, seed: int) -> None:
    pytest.importorskip("pycocotools", reason="pycocotools is not installed")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    found, true = drawn(np.random.default_rng(seed))
    images = sorted({str(record["image"]) for record in true})
    labels = sorted({str(record["label"]) for record in true})

    def item(record: dict[str, object]) -> dict[str, object]:
        x0, y0, x1, y1 = record["box"]  # type: ignore[misc]
        return {
            "image_id": images.index(str(record["image"])) + 1,
            "category_id": labels.index(str(record["label"])) + 1,
            "bbox": [x0, y0, x1 - x0, y1 - y0],
        }

    truth = {
        "images": [{"id": number} for number in range(1, len(images) + 1)],
        "categories": [{"id": number} for number in range(1, len(labels) + 1)],
        "annotations": [
            item(record) | {"id": number, "iscrowd": 0, "area": 1.0}
            for number, record in enumerate(true, 1)
        ],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        detections = [item(record) | {"score": record["score"]} for record in found]
        judge = COCOeval(coco, coco.loadRes(detections), "bbox")
        judge.params.areaRng = [[0, 1e10]]
        judge.params.areaRngLbl = ["all"]
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"][:, :, :, 0, -1]  # (thresholds, recalls, labels)
    ours, _ = evaluate(write(tmp_path / "f.jsonl", found), write(tmp_path / "t.jsonl", true))
    assert ours["ap_50"] == pytest.approx(precision[0].mean(), abs=1e-4)
    assert ours["ap_50_95"] == pytest.approx(precision.mean(), abs=1e-4)
    for place, label in enumerate(labels):
        expected = precision[:, :, place].mean()
        assert ours["labels"][label]["ap_50_95"] == pytest.approx(expected, abs=1e-4)


def test_measures_of_a_case_worked_by_hand(tmp_path: Path) -> None:
    true = [
        {"image": "a.jpg", "box": [0, 0, 10, 10], "label": "cat"},
        {"image": "b.jpg", "box": [0, 0, 10, 10], "label": "cat"},
        {"image": "c.jpg", "box": [0, 0, 10, 10], "label": "cat"},
    ]
    found = [
        {"image": "a.jpg", "box": [0, 0, 10, 8], "label": "cat", "score": 0.9},
        {"image": "b.jpg", "box": [0, 0, 10, 4], "label": "cat", "score": 0.8},
        {"image": "other.jpg", "box": [0, 0, 10, 4], "label": "cat", "score": 0.8},
    ]
    measures, curves = evaluate(
        write(tmp_path / "f.jsonl", found), write(tmp_path / "t.jsonl", true)
    )
    assert measures["mean_iou"] == pytest.approx((0.8 + 0.4 + 0) / 3, abs=1e-4)
    assert measures["above_0.7"] == pytest.approx(1 / 3, abs=1e-4)
    assert (measures["missed"], measures["spurious"]) == (2, 1)
    assert measures["ap_50"] == pytest.approx(34 / 101, abs=1e-4)
    recalls, precisions = curves["cat"]
    assert (recalls.tolist(), precisions.tolist()) == ([1 / 3, 1 / 3], [1.0, 0.5])


def test_detections_without_labels_are_matched_whatever_the_label(tmp_path: Path) -> None:
    true = [
        {"image": "a.jpg", "box": [0, 0, 10, 10], "label": "cat"},
        {"image": "b.jpg", "box": [0, 0, 10, 10], "label": "dog"},
    ]
    found = [{"image": "a.jpg", "box": [0, 0, 10, 10], "score": 0.9}]
    measures, _ = evaluate(write(tmp_path / "f.jsonl", found), write(tmp_path / "t.jsonl", true))
    assert measures["mean_iou"] == 0.5
    assert measures["labels"]["cat"]["mean_iou"] == 1.0
    assert measures["labels"]["dog"]["missed"] == 1


def test_photos_are_known_wherever_the_files_lie(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    found = write(tmp_path / "in" / "f.jsonl", [{"image": "../a.jpg", "box": [0, 0, 2, 2]}])
    true = write(tmp_path / "t.jsonl", [{"image": "a.jpg", "box": [0, 0, 2, 2], "label": "x"}])
    assert evaluate(found, true)[0]["mean_iou"] == 1.0


def test_files_of_other_photos_are_refused(tmp_path: Path) -> None:
    found = write(tmp_path / "f.jsonl", [{"image": "b.jpg", "box": [0, 0, 2, 2]}])
    true = write(tmp_path / "t.jsonl", [{"image": "a.jpg", "box": [0, 0, 2, 2]}])
    with pytest.raises(BadInput, match="names none of the photos"):
        evaluate(found, true)
    with pytest.raises(BadInput, match="no boxes"):
        evaluate(found, write(tmp_path / "e.jsonl", [{"image": "b.jpg"}]))


def test_nothing_found_is_zero() -> None:
    matching = DetectionMatching()
    matching.add(Boxes(), Boxes([(0, 0, 1, 1)], [1.0]))
    assert matching.precisions() == [0.0] * 10 and matching.ious.tolist() == [0.0]


def test_a_score_must_be_a_number(tmp_path: Path) -> None:
    path = write(tmp_path / "f.jsonl", [{"image": "b.jpg", "box": [0, 0, 2, 2], "score": "x"}])
    with pytest.raises(BadInput, match=r"f\.jsonl:1"):
        evaluate(path, path)


@pytest.mark.parametrize("labelled", [True, False])
def test_the_order_of_the_files_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, labelled: bool
) -> None:
    found, true = drawn(np.random.default_rng(7))
    if not labelled:
        found = [{**record, "label": ""} for record in found]
    expected, _ = evaluate(write(tmp_path / "f.jsonl", found), write(tmp_path / "t.jsonl", true))
    assert 0 < expected["ap_50_95"] < 1
    monkeypatch.setattr(
        "tvcli.core.files.external_sort.RECORDS_A_RUN", 7
    )  # sorted in many runs on the disk
    mixed = [*found[1::3], *found[::3], *found[2::3]], [*true[1::2], *true[::2]]
    files = [
        write(tmp_path / name, records)
        for name, records in zip(("g.jsonl", "u.jsonl"), mixed, strict=True)
    ]
    assert evaluate(*files)[0] == expected


@pytest.mark.parametrize("seed", range(4))
def test_the_best_threshold_has_the_best_f1_of_all(tmp_path: Path, seed: int) -> None:
    found, true = drawn(np.random.default_rng(seed))
    for record in found:  # so that some scores are equal
        record["score"] = round(float(record["score"]), 1)  # type: ignore[arg-type]
    truth = write(tmp_path / "truth.jsonl", true)
    measures, _ = evaluate(write(tmp_path / "found.jsonl", found), truth)

    def f1(threshold: float) -> float:
        left, right = list(true), 0
        kept = [record for record in found if record["score"] >= threshold]  # type: ignore[operator]
        for record in sorted(kept, key=lambda record: -record["score"]):  # type: ignore[operator]
            own = [
                t for t in left if (t["image"], t["label"]) == (record["image"], record["label"])
            ]
            best = max(own, key=lambda t: iou(t["box"], record["box"]), default=None)  # type: ignore[arg-type]
            if best is not None and iou(best["box"], record["box"]) >= 0.5:  # type: ignore[arg-type]
                left.remove(best)
                right += 1
        return 2 * right / (len(kept) + len(true))

    tried = {threshold: f1(threshold) for threshold in {float(r["score"]) for r in found}}  # type: ignore[arg-type]
    assert measures["best_f1"] == pytest.approx(max(tried.values()), abs=1e-4)
    assert tried[measures["best_threshold"]] == pytest.approx(measures["best_f1"], abs=1e-4)


def test_boxes_from_the_best_threshold_on_are_those_that_it_was_measured_on(tmp_path: Path) -> None:
    about = {"image": "a.png", "label": "x", "box": [0, 0, 9, 9]}
    wrong = about | {"box": [50, 50, 60, 60], "score": 0.123449}
    found = write(tmp_path / "found.jsonl", [about | {"score": 0.123456}, wrong])
    measures, _ = evaluate(found, write(tmp_path / "truth.jsonl", [about]))
    assert (measures["best_threshold"], measures["best_f1"]) == (0.123456, 1.0)


def test_of_detections_that_are_all_wrong_none_is_best_kept() -> None:
    matching = DetectionMatching()
    matching.add(Boxes([(0, 0, 1, 1)], [0.9]), Boxes([(5, 5, 9, 9)], [1.0]))
    assert best_threshold([matching]) == (1.0, 0.0)
    assert best_threshold([DetectionMatching()]) == (1.0, 0.0)
