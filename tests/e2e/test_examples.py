"""The examples, run as they stand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

EXAMPLES = REPOSITORY / "examples"
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def example(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [EXAMPLES / name, *map(str, arguments)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def index(photos: Path, tmp_path: Path) -> Path:
    target = tmp_path / "photos.tvx"
    command = ["tv", "index", photos, "-o", target, "--quiet"]
    subprocess.run(command, env=ENVIRONMENT, check=True)
    return target


def test_all_are_listed() -> None:
    listed = (EXAMPLES / "README.md").read_text("utf-8")
    assert all(f"({script.name})" in listed for script in EXAMPLES.glob("*.sh"))


def test_page(photos: Path, tmp_path: Path) -> None:
    page = tmp_path / "hits.html"
    ran = example("page.sh", photos, page, photos / "0.png", photos / "1.png")
    assert ran.returncode == 0, ran.stderr
    assert page.read_text("utf-8").count("data:image/jpeg") == 18


def test_collect(index: Path, photos: Path, tmp_path: Path) -> None:
    ran = example("collect.sh", index, photos / "0.png", tmp_path / "similar")
    assert ran.returncode == 0, ran.stderr
    assert len(list((tmp_path / "similar").iterdir())) == 8


def test_present(index: Path, photos: Path) -> None:
    ran = example("present.sh", index, photos / "inner" / "6.png")
    assert (ran.returncode, ran.stdout.strip()) == (0, str(photos / "inner" / "6.png"))
    ran = example("present.sh", index, photos / "0.png", 1.5)
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", "")


def test_backbones(photos: Path) -> None:
    ran = example("backbones.sh", photos, photos / "2.png")
    assert ran.returncode == 0, ran.stderr
    found = dict(line.split("\t") for line in ran.stdout.splitlines())
    assert found == dict.fromkeys(("mean", "gem", "spatial"), str(photos / "2.png"))
