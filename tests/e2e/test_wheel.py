"""The wheel: what is in it, and that it works without the repository."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from conftest import REPOSITORY

from tvcli.core.backbones.catalogue import GENERATIONS

pytest.importorskip("hatchling", reason="hatchling, which builds the wheel, is not installed")

SOURCE = REPOSITORY / "tvcli"
DATA = {
    *(f"tvcli/weights/{name}.{kind}" for name in GENERATIONS for kind in ("safetensors", "onnx")),
    "tvcli/weights/mini-2-distractors.safetensors",
    "tvcli/py.typed",
    "tvcli/serve/page.css",
    "tvcli/serve/static/gallery.html",
    "tvcli/serve/static/gallery.js",
    "tvcli/serve/static/icon.svg",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with what is in the wheel, as pip lays it out."""
    folder = tmp_path_factory.mktemp("unpacked")
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def tv(unpacked: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run what the wheel holds, which comes before an editable install of the repository."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "tvcli", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def test_it_holds_the_package_whole_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = (path for path in SOURCE.rglob("*") if path.is_file())
    ours = {str(path.relative_to(REPOSITORY)) for path in files if "__pycache__" not in path.parts}
    assert held == ours
    assert held >= DATA


def test_its_metadata_names_the_command_the_licence_and_no_newest_python(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        (about,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(about).decode()
        commands = archive.read(about.replace("METADATA", "entry_points.txt")).decode()
        assert about.replace("METADATA", "licenses/LICENSE") in archive.namelist()
    assert "\nRequires-Python: >=3.11\n" in metadata
    assert "tv = tvcli.__main__:main" in commands


def test_an_index_and_a_search_run_from_it_alone(
    unpacked: Path, photos: Path, tmp_path: Path
) -> None:
    came_from = "import tvcli; print(tvcli.__file__)"
    asked = subprocess.run(
        [sys.executable, "-P", "-c", came_from],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(asked.stdout.strip()).is_relative_to(unpacked)
    made = tv(unpacked, tmp_path, "index", str(photos), "-o", "i.tvx")
    assert made.returncode == 0, made.stderr
    found = tv(unpacked, tmp_path, "search", str(photos / "3.png"), "-i", "i.tvx", "-k", "1")
    assert Path(json.loads(found.stdout)["image"]).name == "3.png"


@pytest.mark.long
def test_the_small_demo_and_a_search_run_from_it_alone(unpacked: Path, tmp_path: Path) -> None:
    shown = tv(unpacked, tmp_path, "demo", "--small", "demo")
    assert shown.returncode == 0, shown.stderr
    assert len(list((tmp_path / "demo" / "photos").glob("*.jpg"))) == 54
    page = (tmp_path / "demo" / "demo.html").read_text("utf-8")
    assert page.count("data:image/jpeg") > 100
    assert f"Look at {Path('demo', 'demo.html')}" in shown.stdout
    assert shown.stderr.count("\n$ tv ") == 16
    rows = re.findall(r"  (\S.*?) +(\d+) of (\d+) +(\d+)%\n", shown.stdout)
    whole, located, learned = ((int(row[1]), int(row[3])) for row in rows)
    assert [row[2] for row in rows] == ["18"] * 3
    assert whole[0] <= located[0] and located[0] >= 15
    assert learned[1] > whole[1] + 10  # learning pays
    assert all(f">{row[0]}<" in page for row in rows)
    query = "demo/photos/dress-001-3.jpg"
    found = tv(unpacked, tmp_path, "search", query, "-i", "demo/object.tvx", "-k", "3")
    assert found.returncode == 0, found.stderr
    hits = [json.loads(line) for line in found.stdout.splitlines()]
    assert [hit["rank"] for hit in hits] == [1, 2, 3]
    shown = (tmp_path / "demo" / "object.jsonl").read_text("utf-8").splitlines()
    same = [hit for hit in map(json.loads, shown) if hit["query"] == query.removeprefix("demo/")]
    assert [Path("demo", hit["image"]) for hit in same[:3]] == [Path(h["image"]) for h in hits]
