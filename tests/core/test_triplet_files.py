"""Files of triplets: lines as `tv triplets` writes them are read faster, and to the same end."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tvcli.core.errors import BadInput
from tvcli.core.files.paths import absolute_path, path_in
from tvcli.core.ranking.triplet_table import read_triplet_table
from tvcli.core.ranking.triplets import Item, Triplet, write_triplets

ITEMS = (
    Item("/photos/a.jpg", (0.0, 0.0, 64.0, 48.5), label="cat"),
    Item("/photos/in/é { b.jpg", flip=True),
    Item("/photos/c } d.jpg", label="dog"),
    Item('/photos/"e".jpg', (1.0, 2.0, 3.0, 4.0)),
)


class Pipe(io.BytesIO):
    """What cannot be read twice, and so is read line by line."""

    def seekable(self) -> bool:
        return False


def read_triplets(path: Path) -> list[Triplet]:
    """Return what a file is read as, which must be what a pipe is, faults and all."""
    told: list[tuple[str, str]] = []
    piped: list[tuple[str, str]] = []
    table = read_triplet_table(path, None, lambda *fault: told.append(fault))
    with contextlib.chdir(path.parent):
        stdin = Pipe(path.read_bytes())
        same = read_triplet_table(Path("-"), stdin, lambda *fault: piped.append(fault))
    assert told == [(where.replace("-", str(path), 1), fault) for where, fault in piped]
    assert table.items == same.items
    assert np.array_equal(table.numbers, same.numbers)
    assert np.array_equal(table.testing, same.testing)
    splits = ("test" if test else "train" for test in table.testing)
    found = [
        Triplet(*(table.items[number] for number in numbers), split)
        for numbers, split in zip(table.numbers, splits, strict=True)
    ]
    assert table.items == list(dict.fromkeys(item for triplet in found for item in triplet.items))
    return found


def test_a_triplet_of_less_than_three_is_told_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    sound = Triplet(*ITEMS[:3])
    write_triplets(path, [sound, Triplet(ITEMS[0], ITEMS[1], ITEMS[1]), sound])
    told: list[tuple[str, str]] = []
    read_triplet_table(path, None, lambda *fault: told.append(fault))
    assert told == [(f"{path}:2", "its positive is its negative")]
    assert read_triplets(path) == [sound, sound]


def test_written_lines_are_read_as_any_others_are(tmp_path: Path) -> None:
    triplets = [
        Triplet(ITEMS[n % 4], ITEMS[(n + 1) % 4], ITEMS[(n + 2) % 4], ("train", "test")[n % 2])
        for n in range(8)
    ]
    written, respelt = tmp_path / "t.jsonl", tmp_path / "respelt.jsonl"
    write_triplets(written, triplets)
    lines = written.read_bytes().splitlines()
    records = [json.loads(line) for line in lines]
    respelt.write_text("\n".join(json.dumps(dict(reversed(r.items()))) for r in records), "utf-8")
    assert read_triplets(written) == read_triplets(respelt) == triplets


@pytest.mark.parametrize(
    ("anchor", "fault"),
    [
        ({"image": ""}, 't.jsonl:2: anchor: a record needs an "image"'),
        ({"image": "a.jpg", "box": [0, 0, 0, 4]}, "t.jsonl:2: anchor: box: box .* is empty"),
        ({"image": "a.jpg", "label": ["cat"]}, 't.jsonl:2: anchor: "label" must be text'),
    ],
)
def test_what_is_wrong_with_a_written_line_is_said(
    tmp_path: Path, anchor: dict[str, Any], fault: str
) -> None:
    def line(first: dict[str, Any]) -> str:
        others = {"positive": {"image": "b.jpg"}, "negative": {"image": "c.jpg"}}
        return json.dumps({"anchor": first} | others | {"split": "train"}) + "\n"

    path = tmp_path / "t.jsonl"
    path.write_text(line({"image": "a.jpg"}) + line(anchor), "utf-8")
    with pytest.raises(BadInput, match=fault):
        read_triplets(path)


def test_a_written_line_that_is_no_json_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'{"anchor": {x}, "positive": {}, "negative": {}, "split": "train"}\n')
    with pytest.raises(BadInput, match=r"t\.jsonl:1: not JSON"):
        read_triplets(path)


@pytest.mark.parametrize("name", ["a.jpg", "in/./a.jpg", "../a.jpg", "/b/../a.jpg", "in//a.jpg"])
def test_a_name_in_a_folder_is_where_the_system_says(name: str) -> None:
    assert path_in("/photos", name) == absolute_path(Path("/photos") / name)
    assert path_in("/", name) == absolute_path(Path("/") / name)
