import json
import socket
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvcli.core.errors import BadInput, Mismatch
from tvcli.core.files.artifacts import Columns, open_artifact, write_artifact


def block(start: int, count: int, **known: Any) -> Columns:
    numbers = range(start, start + count)
    return {
        "encodings": np.array([[n, -n, 0.5] for n in numbers], np.float32),
        "image": [f"{n}.jpg" for n in numbers],
        "region": [(0, 0, n + 1, 2) for n in numbers],
        "digest": ["d"] * count,
        **known,
    }


def write(path: Path, *blocks: Columns) -> Path:
    with write_artifact(path, "encodings", {"a": 1}, {"command": ["tv"]}) as writer:
        for columns in blocks:
            writer.append(columns)
    return path


def test_rows_survive(tmp_path: Path) -> None:
    path = write(tmp_path / "e.h5", block(0, 3), block(3, 2))
    with open_artifact(path, "encodings") as file:
        assert (len(file), file.row_shape, file.version) == (5, (3,), 1)
        assert file.settings == {"a": 1}
        assert file.read("image") == [f"{n}.jpg" for n in range(5)]
        assert file.read("encodings", np.array([4, 0, 4]))[:, 0].tolist() == [4, 0, 4]
        assert file.read("region", slice(1, 3)).tolist() == [[0, 0, 2, 2], [0, 0, 3, 2]]


def test_optional_columns_are_blank_until_known(tmp_path: Path) -> None:
    known = {"label": ["", "dress"], "box": [(np.nan,) * 4, (1, 2, 3, 4)], "flip": [False, True]}
    path = write(tmp_path / "e.h5", block(0, 2), block(2, 2, **known), block(4, 1))
    with open_artifact(path) as file:
        assert file.columns == ["encodings", "image", "region", "digest", "box", "label", "flip"]
        assert file.read("label") == ["", "", "", "dress", ""]
        assert np.isnan(file.read("box")[[0, 1, 2, 4]]).all()
        assert file.read("box")[3].tolist() == [1, 2, 3, 4]
        assert file.read("flip").tolist() == [False, False, False, True, False]
        assert file.read("split", slice(0, 2)) == ["", ""]


def test_names_that_are_not_utf8_survive(tmp_path: Path) -> None:
    name = b"caf\xe9\n.jpg".decode("utf-8", "surrogateescape")
    path = write(tmp_path / "e.h5", block(0, 1) | {"image": [name]})
    with open_artifact(path) as file:
        assert file.read("image") == [name]


def test_the_same_rows_make_the_same_bytes(tmp_path: Path) -> None:
    first = write(tmp_path / "1.h5", block(0, 4)).read_bytes()
    assert write(tmp_path / "2.h5", block(0, 4)).read_bytes() == first


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = write(tmp_path / "e.h5", block(0, 4))
    before = path.read_bytes()
    with (
        pytest.raises(ZeroDivisionError),
        write_artifact(path, "encodings", {}, {}) as writer,
    ):
        writer.append(block(0, 1))
        raise ZeroDivisionError
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["e.h5"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "no").write_text("a file")
    with (
        pytest.raises(BadInput, match="cannot be written: its folder is a file"),
        write_artifact(tmp_path / "no" / "e.h5", "encodings", {}, {}),
    ):
        pass


def refused(path: Path, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match) as caught, open_artifact(path, "encodings"):
        pass
    assert str(path) in str(caught.value)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    whole = write(tmp_path / "e.h5", block(0, 40)).read_bytes()
    for name, content, reason in [
        ("empty", b"", "not an HDF5"),
        ("text", b"hello", "not an HDF5"),
        ("records", b'{"image": "a.png"}\n', "but records; encode them first: tv encode"),
        ("cut", whole[: len(whole) // 2], "truncated"),
    ]:
        (tmp_path / name).write_bytes(content)
        refused(tmp_path / name, BadInput, reason)
    refused(tmp_path / "missing", BadInput, "no such file")
    refused(tmp_path, BadInput, "folder")
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["x"] = 1
    refused(tmp_path / "foreign.h5", BadInput, "not written by tv")
    with h5py.File(tmp_path / "later.h5", "w", libver="latest") as file:
        file.attrs["type"] = "encodings"
    refused(tmp_path / "later.h5", BadInput, "not written by tv")
    with write_artifact(tmp_path / "head.h5", "head", {}, {}):
        pass
    refused(tmp_path / "head.h5", BadInput, "holds a head, not encodings")


def external_link(file: h5py.File) -> None:
    del file["image"]
    file["image"] = h5py.ExternalLink("/etc/passwd", "/x")


def soft_link(file: h5py.File) -> None:
    del file["digest"]
    file["digest"] = h5py.SoftLink("/image")


def external_storage(file: h5py.File) -> None:
    del file["region"]
    file.create_dataset("region", (4, 4), "f4", external=[("/etc/hostname", 0, 64)])


def huge_shape(file: h5py.File) -> None:
    del file["encodings"]
    file.create_dataset("encodings", (4, 2**40), "f2", chunks=(1, 2**20), fillvalue=0)


def text_for_no_row(file: h5py.File) -> None:
    del file["image"]
    file.create_dataset("image", (4,), h5py.string_dtype(), chunks=(2,), fillvalue="a" * 99)


def compressed(file: h5py.File) -> None:
    del file["region"]
    file.create_dataset("region", data=np.random.rand(4, 4).astype("f4"), compression="gzip")


def object_references(file: h5py.File) -> None:
    del file["image"]
    file.create_dataset("image", data=np.array([file.ref] * 4, dtype=h5py.ref_dtype))


def wrong_dtype(file: h5py.File) -> None:
    del file["encodings"]
    file["encodings"] = np.zeros((4, 3), np.float64)


def other_length(file: h5py.File) -> None:
    file["digest"].resize(2, axis=0)


def missing(file: h5py.File) -> None:
    del file["region"]


def group_for_dataset(file: h5py.File) -> None:
    del file["digest"]
    file.create_group("digest")


def cycle(file: h5py.File) -> None:
    file["loop"] = file["/"]


def settings_not_json(file: h5py.File) -> None:
    file.attrs["settings"] = "{"


def no_version(file: h5py.File) -> None:
    del file.attrs["version"]


@pytest.mark.parametrize(
    "harm",
    [
        external_link,
        soft_link,
        external_storage,
        huge_shape,
        text_for_no_row,
        compressed,
        object_references,
        wrong_dtype,
        other_length,
        missing,
        group_for_dataset,
        cycle,
        settings_not_json,
        no_version,
    ],
)
def test_hostile_files_are_refused(harm: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "e.h5", block(0, 4))
    with h5py.File(path, "r+") as file:
        harm(file)
    refused(path, BadInput, r"e\.h5: ")


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "e.h5", block(0, 4))
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = 99
    refused(path, Mismatch, "newer tv: upgrade")


@settings(max_examples=60)
@given(data=st.data())
def test_damaged_files_open_or_are_refused(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = write(tmp_path_factory.mktemp("fuzz") / "e.h5", block(0, 4))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        with open_artifact(path, "encodings") as file:
            file.read_columns(slice(0, 4))
    except (BadInput, Mismatch) as error:
        assert "\n" not in str(error)


def test_settings_are_plain_json(tmp_path: Path) -> None:
    path = write(tmp_path / "e.h5", block(0, 1))
    with h5py.File(path) as file:
        assert json.loads(file.attrs["settings"]) == {"a": 1}


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.h5"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        with pytest.raises(BadInput, match=r"rows\.h5: cannot be read: "), open_artifact(path):
            pass
