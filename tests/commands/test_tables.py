"""Hits, detections and encodings as CSV and Parquet, and records from both."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Ran

import tvcli
from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import open_artifact
from tvcli.core.files.parquet import MOST_TEXT, bounded, open_parquet, read_parquet
from tvcli.core.files.records import MAX_LINE
from tvcli.core.files.tables import read_csv, read_table, write_table

Tv = Callable[..., Ran]


@pytest.fixture
def pq() -> Any:
    return pytest.importorskip("pyarrow.parquet", reason="extra parquet")


@pytest.fixture
def table(photos: Path) -> Path:
    path = photos.parent / "articles.csv"
    lines = [
        f"photos/{n}.png,{('dress', 'shoe')[n % 2]},{n}.5,0{n},{'true' if n else ''},1,2,60,70"
        for n in range(5)
    ]
    path.write_text("image,label,price,sku,sold,x0,y0,x1,y1\n" + "\n".join(lines) + "\n")
    return path


def records(ran: Ran) -> list[dict[str, Any]]:
    assert ran.status == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def test_hits_as_csv(table: Path, tv: Tv) -> None:
    index = table.with_name("a.tvx")
    assert tv("index", table, "-o", index).status == 0
    query = ("search", table.parent / "photos" / "0.png", "-i", index, "--format")
    expected = records(tv(*query, "jsonl"))
    rows = list(csv.DictReader(io.StringIO(tv(*query, "csv").out)))
    assert len(rows) == len(expected) == 5
    for row, hit in zip(rows, expected, strict=True):
        assert [float(row[side]) for side in ("x0", "y0", "x1", "y1")] == hit["box"]
        assert float(row["similarity"]) == hit["similarity"]
        assert (row["image"], row["sku"], int(row["rank"])) == (
            hit["image"],
            hit["sku"],
            hit["rank"],
        )
        assert row["sold"] == {True: "true", None: ""}[hit.get("sold")]
    nothing = tv(*query, "csv", "--where", "price>99")
    assert (nothing.status, nothing.out) == (1, "")


def test_records_come_from_either_table(table: Path, tv: Tv, pq: Any) -> None:
    with (parquet := table.with_suffix(".parquet")).open("wb") as stream:
        write_table(stream, "parquet", (record for record, _ in read_table(table)))
    assert [r for r, _ in read_table(parquet)] == [r for r, _ in read_table(table)]
    hits = []
    for source in (table, parquet):
        index = source.with_suffix(source.suffix + ".tvx")
        assert tv("index", source, "-o", index).status == 0
        query = table.parent / "photos" / "0.png"
        hits.append(records(tv("search", query, "-i", index, "--format", "jsonl")))
    assert hits[0] == hits[1]
    by_sku = {hit["sku"]: hit for hit in hits[0]}
    assert set(by_sku) == {f"0{n}" for n in range(5)}
    assert "sold" not in by_sku["00"]
    assert by_sku["01"]["sold"] is True


def test_a_list_of_paths_may_be_named_csv(photos: Path, tv: Tv) -> None:
    listed = photos.parent / "list.csv"
    listed.write_text("".join(f"{photos}/{n}.png\n" for n in range(3)))
    ran = tv("index", listed, "-o", photos.parent / "a.tvx")
    assert (ran.status, "3 photos" in ran.err) == (0, True)


@pytest.mark.parametrize("pool", ["none", "gem"])
def test_encodings_as_parquet_and_back(pool: str, table: Path, tv: Tv, pq: Any) -> None:
    plain, written = table.with_suffix(".h5"), table.with_name("rows.parquet")
    for target in (plain, written):
        ran = tv("encode", table, "-o", target, "--pool", pool)
        assert ran.status == 0, ran.err
    assert not list(table.parent.glob(".rows*"))
    with open_artifact(plain, "encodings") as rows:
        expected = rows.read_columns(slice(None))
    found = pq.read_table(written)
    size = int(np.prod(expected["encodings"].shape[1:]))
    assert str(found.schema.field("encodings").type).startswith("fixed_size_list<")
    assert found.schema.field("encodings").type.list_size == size
    assert found.column("price").to_pylist() == [n + 0.5 for n in range(5)]
    assert found.column("label").to_pylist() == expected["label"]
    assert np.array_equal(
        np.array(found.column("encodings").to_pylist(), np.float16),
        expected["encodings"].reshape(5, size),
    )
    hits = []
    for source in (plain, written):
        index = source.with_suffix(".tvx")
        ran = tv("index", source, "-o", index)
        assert ran.status == 0, ran.err
        query = table.parent / "photos" / "1.png"
        hits.append(records(tv("search", query, "-i", index, "--format", "jsonl")))
    assert hits[0] == hits[1]
    assert "0 added, 0 changed" in tv("index", written, "-o", index, "--update").err
    assert tv("encode", table, "-o", written, "--pool", pool).status == 0  # its own is replaced
    assert tv("encode", table, "-o", written, "--update").status == 2


def test_encodings_as_parquet_are_queries(table: Path, tv: Tv, pq: Any) -> None:
    index, folder = table.with_name("a.tvx"), table.parent / "elsewhere"
    folder.mkdir()  # where the photos do not lie
    asked = [folder / "rows.h5", folder / "rows.parquet"]
    for target in asked:
        assert tv("encode", table, "-o", target, "--pool", "auto").status == 0
    assert tv("index", table, "-o", index).status == 0
    by_file, by_table = (records(tv("search", rows, "-i", index, "-k", 2)) for rows in asked)
    assert by_file == by_table and len(by_table) == 10
    assert [hit["similarity"] > 0.999 for hit in by_table[::2]] == [True] * 5
    for command in (
        ("eval", "search", index, "--truth", "labels", "--queries"),
        ("label", "-i", index),
        ("label", table.parent / "photos", "-i", index, "--fit-on"),
    ):
        first, second = (tv(*command, rows) for rows in asked)
        assert (first.status, first.out) == (second.status, second.out), second.err
    made = []
    for rows in asked:
        ran = tv("triplets", rows, "--flips", "-o", target := rows.with_suffix(".jsonl"))
        assert ran.status == 0, ran.err
        made.append(target.read_text())
    assert made[0] == made[1] and '"../photos/0.png"' in made[1]
    told = [json.loads(tv("info", rows, "--json").out) for rows in asked]
    for name in ("type", "rows", "shape", "labels", "fields"):
        assert told[0][name] == told[1][name]
    assert told[1]["file"] == str(asked[1])
    built = [tvcli.build_index(rows, rows.with_name(f"{n}.tvx")) for n, rows in enumerate(asked)]
    for path in built:
        with tvcli.open_index(path) as opened:
            assert (
                opened.search(item=opened.images[0], k=1)[0].path
                == table.parent / "photos" / "0.png"
            )
            assert opened.update(asked[1]).changed == 0


def test_encodings_are_no_records(table: Path, tv: Tv, pq: Any) -> None:
    rows, index = table.with_name("rows.parquet"), table.with_name("a.tvx")
    assert tv("encode", table, "-o", rows, "--pool", "auto").status == 0
    assert tv("index", table, "-o", index).status == 0
    for command, said in (
        (("encode", rows, "-o", table.with_name("b.h5")), "encodings, where photos or records"),
        (("search", rows, table, "-i", index), "encodings, where photos or records"),
        (("merge", rows, rows, "-o", table.with_name("b.h5")), "a table; merge what"),
        (("index", "--fields", rows, "-o", index), "encodings, where a table of fields"),
    ):
        ran = tv(*command)
        assert (ran.status, said in ran.err) == (3, True), ran.err


def test_hits_as_parquet(table: Path, tv: Tv, pq: Any, tmp_path: Path) -> None:
    from subprocess import run
    from sys import executable

    index = table.with_name("a.tvx")
    assert tv("index", table, "-o", index).status == 0
    query = ("search", str(table.parent / "photos" / "0.png"), "-i", str(index), "--format")
    expected = records(tv(*query, "jsonl"))
    ran = run([executable, "-m", "tvcli", *query, "parquet"], capture_output=True, check=True)
    found = pq.read_table(io.BytesIO(ran.stdout))
    assert found.column("similarity").to_pylist() == [hit["similarity"] for hit in expected]
    assert found.column("rank").to_pylist() == [1, 2, 3, 4, 5]
    assert found.column("x1").to_pylist() == [60.0] * 5


def test_no_text_is_a_formula_to_a_spreadsheet(tmp_path: Path) -> None:
    texts = [
        "=1+1",
        "+49",
        "-2",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "'=1",
        "''-1",
        "'quoted'",
        "a=b",
    ]
    rows = [{"image": "=a.png", "text": text, "number": -0.5, "=head": True} for text in texts]
    path = tmp_path / "a.csv"
    with path.open("wb") as stream:
        write_table(stream, "csv", rows)
    with path.open(newline="") as text:
        cells = [cell for row in csv.reader(text) for cell in row]
    begins = {cell[0] for cell in cells if cell != "-0.5"}
    assert begins.isdisjoint("=+-@\t\r\n")
    assert cells.count("-0.5") == len(texts)  # a number is one to a spreadsheet, too
    found = [row for row, _ in read_csv(path)]
    assert found == [row | {"image": "./=a.png"} for row in rows]


def test_tables_that_are_none(tmp_path: Path, pq: Any, tv: Tv) -> None:
    pa = pytest.importorskip("pyarrow")
    broken = tmp_path / "a.parquet"
    broken.write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")
    assert tv("index", broken, "-o", tmp_path / "a.tvx").status == 3
    pq.write_table(pa.table({"x": [1]}), broken)
    ran = tv("index", broken, "-o", tmp_path / "a.tvx")
    assert (ran.status, 'no column "image"' in ran.err) == (3, True)
    about = {b"tvcli.encodings": b'{"shape": [4], "settings": {}, "provenance": {}}'}
    pq.write_table(pa.table({"image": ["a"]}).replace_schema_metadata(about), broken)
    ran = tv("index", broken, "-o", tmp_path / "a.tvx")
    assert (ran.status, "not as tv writes encodings" in ran.err) == (3, True)
    with pytest.raises(BadInput, match="no UTF-8"):
        write_table(io.BytesIO(), "parquet", [{"image": "\udcff"}])


def test_a_small_parquet_of_endless_text_is_read_in_parts(tmp_path: Path, pq: Any) -> None:
    pa = pytest.importorskip("pyarrow")
    path, zeros = tmp_path / "a.parquet", np.zeros(5000, np.int32)
    image = pa.DictionaryArray.from_arrays(zeros, pa.array(["a.png"]))
    note = pa.DictionaryArray.from_arrays(zeros, pa.array(["x" * 2**20]))  # 5 GB written out
    pq.write_table(pa.table({"image": image, "note": note}), path)
    assert path.stat().st_size < 100_000
    with open_parquet(path) as file:
        parts = [part for batch in file.iter_batches(4096) for part in bounded(path, batch)]
    assert sum(map(len, parts)) == 5000 and max(map(len, parts)) <= MOST_TEXT >> 20
    longer = pa.DictionaryArray.from_arrays(zeros, pa.array(["x" * (MAX_LINE + 1)]))
    pq.write_table(pa.table({"image": image, "note": longer}), path)
    with pytest.raises(BadInput, match="a row longer than 16 MiB"):
        next(read_parquet(path))


def test_columns_of_parquet_that_nothing_is_made_of(tmp_path: Path, pq: Any) -> None:
    pa, path = pytest.importorskip("pyarrow"), tmp_path / "a.parquet"
    many = pa.array([[0.0] * 50_000])

    def write(**columns: Any) -> None:
        pq.write_table(pa.table({"image": ["a.png"]} | columns), path)

    write(box=[[1.0, 2.0, 3.0, 4.0]], other=many, width=pa.array([5], pa.uint8()))
    expected = {"image": "a.png", "box": [1.0, 2.0, 3.0, 4.0], "other": [], "width": 5}
    assert list(read_parquet(path)) == [expected]
    write(box=many)
    with pytest.raises(BadInput, match="column box: a box has four numbers"):
        list(read_parquet(path))
    for beyond in (pa.array([2**30], pa.date32()), pa.array([2**60], pa.timestamp("ms"))):
        write(taken=beyond)
        with pytest.raises(BadInput, match="column taken"):
            list(read_parquet(path))
    write(taken=pa.array([1_700_000_000_000_000_001], pa.timestamp("ns")))
    (row,) = read_parquet(path)
    assert row["taken"] == "2023-11-14T22:13:20"


def test_columns_of_several_types_are_texts(pq: Any) -> None:
    rows = [{"a": 1, "b": 1, "c": True}, {"a": "x", "b": 0.5}, {"a": True, "d": [1]}]
    stream = io.BytesIO()
    assert write_table(stream, "parquet", rows) == 3
    stream.seek(0)
    found = pq.read_table(stream).to_pydict()
    assert found == {
        "a": ["1", "x", "true"],
        "b": [1.0, 0.5, None],
        "c": [True, None, None],
        "d": [None, None, "[1]"],
    }


def test_without_pyarrow_it_is_told_before_anything_is_done(
    table: Path, tv: Tv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    ran = tv("encode", table, "-o", table.with_name("rows.parquet"))
    assert (ran.status, "pip install 'tvcli[parquet]'" in ran.err) == (3, True)
