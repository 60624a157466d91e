"""`tv index --watch`, as a person leaves it running: photos come, change, go, and are unmounted."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import picture

from tvcli.core.files.locks import writing
from tvcli.core.indexes.index import open_index

TV = Path(sys.executable).parent / "tv"
PATIENCE = 60  # seconds, of which a quiet machine needs two

pytestmark = pytest.mark.skipif(find_spec("watchfiles") is None, reason="watchfiles is not there")


class Watching:
    """A `tv index photos --watch` that runs, what it says and what its index has."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.index, self._said = folder / ".tv" / "index.tvx", folder / "said"
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [TV, "index", "photos", "--size", "64", "--watch", *more], cwd=folder, stderr=said
            )

    @property
    def said(self) -> str:
        return self._said.read_text()

    def wait_for(self, text: str) -> None:
        ends = time.monotonic() + PATIENCE
        while text not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < ends, f"{text!r} is not in {self.said!r}"
            time.sleep(0.05)

    def images(self) -> list[str]:
        with open_index(self.index) as index:
            return sorted(Path(image).name for image in index.images)


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(4):
        picture(number).save(photos / f"{number}.png")
    started = Watching(tmp_path)
    try:
        started.wait_for("0 added, 0 changed, 0 moved, 0 removed, 0 skipped: 4 photos")
        yield started
    finally:
        started.process.kill()
        started.process.wait()


def test_an_index_follows_its_folder(watching: Watching, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    picture(4).save(photos / "4.png")
    (photos / "notes.txt").write_text("no photo")
    watching.wait_for("1 added, 0 changed, 0 moved, 0 removed, 0 skipped: 5 photos")
    (photos / "0.png").unlink()
    picture(9).save(photos / "1.png")
    watching.wait_for("0 added, 1 changed, 0 moved, 1 removed, 0 skipped: 4 photos")
    (photos / "new").mkdir()
    picture(5).save(photos / "new" / "5.png")
    (photos / "bad.png").write_bytes(b"no picture")
    watching.wait_for("1 added, 0 changed, 0 moved, 0 removed, 1 skipped: 5 photos")
    assert watching.images() == ["1.png", "2.png", "3.png", "4.png", "5.png"]
    assert watching.said.count(" photos in ") == 4
    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(PATIENCE) == 130
    assert watching.said.rstrip().endswith("tv: interrupted")


def test_a_second_one_goes_on_where_the_first_is_killed(watching: Watching, tmp_path: Path) -> None:
    """What one could not write, as another did who was killed, it writes without another change."""
    with writing(watching.index):
        picture(4).save(tmp_path / "photos" / "4.png")
        watching.wait_for("not updated: ")
        time.sleep(2.5)
        assert watching.said.count("not updated: ") == 1
        assert len(watching.images()) == 4
    watching.wait_for("1 added, 0 changed, 0 moved, 0 removed, 0 skipped: 5 photos")


def test_photos_that_cannot_be_seen_are_not_gone(watching: Watching, tmp_path: Path) -> None:
    photos, away = tmp_path / "photos", tmp_path / "away"
    photos.rename(away)  # as an unmounted disk goes
    watching.wait_for("not there now; its photos stay until it is back")
    picture(4).save(away / "4.png")
    assert len(watching.images()) == 4
    away.rename(photos)
    watching.wait_for("there again")
    watching.wait_for("1 added, 0 changed, 0 moved, 0 removed, 0 skipped: 5 photos")
    picture(5).save(photos / "5.png")  # what watched the folder of before would not tell
    watching.wait_for("1 added, 0 changed, 0 moved, 0 removed, 0 skipped: 6 photos")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_file_system_that_is_unmounted_keeps_its_rows(watching: Watching, tmp_path: Path) -> None:
    disk = tmp_path / "photos" / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "none", disk]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        picture(7).save(disk / "7.png")
        picture(6).save(tmp_path / "photos" / "6.png")  # what is mounted later raises no event
        watching.wait_for("2 added, 0 changed, 0 moved, 0 removed, 0 skipped: 6 photos")
    finally:
        subprocess.run(["umount", disk], check=True)
    watching.wait_for(f"{disk}: not there now")
    assert "7.png" in watching.images()


def test_what_cannot_be_watched_is_said_before_anything_is_done(tmp_path: Path) -> None:
    picture(1).save(tmp_path / "one.png")
    for arguments, status, said in (
        (["one.png"], 3, "one.png: --watch follows folders"),
        (["gone"], 3, "gone: --watch follows folders"),
        ([".", "--add"], 2, "--watch follows whole folders"),
        ([".", "--limit", "1"], 2, "--watch follows whole folders"),
    ):
        ran = subprocess.run(
            [TV, "index", *arguments, "--watch"], cwd=tmp_path, capture_output=True, text=True
        )
        assert (ran.returncode, said in ran.stderr) == (status, True), ran.stderr
        assert not (tmp_path / ".tv").exists()
