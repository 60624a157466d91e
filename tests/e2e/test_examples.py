"""The examples, run as they stand."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import REPOSITORY, Ran

from tvcli.core.files.artifacts import open_artifact

EXAMPLES = REPOSITORY / "examples"
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def example(
    name: str, *arguments: object, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [EXAMPLES / name, *map(str, arguments)],
        env=ENVIRONMENT | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def index(photos: Path, tmp_path: Path, tv: Callable[..., Ran]) -> Path:
    target = tmp_path / "photos.tvx"
    assert tv("index", photos, "-o", target).status == 0
    return target


def test_all_are_listed() -> None:
    listed = (EXAMPLES / "README.md").read_text("utf-8")
    assert all(f"({script.name})" in listed for script in EXAMPLES.glob("*.sh"))


def test_page(photos: Path, tmp_path: Path) -> None:
    page = tmp_path / "hits.html"
    ran = example("page.sh", photos, page, photos / "0.png", photos / "1.png")
    assert ran.returncode == 0, ran.stderr
    assert page.read_text("utf-8").count("data:image/jpeg") == 18


def test_shards(photos: Path, tmp_path: Path) -> None:
    ran = example("shards.sh", photos, tmp_path / "all.h5", 2)
    assert ran.returncode == 0, ran.stderr
    with open_artifact(tmp_path / "all.h5") as file:
        assert len(file) == 8
        assert "shard" not in file.settings


def test_slurm(photos: Path, tmp_path: Path) -> None:
    for task in ("1", "2"):
        array = {"SLURM_ARRAY_TASK_ID": task, "SLURM_ARRAY_TASK_COUNT": "2"}
        arguments = (photos, tmp_path / "parts", "--pool", "mean", "--size", "64")
        ran = example("slurm/encode.sbatch", *arguments, environment=array)
        assert ran.returncode == 0, ran.stderr
    ran = example("slurm/merge.sbatch", tmp_path / "parts", tmp_path / "all.tvx")
    assert ran.returncode == 0, ran.stderr
    ran = example("present.sh", tmp_path / "all.tvx", photos / "0.png")
    assert ran.stdout.strip() == str(photos / "0.png")


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_scripts_pass_shellcheck() -> None:
    scripts = [path for path in EXAMPLES.rglob("*") if path.suffix in (".sh", ".sbatch")]
    ran = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


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
