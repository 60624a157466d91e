"""`tv annotate boxes --learn` by an annotator who takes good proposals and draws the others."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from accessibility import violations
from box_page import SAVED
from discs import write_boxes, write_discs
from pages import running, started, threaded

from tvcli.core.boxes import Box, iou
from tvcli.core.files.sources import open_sources
from tvcli.core.location.crops import CropSettings
from tvcli.serve import background_training
from tvcli.serve.pages import open_box_editor

GOOD = 0.7  # the IoU from which a proposal is as good as a box drawn
DRAWING, ACCEPTING = 2, 1  # presses: two corners; a key


class Annotator:
    """Goes from photo to photo, and counts what is pressed for the boxes."""

    def __init__(self, page: Any, truth: dict[str, list[Box]], label: str) -> None:
        self.page, self.truth, self.label = page, truth, label
        self.presses = 0
        self.ious: list[float] = []

    def name(self) -> str:
        return Path(self.page.text_content("#name")).name

    def point(self, x: float, y: float) -> tuple[float, float]:
        image = self.page.locator("#stage image")
        frame = image.bounding_box()
        width, height = (float(image.get_attribute(side)) for side in ("width", "height"))
        return frame["x"] + x / width * frame["width"], frame["y"] + y / height * frame["height"]

    def draw(self, box: Box) -> None:
        mouse, keyboard = self.page.mouse, self.page.keyboard
        keyboard.press("Escape")
        keyboard.down("Shift")
        mouse.move(*self.point(box[0], box[1]))
        mouse.down()
        mouse.move(*self.point((box[0] + box[2]) / 2, (box[1] + box[3]) / 2))
        mouse.move(*self.point(box[2], box[3]))
        mouse.up()
        keyboard.up("Shift")
        self.presses += DRAWING

    def proposed(self) -> Box | None:
        """Return the box that is drawn dashed on the photo, in its pixels."""
        found = self.page.eval_on_selector_all(
            "#stage rect.box.proposed:not(.under)",
            "all => all.map((one) => ['x', 'y', 'width', 'height']"
            ".map((name) => Number(one.getAttribute(name))))",
        )
        if not found:
            return None
        x, y, width, height = found[0]
        return x, y, x + width, y + height

    def annotate(self, place: int) -> None:
        self.page.wait_for_function("() => document.querySelector('#stage').ariaBusy === 'false'")
        truth, proposed = self.truth[self.name()], self.proposed()
        if proposed:
            self.ious.append(max(iou(proposed, box) for box in truth))
        if proposed and len(truth) == 1 and self.ious[-1] >= GOOD:
            self.page.keyboard.press("Shift+Enter")
            self.presses += ACCEPTING
        else:
            for box in truth:
                self.draw(box)
        if place == 0:
            self.page.keyboard.press("l")
            self.page.keyboard.type(self.label)
            self.page.keyboard.press("Enter")
        self.page.wait_for_function(SAVED)

    def annotate_all(self) -> None:
        for place in range(len(self.truth)):
            name = self.name()
            self.annotate(place)
            if place + 1 < len(self.truth):
                self.page.keyboard.press("d")
                self.page.wait_for_function(
                    "name => !document.querySelector('#name').textContent.endsWith(name)", arg=name
                )


def records(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_discs_and_a_second_start(page: Any, tmp_path: Path) -> None:
    truth = {name: [box] for name, box in write_discs(tmp_path, 12).items()}
    words = ("annotate", "boxes", "photos", "-o", "boxes.jsonl", "--learn")
    first = dict(list(truth.items())[:8])
    with running(tmp_path, *words) as address:
        page.goto(address)
        page.wait_for_selector("#stage image")
        assert page.input_value("#order") == "name"
        assert page.locator("#quality:visible, #stage .box.proposed").count() == 0
        annotator = Annotator(page, first, "disc")
        annotator.annotate_all()
        assert len(annotator.ious) == 7  # from the first box on
        assert annotator.presses < 0.8 * DRAWING * len(first)
        told = page.text_content("#quality")
        assert told.startswith("The proposals for the last 7 photos had a mean IoU of 0.")
        page.get_by_label("Which photos").select_option("not looked at")
        page.get_by_label("Order").select_option("least sure first")
        page.wait_for_selector("#strip button[aria-current=true]")
        page.wait_for_selector("#stage .box.proposed >> nth=0")
        assert violations(page) == []
    begun = records(tmp_path / "boxes.jsonl")
    assert {Path(one["image"]).name: one["label"] for one in begun} == dict.fromkeys(first, "disc")
    for one in begun:
        assert iou(tuple(one["box"]), truth[Path(one["image"]).name][0]) >= GOOD
    with started(tmp_path, *words) as (address, _):  # learns from the file, where one stopped
        page.goto(address)
        page.wait_for_selector("#stage image")
        assert page.text_content("#name").endswith("07.png")
        page.keyboard.press("w")
        page.wait_for_selector("#stage .box.proposed >> nth=0")
        assert page.text_content("#name").endswith("08.png")
    assert records(tmp_path / "boxes.jsonl") == begun  # looking writes nothing


def test_trained_heads_take_over(
    page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says what proposes, and the next photos get the boxes of what was trained."""
    monkeypatch.setattr(background_training, "LEAST", 8)
    monkeypatch.setattr(background_training, "NICE", 0)  # tests wait for it
    monkeypatch.setattr(background_training, "CROPS", CropSettings(per_photo=3, looks=6))
    truth = write_discs(tmp_path, 10)
    write_boxes(tmp_path / "boxes.jsonl", dict(list(truth.items())[:8]))
    begun = (tmp_path / "boxes.jsonl").read_text()
    source = open_sources([str(tmp_path / "photos")])
    with (
        open_box_editor(source, tmp_path / "boxes.jsonl", learn=True) as app,
        threaded(app) as address,
    ):
        annotator = Annotator(page, {name: [box] for name, box in truth.items()}, "disc")
        page.goto(address)
        page.wait_for_selector("#stage image")
        assert page.text_content("#quality") == "Training on 8 photos…"
        page.keyboard.press("w")
        page.wait_for_selector("#stage .box.proposed >> nth=0")
        first = annotator.proposed()
        page.wait_for_function(
            "() => /^Proposals by heads/.test(document.querySelector('#quality').textContent)",
            timeout=120_000,
        )
        told = page.text_content("#quality")
        assert re.fullmatch(
            r"Proposals by heads trained on \d photos; mean IoU 0\.\d\d on \d held out\.", told
        )
        assert violations(page) == []
        assert annotator.proposed() == first  # what somebody looks at stays
        page.keyboard.press("d")
        page.wait_for_function("() => document.querySelector('#name').textContent === '09.png'")
        page.keyboard.press("a")
        page.wait_for_function("() => document.querySelector('#name').textContent === '08.png'")
        page.wait_for_selector("#stage .box.proposed >> nth=0")
        second = annotator.proposed()
        assert second != first
        assert iou(second, truth["08.png"]) > 0.5
    assert (tmp_path / "boxes.jsonl").read_text() == begun


def test_raccoons(page: Any, real_data: Path, tmp_path: Path) -> None:
    """On photos a good half is accepted, and what is pressed is less than for drawing alone."""
    truth: dict[str, list[Box]] = {}
    for record in records(real_data / "raccoon" / "boxes.jsonl"):
        truth.setdefault(Path(record["image"]).name, []).append(tuple(record["box"]))
    truth = {name: truth[name] for name in sorted(truth)[:20]}
    photos = [real_data / "raccoon" / "images" / name for name in truth]
    with running(tmp_path, "annotate", "boxes", *photos, "-o", "boxes.jsonl", "--learn") as address:
        page.goto(address)
        page.wait_for_selector("#stage image")
        annotator = Annotator(page, truth, "raccoon")
        annotator.annotate_all()
    boxes = sum(map(len, truth.values()))
    assert len(records(tmp_path / "boxes.jsonl")) == boxes
    assert len(annotator.ious) == len(truth) - 1
    assert np.mean(annotator.ious) > 0.6
    assert annotator.presses < 0.85 * DRAWING * boxes
