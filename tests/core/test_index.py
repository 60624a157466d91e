import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tvcli.core.engines.condition_grammar import parse_condition
from tvcli.core.errors import BadInput, Mismatch, UsageError
from tvcli.core.files.paths import MANIFEST, photos_root
from tvcli.core.indexes.building import build_index, change_index
from tvcli.core.indexes.index import open_index

SETTINGS = {"encoder": {"pool": "mean"}, "weights_file": None, "root": "..", "root_absolute": "/x"}


def rows(count: int, seed: int = 0) -> dict[str, Any]:
    vectors = np.random.default_rng(seed).normal(size=(count, 16)).astype(np.float32)
    return {
        "embeddings": vectors,
        "image": [f"{n}.jpg" for n in range(count)],
        "region": [(0, 0, 1, 1)] * count,
        "digest": ["d"] * count,
    }


def build(target: Path, *blocks: dict[str, Any], **options: Any) -> Path:
    build_index(target, iter(blocks or (rows(50),)), SETTINGS, {"command": []}, **options)
    return target


def test_an_index_finds_its_own_rows(tmp_path: Path) -> None:
    with open_index(build(tmp_path / "x.tvx", rows(30), rows(20, 1))) as index:
        assert len(index) == 50
        similarities, found = index.search(index.vectors(slice(0, 50)), 3)
        assert found[:, 0].tolist() == list(range(50))
        assert np.allclose(similarities[:, 0], 1, atol=1e-6)
        assert index.columns(np.array([31]))["image"] == ["1.jpg"]


def test_the_rows_that_meet_conditions(tmp_path: Path) -> None:
    target = build(tmp_path / "x.tvx", rows(30), {**rows(20, 1), "label": ["dress"] * 20})
    with open_index(target) as index:
        change_index(target, index, np.arange(5), iter(()), iter(()), {})
    with open_index(target) as index:  # without the first five
        conditions = [parse_condition(text) for text in ("label=dress", "image^=1")]
        assert [index.images[row] for row in index.meeting(conditions)] == [
            f"{n}.jpg" for n in (1, *range(10, 20))
        ]
        assert index.meeting([parse_condition("label=coat")]).tolist() == []
        with pytest.raises(UsageError, match="price"):
            index.meeting([parse_condition("price<5")])


@pytest.mark.parametrize("engine", ["exact", "annoy"])
def test_a_new_index_takes_the_place_of_the_old(tmp_path: Path, engine: Any) -> None:
    target = build(tmp_path / "x.tvx", rows(50), engine=engine)
    with open_index(target) as old:
        build(target, rows(20, 5), engine=engine)
        assert len(old.vectors(slice(0, 50))) == 50  # who had it open still reads the old state
    with open_index(target) as new:
        assert len(new) == 20
    assert len(list(target.iterdir())) == (2 if engine == "exact" else 3)


def test_a_failure_leaves_the_old_index(tmp_path: Path) -> None:
    target = build(tmp_path / "x.tvx")
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    bad = rows(5)
    bad["embeddings"][3] = np.nan
    with pytest.raises(BadInput, match=r"3\.jpg: its vector is zero or not finite"):
        build(target, rows(10), bad)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    with pytest.raises(BadInput, match="nothing to index"):
        build(tmp_path / "y.tvx", {**rows(0)} | {"image": []})
    assert [path.name for path in tmp_path.iterdir()] == ["x.tvx"]


@pytest.mark.annoy
def test_annoy_is_a_cache(tmp_path: Path) -> None:
    target = build(tmp_path / "x.tvx", rows(400), engine="annoy")
    ann = next(target.glob("*.annoy"))
    whole = ann.read_bytes()
    with open_index(target) as index:
        assert index.store.engine_name == "annoy"
        assert index.manifest.ann["recall@10"] >= 0.95
    for harm in (whole[:100], b"", whole + b"x"):
        ann.write_bytes(harm)
        with open_index(target) as index:
            assert index.search(index.vectors(slice(7, 8)), 1)[1].tolist() == [[7]]
        assert ann.read_bytes() == whole
    ann.unlink()
    with open_index(target) as index:
        assert index.store.engine_name == "annoy"
    assert ann.read_bytes() == whole


@pytest.mark.annoy
def test_the_default_engine_depends_on_the_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tvcli.core.engines.EXACT_UNTIL", 49)
    with open_index(build(tmp_path / "large.tvx")) as index:
        assert index.store.engine_name == "annoy"
    monkeypatch.setattr("tvcli.core.engines.EXACT_UNTIL", 50)
    with open_index(build(tmp_path / "small.tvx")) as index:
        assert index.store.engine_name == "exact"


def test_photos_are_found_where_they_lie_now(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "0.jpg").write_bytes(b"x")
    target = build(home / "x.tvx")
    with open_index(target) as index:
        assert index.root == home
    home.rename(tmp_path / "moved")
    with open_index(tmp_path / "moved" / "x.tvx") as index:
        assert index.root == tmp_path / "moved"
        assert index.find(str(tmp_path / "moved" / "3.jpg")).tolist() == [3]
        assert index.find("3.jpg").tolist() == [3]
        assert index.find("none.jpg").tolist() == []


@pytest.mark.parametrize("queries", [1, 8])  # one by one, and as a product of matrices
def test_vectors_that_are_no_numbers_are_damage(tmp_path: Path, queries: int) -> None:
    block = rows(50)
    block["embeddings"][7] = np.nan
    target = build(tmp_path / "x.tvx", block, stored=True)
    with open_index(target) as index, pytest.raises(BadInput, match="its vectors are damaged"):
        index.search(np.ones((queries, index.manifest.dimension), np.float32), 3)


def test_a_query_of_another_size(tmp_path: Path) -> None:
    with (
        open_index(build(tmp_path / "x.tvx")) as index,
        pytest.raises(Mismatch, match="16 values, the query has 3"),
    ):
        index.search(np.ones((1, 3), np.float32), 1)


@pytest.mark.parametrize(
    "change",
    [
        {"embeddings": "../outside.h5"},
        {"embeddings": "/etc/passwd"},
        {"rows": 51},
        {"rows": "50"},
        {"dimension": 17},
        {"engine": "magic"},
        {"settings": {}},
        {"type": "other"},
        {"version": 0},
        {"surprise": 1},
    ],
)
def test_a_manifest_that_lies_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    target = build(tmp_path / "x.tvx")
    content = json.loads((target / MANIFEST).read_text()) | change
    (target / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(BadInput, match=r"x\.tvx"), open_index(target):
        pass


@pytest.mark.parametrize(
    "name", ["../a.h5", "/a.h5", "a\0b", "\ud800", "", ".", "..", "a/b", 5, None]
)
@pytest.mark.parametrize("part", ["words", "keypoints", "edited_fields"])
def test_files_of_an_index_lie_in_it(tmp_path: Path, part: str, name: object) -> None:
    target = build(tmp_path / "x.tvx")
    content = json.loads((target / MANIFEST).read_text())
    content["settings"][part] = {"file": name, "rows": 1}
    (target / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(BadInput, match="damaged"), open_index(target):
        pass


@pytest.mark.parametrize("root", ["a\0b", "\ud800", "", 5, None])
@pytest.mark.parametrize("part", ["root", "root_absolute"])
def test_the_folder_of_the_photos_is_a_path(tmp_path: Path, part: str, root: object) -> None:
    target = build(tmp_path / "x.tvx")
    content = json.loads((target / MANIFEST).read_text())
    content["settings"][part] = root
    (target / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(BadInput, match="damaged"), open_index(target):
        pass


def test_a_folder_that_no_system_has_is_elsewhere(tmp_path: Path) -> None:
    settings = {"root": "x" * 5000, "root_absolute": "/photos"}
    assert photos_root(settings, tmp_path) == Path("/photos")


def test_what_is_no_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such index; make one with"), open_index(tmp_path / "x"):
        pass
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="not an index"), open_index(tmp_path / "empty"):
        pass
    with pytest.raises(BadInput, match="is there, but is no index"):
        build(tmp_path / "empty")
    target = build(tmp_path / "x.tvx")
    (target / MANIFEST).write_text("{")
    with pytest.raises(BadInput, match="damaged"), open_index(target):
        pass
    content = '{"type": "index", "version": 99}'
    (target / MANIFEST).write_text(content)
    with pytest.raises(Mismatch, match="newer tv"), open_index(target):
        pass
