"""Heads trained in a process of their own while somebody annotates."""

import errno
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from discs import write_boxes, write_discs
from pages import client_of
from starlette.testclient import TestClient

from tvcli.cli import run
from tvcli.core.boxes import Box, iou
from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files import locks
from tvcli.core.files.sources import open_sources
from tvcli.core.location.crops import CropSettings
from tvcli.core.location.pair_training import load_pair
from tvcli.serve import background_training
from tvcli.serve.pages import open_box_editor

LEAST, PHOTOS = 8, 13
PATIENCE = 120.0  # seconds that a training may take on a busy machine


@pytest.fixture
def truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Box]:
    """Give the true boxes of photos in the current folder; the first of them are drawn already."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(background_training, "LEAST", LEAST)
    monkeypatch.setattr(background_training, "NICE", 0)  # tests wait for it
    monkeypatch.setattr(background_training, "CROPS", CropSettings(per_photo=3, looks=6))
    boxes = write_discs(tmp_path, PHOTOS)
    write_boxes(tmp_path / "boxes.jsonl", dict(list(boxes.items())[:LEAST]))
    return boxes


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Give the processes that were started to train, the last one last."""
    started: list[Any] = []
    start = background_training._started

    def noted(folder: Path) -> Any:
        started.append(start(folder))
        return started[-1]

    monkeypatch.setattr(background_training, "_started", noted)
    return started


@contextmanager
def opened(keep: Path | None = None) -> Iterator[TestClient]:
    source = open_sources(["photos"], stdin=None)
    with (
        open_box_editor(source, Path("boxes.jsonl"), learn=True, keep=keep) as app,
        client_of(app) as client,
    ):
        yield client


def learning(client: TestClient) -> dict[str, Any]:
    told: dict[str, Any] = client.get("/api/about").json()["learning"]
    return told


def once(client: TestClient, is_so: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """Wait until what is told of the learning is so, and return it."""
    until = time.monotonic() + PATIENCE
    while not is_so(told := learning(client)):
        assert time.monotonic() < until, told
        time.sleep(0.1)
    return told


def draw(client: TestClient, place: int, box: Box) -> None:
    photo = client.get(f"/api/photos/{place}").json()
    content = {"version": photo["version"], "boxes": [{"box": box}], "proposals": []}
    assert client.put(f"/api/photos/{place}/boxes", json=content).status_code == 200


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_heads_take_over_and_are_kept(
    truth: dict[str, Box], processes: list[Any], tmp_path: Path
) -> None:
    begun = Path("boxes.jsonl").read_bytes()
    with opened(tmp_path / "heads") as client:
        told = once(client, lambda told: told["training"])
        assert told == {"trained": None, "training": LEAST, "failed": "", "unkept": ""}
        (by_prototype,) = client.get("/api/photos/9").json()["proposals"]
        assert "named" not in by_prototype
        told = once(client, lambda told: told["trained"])
        assert told["training"] is None
        assert (told["trained"]["photos"], told["trained"]["held_out"]) == (6, 2)
        assert processes[0].pid != os.getpid()
        (proposed,) = client.get("/api/photos/9").json()["proposals"]
        assert proposed["named"] is False
        assert proposed["label"] == "disc"
        assert iou(tuple(proposed["box"]), truth["09.png"]) > 0.2  # of heads of six photos
    assert len(processes) == 1
    assert Path("boxes.jsonl").read_bytes() == begun
    assert {path.name for path in Path("heads").iterdir()} == {"boxes.h5", "classifier.h5"}
    assert load_pair(Path("heads"), 1).label == "disc"


def test_a_training_that_is_killed_harms_nothing_and_is_tried_again_with_more_boxes(
    truth: dict[str, Box], processes: list[Any]
) -> None:
    begun = Path("boxes.jsonl").read_bytes()
    boxes = list(truth.values())
    with opened() as client:
        once(client, lambda _: processes)
        os.kill(processes[0].pid, signal.SIGKILL)
        told = once(client, lambda told: told["failed"])
        assert told == {
            "trained": None,
            "training": None,
            "failed": "the training ended before it was done",
            "unkept": "",
        }
        assert Path("boxes.jsonl").read_bytes() == begun
        assert len(client.get("/api/photos/9").json()["proposals"]) == 1  # by the prototype
        for place in range(LEAST, 11):
            draw(client, place, boxes[place])
        assert len(processes) == 1  # the boxes have not grown by half
        draw(client, 11, boxes[11])
        told = once(client, lambda told: told["training"])
        assert (told["training"], told["failed"]) == (12, "")
        once(client, lambda _: len(processes) == 2)
        saved = Path("boxes.jsonl").read_bytes()
    assert not is_running(processes[1].pid)  # it ended with the page
    assert Path("boxes.jsonl").read_bytes() == saved
    assert saved.count(b"\n") == 12


def test_what_cannot_be_trained_is_told(
    truth: dict[str, Box], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_training, "LEAST", 1)
    write_boxes(Path("boxes.jsonl"), dict(list(truth.items())[:1]))
    with opened() as client:
        told = once(client, lambda told: told["failed"])
        assert told["failed"] == "too few photos with boxes to train on: 1"
        assert len(client.get("/api/photos/9").json()["proposals"]) == 1


def test_a_training_ends_with_whoever_started_it(truth: dict[str, Box], tmp_path: Path) -> None:
    folder = tmp_path / "training"
    folder.mkdir()
    process = background_training._started(folder)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(PATIENCE) != 0
    assert not folder.exists()


@pytest.mark.long
def test_heads_that_cannot_be_kept_propose_all_the_same(
    truth: dict[str, Box], processes: list[Any]
) -> None:
    keep = Path("heads")
    with opened(keep) as client:
        once(client, lambda _: processes)
        (keep / "boxes.h5").write_text("mine")
        told = once(client, lambda told: told["trained"])
        assert told["unkept"].startswith("heads/boxes.h5: is there and was not written by")
        (proposed,) = client.get("/api/photos/9").json()["proposals"]
        assert proposed["named"] is False  # by heads
    assert {path.name for path in keep.iterdir()} == {"boxes.h5"}  # no head without the other
    assert (keep / "boxes.h5").read_text() == "mine"


def test_a_folder_that_takes_no_heads_is_told_at_once(
    truth: dict[str, Box], monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = locks.os.open

    def full(path: Path, *how: Any) -> int:
        if "heads" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        return usual(path, *how)

    monkeypatch.setattr(locks.os, "open", full)
    message = r"classifier\.h5: cannot be written: No space"
    with pytest.raises(BadInput, match=message), opened(Path("heads")):
        pass


def test_heads_replace_no_files_of_others(truth: dict[str, Box], tmp_path: Path) -> None:
    (tmp_path / "heads").mkdir()
    (tmp_path / "heads" / "boxes.h5").write_text("mine")
    with (
        pytest.raises(UsageError, match=r"boxes\.h5: is there and was not written by"),
        opened(Path("heads")),
    ):
        pass
    with (
        pytest.raises(BadInput, match=r"boxes\.h5/heads: cannot be made"),
        opened(Path("heads/boxes.h5/heads")),
    ):
        pass


def test_heads_are_kept_only_where_they_are_trained(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["annotate", "boxes", "photos", "-o", "boxes.jsonl", "--keep-heads", "heads"]
    assert run(words) == 2
    assert "--keep-heads: goes with --learn, which trains them" in capsys.readouterr().err
