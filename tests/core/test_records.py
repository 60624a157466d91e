import io
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvcli.core.errors import BadInput
from tvcli.core.files.records import (
    MAX_LINE,
    dump_record,
    read_record_file,
    read_records,
    region_from_record,
    write_records,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
records = st.dictionaries(st.text(), json_values, max_size=4)


def read(text: bytes) -> list[dict[str, object]]:
    return [record for record, _ in read_records(io.BytesIO(text), "x")]


@given(st.lists(records, max_size=5))
def test_records_survive_being_written(values: list[dict[str, object]]) -> None:
    text = "\n".join(dump_record(value) for value in values).encode()
    assert read(text) == values


@given(st.lists(records, min_size=1, max_size=5))
def test_a_plain_array_is_read_as_well(values: list[dict[str, object]]) -> None:
    assert read(json.dumps(values).encode()) == values
    assert read(json.dumps(values, indent=2).encode()) == values


@given(st.binary(max_size=200))
def test_any_bytes_are_records_or_refused(content: bytes) -> None:
    try:
        found = read(content)
    except BadInput as error:
        assert str(error).startswith("x")
        assert "\n" not in str(error)
    else:
        assert all(isinstance(record, dict) for record in found)


def test_blank_lines_are_left_out_and_places_are_kept() -> None:
    stream = io.BytesIO(b'{"a": 1}\n\n{"a": 2}\n')
    assert list(read_records(stream, "f.jsonl")) == [
        ({"a": 1}, "f.jsonl:1"),
        ({"a": 2}, "f.jsonl:3"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"3", "not a JSON object"),
        (b"\xff\xd8\xff\xe0 a photo", "not JSON: it is no text"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": 1e999}', "1e999 is too large"),
        (b'{"a": [' + b"9" * 400 + b"]}", "400 digits is too large"),
        (b"[" * 100_000, "nested too deeply|not JSON"),
        (b'{"a":' * 100_000, "nested too deeply|not JSON"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "not JSON"),
        (b'{"a": "' + b"x" * MAX_LINE + b'"}', "longer than"),
        (b'["a"]', "item 1"),
    ],
)
def test_hostile_lines_are_refused(line: bytes, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        read(line)


def test_the_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "boxes.jsonl"
    path.write_text('{"image": "a.jpg"}\n{"image": \n')
    with pytest.raises(BadInput, match=r"boxes\.jsonl:2: not JSON"):
        list(read_record_file(path))
    with pytest.raises(BadInput, match="cannot be read"):
        list(read_record_file(tmp_path / "missing.jsonl"))


def test_a_crop_goes_before_a_box() -> None:
    box, crop = [0, 0, 10, 10], [2, 2, 8, 8]
    region = region_from_record({"image": "a.jpg", "box": box, "crop": crop}, "x")
    assert (region.crop, region.box) == ((2, 2, 8, 8), (0, 0, 10, 10))
    assert region_from_record({"image": "a.jpg", "box": box}, "x").crop == (0, 0, 10, 10)
    assert region_from_record({"image": "a.jpg"}, "x").crop is None


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"image": 3},
        {"image": ""},
        {"image": "a\0b"},
        {"image": "\ud800"},
        {"image": "a", "box": [1, 2]},
        {"image": "a", "crop": "no"},
        {"image": "a", "label": ["x"]},
        {"image": "a", "label": math.inf},
        {"image": "a", "label": "a\0b"},
        {"image": "a", "split": "\ud800"},
    ],
)
def test_bad_records_are_refused(record: dict[str, object]) -> None:
    with pytest.raises(BadInput, match=r"^f:7: "):
        region_from_record(record, "f:7")


def test_names_that_are_not_utf8_survive() -> None:
    name = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    line = dump_record({"image": name})
    assert line.isascii()
    assert read(line.encode())[0]["image"] == name


def test_writing_is_atomic(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    assert write_records(path, [{"a": 1}]) == 1
    with pytest.raises(ValueError, match="JSON"):
        write_records(path, [{"a": 2}, {"a": math.nan}])
    assert path.read_text() == '{"a": 1}\n'
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.jsonl"]


def test_a_byte_order_mark_is_no_part_of_the_first_record() -> None:
    for text in ('{"image": "a.jpg"}\n', '[{"image": "a.jpg"}]'):
        stream = io.BytesIO(b"\xef\xbb\xbf" + text.encode())
        assert [record for record, _ in read_records(stream, "-")] == [{"image": "a.jpg"}]
