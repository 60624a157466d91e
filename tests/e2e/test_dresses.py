"""The Makefile of examples/dresses, on drawn photos."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY, Ran

from tvcli.core.files.records import write_records
from tvcli.demo.drawing import draw_collection

ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
HEADS = {"crops.jsonl", "crops.h5", "classifier.h5", "boxes.h5"}
MADE = HEADS | {"located.jsonl", "located.h5", "triplets.jsonl", "rank.h5", "hits.html"}

ODD = 'photos/the "first"\\no 1\n.jpg'  # what JSON escapes, and a line's end
GIVEN = "photos", "boxes.jsonl", "labels.jsonl", "tv.toml", "Makefile"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not shutil.which("make"), reason="no make here"),
]


MAKE = "make", "CROPS=--per-photo 2 --looks 3"


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MAKE, *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder as a person has it: photos, boxes in some, labels; and everything made."""
    folder = tmp_path_factory.mktemp("dresses")
    shutil.copy(REPOSITORY / "examples" / "dresses" / "Makefile", folder)
    (folder / "tv.toml").write_text(
        "[encode]\nsize = 128\n[train-rank]\nsteps = 60\n[triplets]\nper-anchor = 1\n", "utf-8"
    )
    records = [dict(record) for record in draw_collection(folder, garments=4, photos_each=4)]
    (folder / str(records[0]["image"])).rename(folder / ODD)
    records[0]["image"] = ODD
    boxed = [record for record in records if record["split"] == "train"]
    names = ("image", "width", "height", "box")
    write_records(folder / "boxes.jsonl", ({n: r[n] for n in names} for r in boxed))
    labels = ({"image": r["image"], "label": r["label"]} for r in records)
    write_records(folder / "labels.jsonl", labels)
    ran = make(folder, "-j2")
    assert ran.returncode == 0, ran.stderr
    return folder


def times(folder: Path) -> dict[str, int]:
    return {name: (folder / name).stat().st_mtime_ns for name in MADE}


def test_everything_is_made_once(project: Path) -> None:
    assert "data:image/jpeg" in (project / "hits.html").read_text("utf-8")
    assert not [path.name for path in project.iterdir() if "partial" in path.name]
    assert make(project, "-q").returncode == 0
    before = times(project)
    assert make(project).returncode == 0
    assert times(project) == before


def test_a_photo_without_a_box_teaches_nothing(project: Path) -> None:
    os.utime(sorted((project / "photos").glob("*-4.jpg"))[0])
    planned = make(project, "-n").stdout
    assert "tv locate" in planned and "tv search" in planned
    assert "tv crops" not in planned and "tv train-boxes" not in planned


@pytest.mark.parametrize("name", [ODD, "photos/*-2.jpg"])
def test_a_photo_with_a_box_teaches_again(project: Path, name: str) -> None:
    os.utime(project / name if name == ODD else sorted(project.glob(name))[0])
    planned = make(project, "-n").stdout
    assert all(f"tv {name}" in planned for name in ("crops", "train-classifier", "train-boxes"))


def test_what_fails_leaves_nothing_and_keeps_the_old(project: Path) -> None:
    before = (project / "crops.jsonl").read_bytes()
    boxes = (project / "boxes.jsonl").read_bytes()
    (project / "boxes.jsonl").write_bytes(boxes + b'{"image": \n')
    failed = make(project, "crops.jsonl")
    assert failed.returncode != 0 and "boxes.jsonl:13" in failed.stderr
    assert (project / "crops.jsonl").read_bytes() == before
    (project / "boxes.jsonl").write_bytes(boxes)
    assert make(project, "crops.jsonl").returncode == 0


def killed_when(folder: Path, there: str, how: signal.Signals) -> None:
    """Start make, and kill it and all it has started once a file of some name is there."""
    started = subprocess.Popen(
        MAKE,
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + 240
        while not any(folder.glob(there)):
            assert started.poll() is None and time.monotonic() < until, f"no {there}"
            time.sleep(0.01)
    finally:
        if started.poll() is None:
            os.killpg(started.pid, how)
    assert started.wait() != 0


def test_a_killed_make_leaves_no_half_file_and_the_next_one_finishes(
    project: Path, tmp_path: Path, tv: Callable[..., Ran]
) -> None:
    for name in GIVEN:
        copy = shutil.copytree if (project / name).is_dir() else shutil.copy2
        copy(project / name, tmp_path / name)
    for there, how in (
        # As it is written, or just after: what is written in a blink is not seen half done.
        ("*crops.jsonl*", signal.SIGKILL),
        ("classifier.h5", signal.SIGTERM),  # as the boxes' nets are trained
        ("*located.h5*", signal.SIGINT),
        ("photos.tvx", signal.SIGKILL),
    ):
        killed_when(tmp_path, there, how)
        made = [name for name in MADE if (tmp_path / name).exists()]
        for name in made:
            if name.endswith(".jsonl"):
                lines = (tmp_path / name).read_text("utf-8").splitlines()
                assert lines and all(json.loads(line) for line in lines)
            else:
                assert tv("info", tmp_path / name).status == 0
        assert "hits.html" not in made
    finished = make(tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert make(tmp_path, "-q").returncode == 0
    for name in ("crops.jsonl", "located.jsonl", "triplets.jsonl"):
        assert (tmp_path / name).read_bytes() == (project / name).read_bytes()
