"""Files that appear whole, whoever else writes them, and whatever goes wrong."""

import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tvcli.core.errors import BadInput
from tvcli.core.files.atomic_write import atomic_write, is_partial_of, partial_of


def test_a_file_appears_when_it_is_whole_and_not_otherwise(tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    with atomic_write(target) as partial:
        partial.write_text("one")
        assert not target.exists()
    with pytest.raises(KeyError), atomic_write(target) as partial:
        partial.write_text("two")
        raise KeyError
    assert target.read_text() == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_threads_that_write_one_file_leave_that_of_one_of_them(tmp_path: Path) -> None:
    target = tmp_path / "a.jpg"

    def write(letter: str) -> None:
        for _ in range(20):
            with atomic_write(target) as partial, partial.open("w") as file:
                for _ in range(50):
                    file.write(letter)
                    file.flush()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, "abcd"))
    assert target.read_text() in [letter * 50 for letter in "abcd"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


def test_what_was_left_half_done_is_known_by_its_name(tmp_path: Path) -> None:
    name = partial_of(tmp_path / "x.h5").name
    assert is_partial_of(name, tmp_path / "x.h5")
    assert not is_partial_of(name, tmp_path / "x")
    assert is_partial_of(".x.h5.77.partial", tmp_path / "x.h5")


def test_a_full_disk_is_told_with_the_file_and_who_reads_no_more_is_not(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    told = pytest.raises(BadInput, match=r"records.jsonl: cannot be written: No space left")
    with told, atomic_write(path) as partial, partial.open("w") as stream:
        stream.write("half")
        raise OSError(errno.ENOSPC, "No space left on device")  # it names no file
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BrokenPipeError), atomic_write(path):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
    with pytest.raises(FileNotFoundError), atomic_write(path):  # that of another file
        (tmp_path / "missing").read_text()
