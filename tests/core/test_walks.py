"""Damage that HDF5 itself would follow for ever, or make room for, is told in one line."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.reliability.watched import Watched


def put(content: bytearray, place: int, number: int) -> None:
    struct.pack_into("<Q", content, place, number)


def text_of_nothing(content: bytearray) -> None:
    collection = content.index(b"GCOL")
    struct.pack_into("<H6xQ", content, collection + 16, 0, 0)


def text_longer_than_all_numbers(content: bytearray) -> None:
    put(content, content.index(b"GCOL") + 24, 2**64 - 16)


def free_block_before_itself(content: bytearray) -> None:
    heap = content.index(b"HEAP")
    _, free, data = struct.unpack_from("<QQQ", content, heap + 8)
    put(content, data + free, free)


def group_in_itself(content: bytearray) -> None:
    tree = content.index(b"TREE\0")
    content[tree + 5] = 1  # no leaf, but a node above one
    put(content, tree + 32, tree)


def chunks_in_themselves(content: bytearray) -> None:
    tree = content.index(b"TREE\1")
    content[tree + 5] = 1
    put(content, tree + 24 + 32, tree)


def references(content: bytearray) -> list[int]:
    """Return where texts are referred to: a length, the address of the collection, a number."""
    address = struct.pack("<Q", content.index(b"GCOL"))
    return [n - 4 for n in range(96, len(content)) if content[n : n + 8] == address]


def attribute_of_3_gib(content: bytearray) -> None:
    struct.pack_into("<I", content, references(content)[0], 3 * 2**30)


def name_of_3_gib(content: bytearray) -> None:
    struct.pack_into("<I", content, references(content)[-1], 3 * 2**30)


@pytest.mark.parametrize(
    "harm",
    [
        text_of_nothing,
        text_longer_than_all_numbers,
        free_block_before_itself,
        group_in_itself,
        chunks_in_themselves,
        attribute_of_3_gib,
        name_of_3_gib,
    ],
)
def test_what_leads_nowhere(
    harm: Callable[[bytearray], None], watched: Watched, tmp_path: Path
) -> None:
    content = bytearray(watched.inputs["encodings"].good)
    harm(content)
    path = tmp_path / "e.h5"
    path.write_bytes(content)
    assert watched.sound("encodings", path) is None
    assert str(watched.refused("encodings", path)).startswith(f"BadInput: {path}: ")


@pytest.mark.parametrize("kind", [b"TREE\0", b"TREE\1"])
def test_siblings_are_not_followed(kind: bytes, watched: Watched, tmp_path: Path) -> None:
    content = bytearray(watched.inputs["encodings"].good)
    tree = content.index(kind)
    put(content, tree + 16, tree)
    path = tmp_path / "e.h5"
    path.write_bytes(content)
    assert watched.refused("encodings", path) is None
