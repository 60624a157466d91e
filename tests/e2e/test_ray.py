"""`tv encode --ray` on two nodes of this machine, one of which is killed half-way."""

import contextlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import REPOSITORY, picture

if importlib.util.find_spec("ray") is None:
    pytest.skip("the ray extra is not installed", allow_module_level=True)

TV = Path(sys.executable).with_name("tv")
TOKEN = {"RAY_AUTH_TOKEN": "0123456789abcdef0123456789abcdef"}  # the same on every node
ENVIRONMENT = {**os.environ, **TOKEN, "OMP_NUM_THREADS": "1"}
SETTINGS = ("--size", "96", "--pool", "mean", "--batch", "1")


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """Give 480 photos, under names of their own, of which two cannot be read."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(24):
        picture(number, 900, 700).save(folder / f"{number:02}-00.jpg")
    for path in sorted(folder.glob("*.jpg")):
        for copy in range(1, 20):
            os.link(path, folder / f"{path.stem[:2]}-{copy:02}.jpg")
    for name in ("03-05.jpg", "17-19.jpg"):
        (folder / name).unlink()
        (folder / name).write_text("text")
    return folder


@pytest.fixture
def cluster() -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Give the address of a cluster of two nodes, and the process that does as it is told."""
    process = subprocess.Popen(
        [sys.executable, REPOSITORY / "tests" / "e2e" / "two_nodes.py"],
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        lines = (line for line in process.stdout if line.startswith("address "))
        yield next(lines).split()[1], process
    finally:
        process.communicate(timeout=60)  # the end of its input ends the cluster


def until_closed(terminal: int) -> str:
    """Read what is written to a terminal until nobody has it open any more."""
    seen = bytearray()
    with contextlib.suppress(OSError):  # EIO: its other end was closed
        while some := os.read(terminal, 65536):
            seen += some
    os.close(terminal)
    return seen.decode()


def columns(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        return {name: file[name][()] for name in file}


def test_a_node_is_killed_half_way(
    collection: Path, tmp_path: Path, cluster: tuple[str, "subprocess.Popen[str]"]
) -> None:
    address, process = cluster
    target, parts = tmp_path / "e.h5", tmp_path / ".e.h5.parts"
    job = subprocess.Popen(
        [TV, "encode", collection, "-o", target, "--ray", address, *SETTINGS],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while job.poll() is None and len(list(parts.glob("part-*.h5"))) < 8:
        time.sleep(0.05)
    assert job.poll() is None, job.communicate()
    assert process.stdin
    process.stdin.write("kill\n")
    process.stdin.flush()
    out, err = job.communicate(timeout=240)
    assert (job.returncode, out) == (0, ""), err
    assert f"478 photos in {target}, 2 skipped in " in err
    assert "03-05.jpg: not a picture that can be read" in err
    plain = tmp_path / "plain.h5"
    subprocess.run([TV, "encode", collection, "-o", plain, "-q", *SETTINGS], check=True)
    found, expected = columns(target), columns(plain)
    assert list(found) == list(expected)
    assert len(set(found["image"])) == 478
    for name, values in expected.items():
        assert np.array_equal(found[name], values), name
    assert not parts.exists()


def test_a_cluster_for_this_job_with_a_bar(photos: Path, tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    ran = subprocess.Popen(
        [TV, "encode", photos, "-o", tmp_path / "e.h5", "--ray", "local", *SETTINGS],
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    seen = until_closed(ours)
    out, _ = ran.communicate(timeout=240)
    assert (ran.returncode, out) == (0, b""), seen
    assert "8 photos in" in seen
    assert len(columns(tmp_path / "e.h5")["image"]) == 8


def test_no_cluster_there(collection: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [TV, "encode", collection, "-o", tmp_path / "e.h5", "--ray", "127.0.0.1:1", *SETTINGS],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 3
    assert ran.stdout == ""
    assert "tv: --ray 127.0.0.1:1: nothing answers there" in ran.stderr
