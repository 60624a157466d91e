"""An environment without PyTorch: what works in it, and what the rest says."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran

# Python runs a module of this name when it starts: torch is not found, as where it is not there.
WITHOUT_TORCH = """
import sys
from importlib.machinery import PathFinder

class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision"):
            return None
        return super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
"""
NEEDED = "tv: this needs PyTorch, which is not installed: pip install torch torchvision\n"

Lean = Callable[..., Ran]


@pytest.fixture
def lean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lean:
    """Run `tv` in a process that has no torch, in a folder of its own."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(WITHOUT_TORCH)
    monkeypatch.chdir(tmp_path)
    paths = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))

    def call(*arguments: object) -> Ran:
        ran = subprocess.run(
            [sys.executable, "-m", "tvcli", *map(str, arguments)],
            env=os.environ | {"PYTHONPATH": paths, "XDG_CACHE_HOME": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    return call


def test_photos_are_searched_explained_and_learned_from(lean: Lean, photos: Path) -> None:
    assert lean("index", photos, "--keypoints", "-q").status == 0
    found = lean("search", photos / "3.png", "-k", 1, "--verify", "--explain", "why")
    hit = json.loads(found.out)
    assert (hit["image"], hit["verified"]) == ("photos/3.png", True)
    assert Path(hit["explain"]).is_file()
    for command in (
        ("encode", photos, "-o", "e.h5"),
        ("triplets", "e.h5", "--flips", "-o", "t.jsonl"),
        ("train-rank", "e.h5", "t.jsonl", "-o", "rank.h5"),
        ("index", "e.h5", "--rank", "rank.h5", "-o", "ranked.tvx"),
        ("search", photos / "3.png", "-i", "ranked.tvx"),
        ("same", photos / "3.png", photos / "3.png"),
    ):
        ran = lean(*command)
        assert (ran.status, "torch" in ran.err) == (0, False), (command, ran.err)
    assert lean("dedupe", photos).status == 1  # none is there twice


@pytest.mark.parametrize(
    "command",
    [
        ("train-classifier", "crops.h5", "-o", "classifier.h5"),
        ("train-boxes", "crops.h5", "-o", "boxes.h5"),
        ("index", "photos", "--backbone", "squeezenet1_1", "-o", "i.tvx"),
        ("search", "photos/3.png", "-i", "i.tvx", "--explain", "why", "--cam"),
        ("demo", "demo"),
    ],
    ids=lambda command: command[0],
)
def test_what_needs_torch_says_so(lean: Lean, photos: Path, command: tuple[str, ...]) -> None:
    boxes = [{"image": f"photos/{n}.png", "box": [10, 10, 60, 60]} for n in range(4)]
    Path("boxes.jsonl").write_text("".join(json.dumps(box) + "\n" for box in boxes))
    if "crops.h5" in command:
        assert lean("crops", "boxes.jsonl", "-o", "crops.jsonl", "-q").status == 0
        assert lean("encode", "crops.jsonl", "-o", "crops.h5", "-q").status == 0
    if "search" in command:
        assert lean("index", photos, "-o", "i.tvx", "-q").status == 0
    before = {*Path().iterdir()}
    ran = lean(*command)
    assert (ran.status, ran.out, ran.err) == (2, "", NEEDED)
    assert {*Path().iterdir()} - before <= {Path("why")}
