"""Searches that ask the neighbours too, on every engine, with every other option."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Ran, drawn

from tvcli.core.engines import STRUCTURES
from tvcli.core.engines.structures import why_not
from tvcli.core.files.records import Region
from tvcli.core.indexes.building import build_index
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.reports import Report
from tvcli.core.searching.evaluation import verdict
from tvcli.core.searching.hits import SearchSettings
from tvcli.core.searching.k_reciprocal import KReciprocal, k_reciprocal_order
from tvcli.core.searching.neighbours import asked_neighbours
from tvcli.core.searching.queries import Query, refine
from tvcli.core.searching.searcher import Searcher

Tv = Callable[..., Ran]
SETTINGS = {"encoder": {"pool": "mean"}, "weights_file": None, "root": ".", "root_absolute": "/"}
EXPANSION = ("--query-expansion", 2, "--alpha", 1)


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("neighbours")
    (folder / "photos" / "odd").mkdir(parents=True)
    for number in range(12):
        drawn(number).save(folder / "photos" / ("odd" if number % 2 else "") / f"{number}.png")
    for copy in range(6):
        shutil.copy(folder / "photos" / "0.png", folder / "photos" / f"copy{copy}.png")
    return folder


@pytest.fixture
def index(collection: Path, tv: Tv) -> Path:
    path = collection / "photos.tvx"
    if not path.exists():
        assert tv("index", collection / "photos", "-o", path).status == 0
    return path


def hits(ran: Ran) -> list[dict[str, Any]]:
    assert ran.status == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def names(found: list[dict[str, Any]]) -> list[str]:
    return [Path(hit["image"]).name for hit in found]


def by_hand(index: Index, query: np.ndarray, rows: list[int], alpha: float) -> np.ndarray:
    """Return the similarities (N,) to a query drawn to some rows."""
    vectors = index.vectors(slice(None))
    drawn = query + sum(max(float(vectors[row] @ query), 0) ** alpha * vectors[row] for row in rows)
    similarities: np.ndarray = vectors @ (drawn / np.linalg.norm(drawn))
    return similarities


@pytest.mark.parametrize("options", [(), ("--where", "image^=odd/"), ("--distinct",)])
def test_a_query_is_drawn_to_the_closest_that_may_be_hits(
    options: tuple[str, ...], index: Path, tv: Tv
) -> None:
    """Its own photo and copies of it are none; of a content one counts, if one is shown."""
    query = ("search", "--item", "0.png", "-i", index, "-k", 12)
    plain = names(hits(tv(*query, *options)))
    found = hits(tv(*query, *options, *EXPANSION))
    own = {"0.png", *(f"copy{n}.png" for n in range(6))}
    with open_index(index) as opened:
        numbers = {Path(image).name: row for row, image in enumerate(opened.images)}
        near = [numbers[name] for name in plain if name not in own][:2]
        if options == ():  # twelve hits, seven of them the photo itself
            near = [numbers[name] for name in names(hits(tv(*query[:-1], 99))) if name not in own][
                :2
            ]
        vector = opened.vectors(np.array([numbers["0.png"]]))[0]
        similarities = by_hand(opened, vector, near, 1)
    assert [hit["similarity"] for hit in found] == pytest.approx(
        [float(similarities[numbers[name]]) for name in names(found)], abs=1e-5
    )
    assert sorted((hit["similarity"] for hit in found), reverse=True) == [
        hit["similarity"] for hit in found
    ]
    assert all("probability" not in hit for hit in found)


def test_examples_are_expanded_as_one_query(index: Path) -> None:
    settings = SearchSettings(k=99, neighbours=asked_neighbours(1, 0))
    with open_index(index) as opened:
        liked, unliked = (opened.vectors(opened.find(n))[0] for n in ("odd/1.png", "2.png"))
        ((query, found),) = Searcher(opened).search(
            None, settings, Report(), likes=[Region("odd/1.png")], unlikes=[Region("2.png")]
        )
        refined = refine(None, {"1": liked}, {"2": unliked}).vector
        refined /= np.linalg.norm(refined)
        vectors = opened.vectors(slice(None))
        similarities = by_hand(opened, refined, [int((vectors @ refined).argmax())], 0)
    assert np.allclose(query.vector / np.linalg.norm(query.vector) @ vectors.T, similarities)
    for hit in found:
        assert hit.similarity == pytest.approx(float(similarities[hit.row]), abs=1e-5)


def test_hits_are_reordered_and_keep_their_similarities(index: Path, tv: Tv) -> None:
    query = ("search", "--item", "0.png", "-i", index, "-k", 12, "--distinct")
    options = ("--k-reciprocal", 10, "--k1", 3, "--k2", 2, "--lambda", 0)
    plain, found = hits(tv(*query)), hits(tv(*query, *options))
    similarities = {name: hit["similarity"] for name, hit in zip(names(plain), plain, strict=True)}
    assert {n: h["similarity"] for n, h in zip(names(found), found, strict=True)} == similarities
    assert names(found) != names(plain) and names(found)[0] == "0.png"
    assert names(found)[10:] == names(plain)[10:]  # behind the shortlist
    assert len(found[0]["same_content"]) == 6
    assert [hit["rank"] for hit in found] == list(range(1, 13))
    least = sorted(similarities.values())[6]
    kept = hits(tv(*query, *options, "--min-score", least - 1e-6))  # it was rounded
    assert names(kept) == [name for name in names(found) if similarities[name] >= least]


def test_copies_are_found_by_expanded_queries_too(collection: Path, index: Path, tv: Tv) -> None:
    query = ("search", collection / "photos" / "4.png", "-i", index, "--verify", "default")
    assert names(hits(tv(*query, *EXPANSION))) == ["4.png"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--k-reciprocal", 5, "--verify", "default"), "--verify puts hits in an order, too"),
        (("--k-reciprocal", 5, "--rerank", 5), "--rerank puts hits in an order, too"),
        (("--query-expansion", 5, "--explain", "why"), "--explain"),
        (("--query-expansion", 5, "--metric", "euclidean"), "--query-expansion goes by the cosine"),
        (("--k-reciprocal", 5, "--metric", "euclidean"), "--k-reciprocal goes by the cosine"),
        (("--alpha", 1), "--alpha: goes with --query-expansion"),
        (("--k1", 1), "go with --k-reciprocal"),
        (("--query-expansion", 2, "--alpha", "nan"), "--alpha"),
    ],
)
def test_what_does_not_go_together_is_refused(
    options: tuple[Any, ...], said: str, index: Path, tv: Tv
) -> None:
    ran = tv("search", "--item", "0.png", "-i", index, *options)
    assert (ran.status, ran.out) == (2, "") and said in ran.err


def test_an_index_is_compared_with_itself_without_them(index: Path, tv: Tv) -> None:
    measured = ("eval", "search", index, "--truth", "folders", "-k", 5)
    plain = {r["metric"]: r["value"] for r in hits(tv(*measured))}
    drawn = {r["metric"]: r["value"] for r in hits(tv(*measured, *EXPANSION))}
    ran = tv(*measured, *EXPANSION, "--compare", index)
    records = hits(ran)
    for record in records:
        name = record["metric"]
        assert (record["value"], record["other"]) == (drawn[name], plain[name])
    assert plain != drawn and verdict(records, str(index), f"{index} by itself") in ran.err
    ran = tv(*measured, *EXPANSION, "--calibrate")
    assert ran.status == 2 and "--calibrate" in ran.err


@pytest.mark.parametrize("engine", ["exact", *STRUCTURES])
def test_all_engines_ask_the_neighbours_alike(engine: str, tmp_path: Path) -> None:
    if engine in STRUCTURES and why_not(engine):
        pytest.skip(why_not(engine))
    rng = np.random.default_rng(0)
    values = rng.normal(size=(300, 8)).astype(np.float32)
    block = {
        "embeddings": values / np.linalg.norm(values, axis=1, keepdims=True),
        "image": [f"{row}.jpg" for row in range(300)],
        "region": np.tile(np.float32([0, 0, 1, 1]), (300, 1)),
        "digest": [str(row) for row in range(300)],
        "label": ["odd" if row % 2 else "even" for row in range(300)],
    }
    build_index(tmp_path / "a.tvx", iter([block]), SETTINGS, {}, engine=engine)
    check_neighbours(tmp_path / "a.tvx", values[7] + 0.1)


def check_neighbours(path: Path, query: np.ndarray) -> None:
    """See that an index of rows labelled odd and even finds what loops over its vectors do."""
    how = asked_neighbours(5, 2, 40, 8, 3, 0.3)
    settings = SearchSettings(k=20, where=["label=odd"], neighbours=how, budget=100_000)
    with open_index(path) as index:
        asked = [Query("q", query.astype(np.float32))]
        ((_, found),) = Searcher(index).search(asked, settings, Report())
        vectors = index.vectors(slice(None))
        allowed = [row for row, label in enumerate(index.labels) if label == "odd"]
        direction = query / np.linalg.norm(query)
        near = sorted(allowed, key=lambda row: -float(vectors[row] @ direction))[:5]
        similarities = by_hand(index, direction, near, 2)
        order = np.array(sorted(allowed, key=lambda row: -float(similarities[row]))[:40])
        weights = [max(float(vectors[row] @ direction), 0) ** 2 for row in near]
        drawn = direction + np.einsum("n,nd->d", weights, vectors[near])
        drawn = (drawn / np.linalg.norm(drawn)).astype(np.float32)
        reciprocal = how.reciprocal or KReciprocal(1)
        expected = order[k_reciprocal_order(drawn, vectors[order], reciprocal)][:20]
        assert [hit.row for hit in found] == expected.tolist()
        assert [hit.similarity for hit in found] == pytest.approx(
            similarities[expected].tolist(), abs=1e-4
        )
