import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import picture

ENGINES = ["exact", "annoy", "faiss", "faiss-hnsw"]


@pytest.fixture
def indexed(photos: Path, tmp_path: Path, tv: Callable[..., Any]) -> Callable[[str], Path]:
    """Index eight photos, three of them in inner/, labelled in turn."""
    boxes = tmp_path / "boxes.jsonl"
    names = [f"photos/{n}.png" if n < 5 else f"photos/inner/{n}.png" for n in range(8)]
    records = [
        {"image": name, "box": [0, 0, 90, 70], "label": "cat" if number % 2 else "dog"}
        for number, name in enumerate(names)
    ]
    boxes.write_text("".join(json.dumps(record) + "\n" for record in records))

    def index(engine: str) -> Path:
        if engine.startswith("faiss"):
            pytest.importorskip("faiss", reason="extra faiss")
        target = tmp_path / f"{engine}.tvx"
        ran = tv("index", boxes, "-o", target, "--engine", engine)
        assert ran.status == 0, ran.err
        return target

    return index


@pytest.mark.parametrize("engine", ENGINES)
def test_where(
    engine: str, indexed: Callable[[str], Path], tv: Callable[..., Any], photos: Path
) -> None:
    target, query = indexed(engine), photos / "0.png"

    def hits(*conditions: str) -> list[dict[str, Any]]:
        options = [word for condition in conditions for word in ("--where", condition)]
        ran = tv("search", query, "-i", target, "--format", "jsonl", *options)
        found = [json.loads(line) for line in ran.out.splitlines()]
        assert ran.status == (0 if found else 1)
        return found

    everything = hits()
    assert len(everything) == 8
    cats = hits("label=cat")
    assert [hit["label"] for hit in cats] == ["cat"] * 4
    expected = [hit for hit in everything if hit["label"] == "cat"]
    assert [(h["image"], h["similarity"]) for h in cats] == [
        (h["image"], h["similarity"]) for h in expected
    ]
    assert {hit["label"] for hit in hits("label!=cat")} == {"dog"}
    inner = hits("image^=photos/inner/") or hits("image^=inner/")
    assert len(inner) == 3
    both = [hit for hit in inner if hit["label"] == "dog"]
    prefix = "image^=photos/inner/" if hits("image^=photos/inner/") else "image^=inner/"
    assert len(hits(prefix, "label=dog")) == len(both) == 1
    assert hits("label=bird") == []


@pytest.mark.parametrize("engine", ["exact", "annoy"])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_the_first_hits_do_not_depend_on_how_many_there_are(
    engine: str, metric: str, tmp_path: Path, tv: Callable[..., Any]
) -> None:
    (tmp_path / "same").mkdir()
    for number in range(30):
        picture(number // 25).save(tmp_path / "same" / f"{number:02}.png")
    target = tmp_path / "same.tvx"
    assert tv("index", tmp_path / "same", "-o", target, "--engine", engine).status == 0

    def found(k: int) -> list[str]:
        ran = tv("search", tmp_path / "same" / "07.png", "-i", target, "-k", k, "--metric", metric)
        return [Path(json.loads(line)["image"]).stem for line in ran.out.splitlines()]

    whole = found(30)
    assert whole[:25] == [f"{number:02}" for number in range(25)]
    assert [found(k) for k in (1, 5, 24)] == [whole[:1], whole[:5], whole[:24]]


def test_a_filter_that_nothing_meets_shows_what_names_are_like(
    indexed: Callable[[str], Path], tv: Callable[..., Any], photos: Path
) -> None:
    target = indexed("exact")

    def told(condition: str) -> str:
        ran = tv("search", photos / "0.png", "-i", target, "--where", condition)
        assert (ran.status, ran.out) == (1, "")
        return str(ran.err)

    said = told(f"image^={photos}/inner")  # absolute, where names are relative
    assert (
        f"no row meets --where image^={photos}/inner: image is relative to {photos.parent}" in said
    )
    assert "such as photos/0.png" in said
    assert "label is, for example, dog" in told("label=bird")
    assert "no row has a split" in told("split=test")
    assert "nothing found" not in said
    ran = tv("search", photos / "0.png", "-i", target, "--where", "label=dog", "--min-score", 2)
    assert "nothing found with --min-score 2 and --where label=dog\n" in ran.err


def test_folders_are_asked_for_where_no_photo_has_a_label(
    tv: Callable[..., Any], photos: Path, tmp_path: Path
) -> None:
    assert tv("index", photos, "-o", tmp_path / "plain.tvx").status == 0
    query = ("search", photos / "0.png", "-i", tmp_path / "plain.tvx", "--where")
    ran = tv(*query, "label=inner")
    assert ran.status == 1
    assert "no row has a label; for a folder's photos: --where 'image^=inner/'" in ran.err
    assert tv(*query, "image^=inner/").status == 0
    assert "folder" not in tv(*query, "split=test").err


def test_wrong_conditions(
    indexed: Callable[[str], Path], tv: Callable[..., Any], photos: Path
) -> None:
    target = indexed("exact")
    for text, told in (
        ("label", "COLUMN=VALUE"),
        ("colour=red", "no column colour"),
        ("label=cat an image^=inner/", "at 'an image^=inner/': write and, or"),
        ("label<5", "label is a text"),
    ):
        ran = tv("search", photos / "0.png", "-i", target, "--where", text)
        assert ran.status == 2
        assert told in ran.err
    ran = tv(
        "search", photos / "0.png", "-i", target, "--where", "label=cat", "--metric", "euclidean"
    )
    assert ran.status == 2


def test_an_engine_that_is_none(photos: Path, tmp_path: Path, tv: Callable[..., Any]) -> None:
    ran = tv("index", photos, "-o", tmp_path / "a.tvx", "--engine", "fast")
    assert ran.status == 2
    assert "--engine fast" in ran.err
    assert not (tmp_path / "a.tvx").exists()


@pytest.mark.parametrize("engine", ENGINES)
def test_effort_is_asked_of_what_takes_one(
    engine: str, indexed: Callable[[str], Path], tv: Callable[..., Any], photos: Path
) -> None:
    target, query = indexed(engine), photos / "0.png"
    plain, asked = (
        tv("search", query, "-i", target, "--format", "jsonl", *options)
        for options in ([], ["--effort", 5000])
    )
    assert asked.out == plain.out
    told = "--effort: exact compares every row, whatever the budget"
    assert (told in asked.err) == (engine == "exact")
    by_distance = tv("search", query, "-i", target, "--metric", "euclidean", "--effort", 5000)
    assert "--effort: --metric euclidean compares every row" in by_distance.err
