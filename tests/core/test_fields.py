"""Fields of records: what is kept of them, in which columns, and what EXIF adds."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from conftest import picture
from PIL import Image

from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import open_artifact, write_artifact
from tvcli.core.files.fields import MOST_FIELDS, FieldReader, as_json, merged, shown
from tvcli.core.files.tables import read_csv
from tvcli.core.images.exif import exif_fields


def read(record: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    notes: list[str] = []
    return dict(FieldReader(notes.append).read(record)), notes


def test_numbers_texts_and_truths_are_kept() -> None:
    record = {"image": "a.jpg", "label": "x", "price": 5, "ean": 2**53 + 1, "sold": False}
    kept, notes = read(record | {"gone": None, "nothing": "", "name": "Ä\n"})
    assert kept == {
        "price": 5.0,
        "ean": str(2**53 + 1),
        "sold": False,
        "gone": None,
        "nothing": None,
        "name": "Ä\n",
    }
    assert notes == []
    assert (
        json.dumps(as_json({"a": 1e308, "b": -(2.0**53)}))
        == '{"a": 1e+308, "b": -9007199254740992}'
    )
    assert shown(1e308) == "1e+308"
    assert as_json({"a": 5.0, "b": 5.5, "c": True, "d": "5"}) == {
        "a": 5,
        "b": 5.5,
        "c": True,
        "d": "5",
    }


@pytest.mark.parametrize(
    "name, value, told",
    [
        ("tags", ["a"], "neither a number"),
        ("more", {"a": 1}, "neither a number"),
        ("long", "x" * 5000, "longer than 4096 characters"),
        ("x" * 65, 1, "1 to 64 printable characters"),
        ("a\x1b[31m", 1, "1 to 64 printable characters"),
        (" a", 1, "1 to 64 printable characters"),
        ("bad", "\ud800", "not UTF-8"),
        ("nul", "a\0b", "NUL"),
        ("far", float("inf"), "not a finite number"),
    ],
)
def test_what_is_no_field_is_left_out_and_told_once(name: str, value: Any, told: str) -> None:
    notes: list[str] = []
    reader = FieldReader(notes.append)
    for _ in range(3):
        assert reader.read({"image": "a", name: value, "good": 1}) == (("good", 1.0),)
    assert len(notes) == 1
    assert told in notes[0]


def test_fields_are_bounded_in_number() -> None:
    kept, notes = read({f"f{number:03}": number for number in range(MOST_FIELDS + 50)})
    assert len(kept) == MOST_FIELDS
    assert len(notes) == 50


def test_fields_that_are_named_are_set_and_others_stay() -> None:
    assert merged({"a": 1.0, "b": "x"}, (("a", 2.0), ("b", None), ("c", True))) == {
        "a": 2.0,
        "c": True,
    }


ROWS: list[dict[str, Any]] = [
    {"price": 1.5, "sku": "A"},
    {},
    {"price": "on request", "w/h%2F": True, "sku": "Ä" * 40},
    {"price": -2.0, "w/h%2F": False},
]


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    with write_artifact(path, "embeddings", {}, {}) as writer:
        for start in range(0, len(rows), 2):
            some = rows[start : start + 2]
            count = len(some)
            writer.append(
                {
                    "embeddings": np.ones((count, 4), np.float16),
                    "image": [f"{start + n}.jpg" for n in range(count)],
                    "region": np.zeros((count, 4), np.float32),
                    "digest": [""] * count,
                    "fields": some,
                }
            )


def test_fields_are_typed_columns(tmp_path: Path) -> None:
    write(tmp_path / "a.h5", ROWS)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["fields/number:price"].dtype == np.float64
        assert file["fields/number:price"].shape == (4,)
        assert h5py.check_string_dtype(file["fields/text:sku"].dtype)
        assert sorted(file["fields"]) == [
            "number:price",
            "text:price",
            "text:sku",
            "truth:w%2Fh%252F",
        ]
    with open_artifact(tmp_path / "a.h5", "embeddings") as file:
        assert file.read("fields") == ROWS
        assert file.read("fields", np.array([3, 0, 3])) == [ROWS[3], ROWS[0], ROWS[3]]
        assert file.field_names == ["price", "sku", "w/h%2F"]
        column = file.field("price", slice(1, 4))
        assert np.array_equal(column.numbers, [np.nan, np.nan, -2.0], equal_nan=True)
        assert column.texts == ["", "on request", ""]
        assert file.field("w/h%2F").truths.tolist() == [-1, -1, 1, 0]
        assert file.field("none").texts == [""] * 4


@pytest.mark.parametrize(
    "name, values",
    [
        ("number:price", np.zeros(3)),
        ("number:x", np.zeros(4, np.float32)),
        ("number:label", np.zeros(4)),
        ("thing:x", np.zeros(4)),
        ("number:\x1b[31m", np.zeros(4)),
    ],
)
def test_columns_that_are_none_are_refused(tmp_path: Path, name: str, values: Any) -> None:
    write(tmp_path / "a.h5", [{}, {}, {}, {}])
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.create_dataset(f"fields/{name}", data=values)
    with pytest.raises(BadInput), open_artifact(tmp_path / "a.h5"):
        pass


def test_numbers_of_strangers_that_are_not_finite_are_not_known(tmp_path: Path) -> None:
    write(tmp_path / "a.h5", [{"x": 1.0}] * 4)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["fields/number:x"][1] = np.inf
    with open_artifact(tmp_path / "a.h5") as file:
        assert file.read("fields")[:2] == [{"x": 1.0}, {}]


def test_csv(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(
        b"\xef\xbb\xbfimage,label,price,sku,sold,x0,y0,x1,y1\r\n"
        b'a.jpg,007,19.90,007,TRUE,1,2,3,4\r\n"b, c.jpg",,,"say ""hi""",no,,,,\r\n'
    )
    first, second = (record for record, _ in read_csv(file))
    assert first == {
        "image": "a.jpg",
        "label": "007",
        "price": 19.9,
        "sku": "007",
        "sold": True,
        "box": [1, 2, 3, 4],
    }
    assert (second["image"], second["sku"], second["sold"]) == ("b, c.jpg", 'say "hi"', "no")
    assert second["price"] is None
    for text, told in (
        (b"a,b\n1,2\n", '"image" among them'),
        (b"image,a\nx\n", ":2: 1 cells under 2 columns"),
        (b"image,image\n", "twice"),
        (b'image\n"x\n', "not CSV"),
        (b"", '"image" among them'),
    ):
        file.write_bytes(text)
        with pytest.raises(BadInput, match=".*" + told.replace("(", r"\(")):
            list(read_csv(file))


def photo(tmp_path: Path, base: dict[int, Any], details: dict[int, Any], gps: Any) -> bytes:
    exif = Image.Exif()
    for tag, value in base.items():
        exif[tag] = value
    exif.get_ifd(0x8769).update(details)
    exif.get_ifd(0x8825).update(gps)
    picture(1).save(tmp_path / "a.jpg", exif=exif)
    return (tmp_path / "a.jpg").read_bytes()


def test_exif(tmp_path: Path) -> None:
    data = photo(
        tmp_path,
        {0x010F: "Canon", 0x0110: "Canon EOS 5D", 0x0132: "2020:01:01 00:00:00"},
        {0x9003: "2024:06:12 10:20:30"},
        {1: "S", 2: (33.0, 51.0, 36.0), 3: "E", 4: (151.0, 12.0, 36.0)},
    )
    assert exif_fields(data) == {
        "taken": "2024-06-12T10:20:30",
        "camera": "Canon EOS 5D",
        "latitude": -33.86,
        "longitude": 151.21,
    }
    odd = photo(
        tmp_path,
        {0x010F: "Apple", 0x0110: "iPhone 12\0"},
        {0x9003: "0000:00:00 00:00:00"},
        {1: "N", 2: (433.0, 51.0, 36.0), 3: "E", 4: (151.0, 12.0, 36.0)},
    )
    assert exif_fields(odd) == {"camera": "Apple iPhone 12"}
    assert exif_fields(b"no picture") == {}
