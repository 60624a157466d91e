"""Whatever a file holds, its reader returns or raises one of tv's own errors in one line."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.reliability.watched import Watched

NAMES = [
    "records", "triplets", "encodings", "rank head", "classifier", "boxes head",
    "manifest, exact", "manifest, annoy", "manifest, ranked", "embeddings", "annoy", "graph",
    "tv.toml",
    "safetensors", "weights of torch", "jsonl", "coco", "via", "voc", "yolo", "labelme", "cvat",
    "JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF",
]  # fmt: skip
QUICK = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
HOSTILE: list[Any] = [
    None, True, -1, 10**30, 1e308, "", "a\0b", "../../../../etc/passwd", "/etc/passwd", [], {},
    [[]], {"a": {}}, "x" * 5000, "\ud800", [0, 0, -1, -1], 0.5,
]  # fmt: skip


def test_every_reader_is_fed(watched: Watched) -> None:
    assert sorted(watched.inputs) == sorted(NAMES)


@pytest.fixture
def place(request: pytest.FixtureRequest, watched: Watched, tmp_path: Path) -> Path:
    """Give the path at which a reader finds its file."""
    given = watched.inputs[request.getfixturevalue("name")]
    folder = tmp_path / "fed"
    if given.inside:
        shutil.copytree(given.inside, folder)
    folder.mkdir(exist_ok=True)
    return folder / given.name


@pytest.mark.parametrize("name", NAMES)
def test_good_files_are_read(name: str, watched: Watched, place: Path) -> None:
    place.write_bytes(watched.inputs[name].good)
    assert watched.refused(name, place) is None


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@QUICK
def test_damaged_files(name: str, watched: Watched, place: Path, data: st.DataObject) -> None:
    place.write_bytes(damaged(watched.inputs[name].good, data))
    assert watched.sound(name, place) is None


@pytest.mark.parametrize(
    "name", [n for n in NAMES if n.startswith("manifest")] + ["coco", "via", "labelme"]
)
@given(number=st.integers(0, 10_000), choice=st.integers(0, len(HOSTILE) - 1))
@QUICK
def test_json_with_other_values(
    name: str, watched: Watched, place: Path, number: int, choice: int
) -> None:
    content = json.loads(watched.inputs[name].good)
    places = list(leaves(content))
    holder, key = places[number % len(places)]
    holder[key] = HOSTILE[choice]
    place.write_text(json.dumps(content), "utf-8")
    assert watched.sound(name, place) is None


def damaged(good: bytes, data: st.DataObject) -> bytes:
    """Return good content with bytes changed, cut off, put in, or said twice."""
    content = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, max(0, len(content) - 1)))
        end = min(len(content), start + data.draw(st.integers(1, 64)))
        kind = data.draw(st.sampled_from(["change", "cut", "remove", "repeat", "insert"]))
        if kind == "change":
            content[start:end] = data.draw(st.binary(min_size=end - start, max_size=end - start))
        elif kind == "cut":
            del content[start:]
        elif kind == "remove":
            del content[start:end]
        elif kind == "repeat":
            content[start:start] = content[start:end]
        else:
            content[start:start] = data.draw(st.binary(max_size=32))
    return bytes(content)


def leaves(content: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of nested JSON as its holder and key."""
    keys = content.keys() if isinstance(content, dict) else range(len(content))
    for key in list(keys):
        yield content, key
        if isinstance(content[key], dict | list):
            yield from leaves(content[key])
