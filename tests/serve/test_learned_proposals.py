"""`tv annotate boxes --learn`, with an annotator who draws the true boxes, photo after photo."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from discs import SIZE, write_discs
from pages import client_of
from starlette.testclient import TestClient

from tvcli.core.boxes import Box, iou
from tvcli.core.files.sources import open_sources
from tvcli.serve.pages import open_box_editor

PHOTOS = 9


@pytest.fixture
def boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Box]:
    """Give the true boxes of photos in the current folder, by name."""
    monkeypatch.chdir(tmp_path)
    return write_discs(tmp_path, PHOTOS)


@pytest.fixture
def editor(boxes: dict[str, Box]) -> Iterator[TestClient]:
    with opened() as app, client_of(app) as client:
        yield client


def opened(*sources: str) -> Any:
    source = open_sources(list(sources or ("photos",)), stdin=None)  # type: ignore[arg-type]
    return open_box_editor(source, Path("boxes.jsonl"), learn=True)


def annotate(client: TestClient, place: int, truth: list[Box]) -> list[dict[str, Any]]:
    """Draw the true boxes of a photo; return what was proposed for it before."""
    photo = client.get(f"/api/photos/{place}").json()
    shown = [{"box": box, "label": "disc"} for box in truth]
    content = {"version": photo["version"], "boxes": shown, "empty": not truth, "proposals": []}
    assert client.put(f"/api/photos/{place}/boxes", json=content).status_code == 200
    proposed: list[dict[str, Any]] = photo["proposals"]
    return proposed


def by_the_mean_box(truth: list[Box], sizes: list[tuple[int, int]]) -> float:
    """Return the mean IoU of answering each photo but the first with the mean box of those before.

    It is what proposals are worth that have learned nothing of what photos show.
    """
    sides = np.array(sizes)[:, [0, 1, 0, 1]]
    shares = np.array(truth) / sides
    means = (shares.cumsum(0) / np.arange(1, len(shares) + 1)[:, None])[:-1] * sides[1:]
    return float(np.mean([iou(tuple(m), box) for m, box in zip(means, truth[1:], strict=True)]))


def test_boxes_are_proposed_from_the_first_one_on(
    editor: TestClient, boxes: dict[str, Box]
) -> None:
    truth = list(boxes.values())
    assert annotate(editor, 0, [truth[0]]) == []
    ious = []
    for place in range(1, PHOTOS):
        (proposed,) = annotate(editor, place, [truth[place]])
        assert proposed["label"] == "disc"
        assert 0 <= proposed["score"] <= 1
        ious.append(iou(tuple(proposed["box"]), truth[place]))
    assert np.mean(ious) > by_the_mean_box(truth, [SIZE] * PHOTOS) + 0.2
    about = editor.get("/api/about").json()
    assert about["quality"] == {"photos": PHOTOS - 1, "iou": pytest.approx(np.mean(ious), abs=1e-3)}
    lines = [json.loads(line) for line in Path("boxes.jsonl").read_text().splitlines()]
    assert [tuple(line["box"]) for line in lines] == truth


def test_what_was_dismissed_stays_so_when_more_is_learned(
    editor: TestClient, boxes: dict[str, Box]
) -> None:
    truth = list(boxes.values())
    annotate(editor, 0, [truth[0]])
    first = editor.get("/api/photos/1").json()
    assert len(first["proposals"]) == 1
    content = {"version": first["version"], "boxes": [], "proposals": []}
    assert editor.put("/api/photos/1/boxes", json=content).status_code == 200
    annotate(editor, 2, [truth[2]])
    assert editor.get("/api/photos/1").json()["proposals"] == []
    assert len(editor.get("/api/photos/3").json()["proposals"]) == 1


def test_photos_without_the_object_teach_nothing_alone_and_a_restart_learns_from_the_file(
    editor: TestClient, boxes: dict[str, Box]
) -> None:
    assert annotate(editor, 0, []) == []
    assert annotate(editor, 1, [boxes["01.png"]]) == []
    assert editor.get("/api/about").json()["quality"] is None
    with opened() as app, client_of(app) as client:
        assert len(client.get("/api/photos/2").json()["proposals"]) == 1


def test_an_annotator_of_raccoons(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of forty photos; how good it is on how many is measured in docs/notes/location.md."""
    monkeypatch.chdir(tmp_path)
    folder = real_data / "raccoon"
    records = [json.loads(line) for line in (folder / "boxes.jsonl").read_text().splitlines()]
    truth: dict[str, list[Box]] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for record in records:
        photo = str(folder / record["image"])
        truth.setdefault(photo, []).append(tuple(record["box"]))
        sizes[photo] = record["width"], record["height"]
    chosen = list(truth)[:40]
    with opened(*chosen) as app, client_of(app) as client:
        ious = []
        for place, photo in enumerate(chosen):
            for proposed in annotate(client, place, truth[photo]):
                ious.append(max(iou(tuple(proposed["box"]), box) for box in truth[photo]))
    assert len(ious) == len(chosen) - 1
    mean = by_the_mean_box([truth[p][0] for p in chosen], [sizes[p] for p in chosen])
    assert np.mean(ious) > mean + 0.02
