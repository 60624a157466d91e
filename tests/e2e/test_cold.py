"""What a search loads: neither torch nor, for a photo of the index, anything that runs networks."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from conftest import Ran
from PIL import Image
from safetensors.torch import save_file

RUN = """
import json, sys
from tvcli.cli import run
status = run(sys.argv[1:])
sys.stdout.flush()
heavy = ("torch", "torchvision", "onnx", "onnxruntime", "openvino", "cv2", "annoy", "rich")
heavy += ("pydantic", "email", "http.client", "numpy.random", "PIL.ImageDraw")
heavy += ("tvcli.commands.encode",)
print(json.dumps([int(status), [name for name in heavy if name in sys.modules]]), file=sys.stderr)
"""


@pytest.fixture
def here(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with photos and a cache of its own, as the current one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return photos


def run(*arguments: str) -> tuple[list[str], list[dict[str, object]]]:
    """Run a command in a process of its own; return what it loaded, and its records."""
    command = [sys.executable, "-c", RUN, *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    status, loaded = json.loads(ran.stderr.splitlines()[-1])
    assert status == 0, ran.stderr
    return loaded, [json.loads(line) for line in ran.stdout.splitlines()]


Tv = Callable[..., Ran]


def made(tv: Tv, *arguments: str) -> None:
    """Run a command in this process, which has torch already."""
    ran = tv(*arguments)
    assert ran.status == 0, ran.err


def test_two_photos_are_compared_without_anything_that_runs_networks(here: Path) -> None:
    loaded, pairs = run("same", str(here / "3.png"), str(here / "3.png"))
    assert loaded == ["cv2"] and pairs[0]["same"] is True


@pytest.mark.usefixtures("here")
def test_mini_needs_no_torch_to_search(tv: Tv) -> None:
    made(tv, "index", "photos", "-q")
    loaded, hits = run("search", "photos/3.png")
    assert loaded == ["onnxruntime"]
    assert (hits[0]["image"], hits[0]["similarity"]) == ("photos/3.png", 1.0)
    loaded, hits = run("search", "--item", "photos/3.png")
    assert loaded == []
    assert hits[0]["similarity"] == 1.0


@pytest.mark.usefixtures("here")
def test_neither_does_a_rank_head_or_a_map(tv: Tv) -> None:
    made(tv, "encode", "photos", "-o", "photos.h5", "--size", "64", "-q")
    made(tv, "triplets", "photos.h5", "--from-folders", "-o", "triplets.jsonl", "-q")
    options = ["-o", "rank.h5", "--steps", "30", "-q"]
    loaded, _ = run("train-rank", "photos.h5", "triplets.jsonl", *options)
    assert not {"torch", "torchvision", "onnx", "onnxruntime", "cv2"} & set(loaded)
    made(tv, "index", "photos.h5", "--rank", "rank.h5", "-o", "ranked.tvx", "-q")
    assert run("search", "photos/3.png", "-i", "ranked.tvx")[0] == ["onnxruntime"]
    made(tv, "index", "photos.h5", "--maps", "-o", "maps.tvx", "-q")
    loaded, hits = run("search", "photos/3.png", "-i", "maps.tvx", "--rerank", "5")
    assert loaded == ["onnxruntime"]
    assert hits[0]["image"] == "photos/3.png"


@pytest.mark.usefixtures("here")
def test_an_index_brings_the_network_of_its_queries(tmp_path: Path, tv: Tv) -> None:
    torch.manual_seed(0)
    weights = Path("squeezenet.safetensors")
    save_file(torchvision.models.squeezenet1_1(weights=None).state_dict(), weights)
    options = ["--backbone", "squeezenet1_1", "--weights", str(weights), "--size", "64"]
    made(tv, "index", "photos", "-o", "s.tvx", *options, "-q")
    (graph,) = Path("s.tvx").glob("encoder-*.onnx")
    weights.unlink()
    for kept in (tmp_path / "cache").rglob("*.onnx"):
        kept.unlink()
    loaded, hits = run("search", "photos/3.png", "-i", "s.tvx")
    assert loaded == ["onnxruntime"]
    assert (hits[0]["image"], hits[0]["similarity"]) == ("photos/3.png", 1.0)
    content = np.frombuffer(graph.read_bytes(), np.uint8).copy()
    content[-100] ^= 1
    graph.write_bytes(content.tobytes())
    ran = tv("search", "photos/3.png", "-i", "s.tvx")
    assert ran.status == 4
    assert ran.err.endswith("not the graph that s.tvx was made with; index again\n")


def test_measuring_an_index_with_its_own_photos_loads_nothing_heavy(here: Path, tv: Tv) -> None:
    assert tv("index", here, "-o", "m.tvx", "--size", 64).status == 0
    loaded, figures = run("eval", "search", "m.tvx", "--format", "jsonl")
    assert loaded == ["numpy.random"]  # its intervals are resampled
    assert figures[0]["metric"] == "hit@1"


def taught(tv: Tv, here: Path, *options: object) -> list[str]:
    """Return the options of heads taught on the photos, each of which is all object."""
    lines = []
    for photo in sorted(here.glob("*.png")):
        with Image.open(photo) as picture:
            width, height = picture.size
        box = [width // 4, height // 4, 3 * width // 4, 3 * height // 4]
        record = {"image": f"photos/{photo.name}", "width": width, "height": height, "box": box}
        lines.append(json.dumps(record) + "\n")
    Path("boxes.jsonl").write_text("".join(lines))
    few = ("--per-photo", "2", "--looks", "4", "--test", "0.2", "-q")
    made(tv, "crops", "boxes.jsonl", "-o", "crops.jsonl", *few)
    made(tv, "encode", "crops.jsonl", "-o", "crops.h5", *map(str, options), "-q")
    made(tv, "train-classifier", "crops.h5", "-o", "classifier.h5", "-q")
    made(tv, "train-boxes", "crops.h5", "-o", "boxes.h5", "-q")
    return ["--classifier", "classifier.h5", "--boxes", "boxes.h5"]


def test_neither_does_locating(here: Path, tv: Tv) -> None:
    heads = taught(tv, here, "--size", 112)
    loaded, found = run("locate", "photos", *heads, "--threshold", "0.01", "--keep-empty")
    assert [name for name in loaded if name != "numpy.random"] == ["onnxruntime"]
    assert len(found) == len(list(here.rglob("*.png")))
    made(tv, "index", "photos", *heads, "--size", "112", "-o", "located.tvx", "-q")
    loaded, hits = run("search", "photos/3.png", "-i", "located.tvx")
    assert loaded == ["onnxruntime"]
    assert hits[0]["image"] == "photos/3.png"


def test_neither_does_locating_with_another_backbones_graph(
    here: Path, tmp_path: Path, tv: Tv
) -> None:
    torch.manual_seed(0)
    weights = Path("squeezenet.safetensors")
    save_file(torchvision.models.squeezenet1_1(weights=None).state_dict(), weights)
    options = ["--backbone", "squeezenet1_1", "--weights", str(weights), "--size", "144"]
    heads = taught(tv, here, *options)
    search = ["--threshold", "0.01", "--keep-empty", "--scales", "0,1,2"]
    loaded, found = run("locate", "photos", *heads, *search)
    assert [name for name in loaded if name != "numpy.random"] == ["onnxruntime"]
    assert len(found) == len(list(here.rglob("*.png")))
    made(tv, "index", "photos", *heads, *options, "-o", "s.tvx", "-q")
    weights.unlink()
    for kept in (tmp_path / "cache").rglob("*.onnx"):
        kept.unlink()
    loaded, hits = run("search", "photos/3.png", "-i", "s.tvx")
    assert loaded == ["onnxruntime"]
    assert hits[0]["image"] == "photos/3.png"
