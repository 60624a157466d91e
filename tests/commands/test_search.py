import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Ran, picture
from PIL import Image

from tvcli.core.indexes.index import open_index

Tv = Callable[..., Ran]


@pytest.fixture
def indexed(tv: Tv, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with `photos/` and, by default, an index of them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TV_INDEX", raising=False)
    assert tv("index", "photos", "--size", 64).status == 0
    return tmp_path


def hits(ran: Ran) -> list[dict[str, Any]]:
    assert ran.status == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


@pytest.mark.usefixtures("indexed")
def test_a_photo_finds_itself(tv: Tv) -> None:
    found = hits(tv("search", "photos/inner/6.png", "-k", 3))
    assert [hit["rank"] for hit in found] == [1, 2, 3]
    assert found[0]["query"] == found[0]["image"] == "photos/inner/6.png"
    assert found[0]["similarity"] == pytest.approx(1, abs=2e-4)
    assert found[0]["similarity"] >= found[1]["similarity"] >= found[2]["similarity"]


@pytest.mark.usefixtures("indexed")
def test_several_queries_keep_their_order(tv: Tv) -> None:
    found = hits(tv("search", "photos/3.png", "photos/inner", "-k", 1))
    assert [hit["query"] for hit in found] == [
        "photos/3.png",
        *(f"photos/inner/{n}.png" for n in (5, 6, 7)),
    ]
    assert all(hit["query"] == hit["image"] for hit in found)


def test_the_index_is_found_from_below(
    tv: Tv, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(indexed / "photos" / "inner")
    found = hits(tv("search", "5.png", "-k", 8))
    assert found[0]["image"] == "5.png"
    assert str(indexed / "photos" / "0.png") in [hit["image"] for hit in found]
    monkeypatch.chdir("/")
    assert tv("search", indexed / "photos" / "0.png").status == 3
    monkeypatch.setenv("TV_INDEX", str(indexed / ".tv" / "index.tvx"))
    assert len(hits(tv("search", indexed / "photos" / "0.png"))) == 8


@pytest.mark.usefixtures("indexed")
def test_an_indexed_item(tv: Tv) -> None:
    for name in ("photos/2.png", "2.png", Path("photos/2.png").absolute()):
        assert hits(tv("search", "--item", name, "-k", 1))[0]["image"] == "photos/2.png"
    ran = tv("search", "--item", "none.png")
    assert (ran.status, ran.err) == (
        3,
        f"tv: none.png: not in {Path.cwd()}/.tv/index.tvx\n",
    )


def test_examples(tv: Tv, indexed: Path) -> None:
    both = hits(tv("search", "--like", "photos/1.png", "--like", "photos/4.png", "-k", 2))
    assert {hit["image"] for hit in both} == {"photos/1.png", "photos/4.png"}
    unlike = hits(tv("search", "photos/1.png", "--unlike", "photos/1.png", "-k", 8))
    assert {hit["image"] for hit in hits(tv("search", "photos/1.png"))} == {
        hit["image"] for hit in unlike
    }
    shutil.copy(indexed / "photos" / "4.png", indexed / "elsewhere.png")
    away = hits(tv("search", "photos/1.png", "--unlike", "elsewhere.png", "-k", 8))
    plain = hits(tv("search", "photos/1.png", "-k", 8))
    before, after = (
        next(hit for hit in found if hit["image"] == "photos/4.png") for found in (plain, away)
    )
    assert after["similarity"] < before["similarity"] - 0.1
    assert after["rank"] >= before["rank"]
    ran = tv("search", "--unlike", "photos/1.png")
    assert ran.status == 2
    assert "--like" in ran.err
    assert tv("search", "--like", "missing.png").status == 3


def test_examples_count_by_their_weights(tv: Tv, indexed: Path) -> None:
    def near(*examples: str) -> dict[str, float]:
        found = hits(tv("search", *examples, "-k", 8))
        return {Path(hit["image"]).name: hit["similarity"] for hit in found}

    def liked(one: str, four: str) -> dict[str, float]:
        return near("--like", f"photos/1.png{one}", "--like", f"photos/4.png{four}")

    even, more = liked("", ""), liked(":3", "")
    assert even["1.png"] == pytest.approx(even["4.png"], abs=1e-3)
    assert more["1.png"] > even["1.png"] + 0.005 and more["4.png"] < even["4.png"] - 0.005
    assert liked(":6", ":2.0") == pytest.approx(more, abs=5e-6)  # only their ratio counts
    vectors = {}
    with open_index(Path(".tv/index.tvx")) as index:
        for name in ("1.png", "4.png", "2.png"):
            vectors[name] = index.vectors(index.find(f"photos/{name}"))[0].astype(np.float64)
    asked = 3 * vectors["1.png"] + vectors["4.png"]
    wanted = float(vectors["2.png"] @ asked / np.linalg.norm(asked))
    assert more["2.png"] == pytest.approx(wanted, abs=1e-3)

    away = [near("photos/1.png", "--unlike", f"photos/4.png{w}")["4.png"] for w in ("", ":0.5")]
    assert near("photos/1.png")["4.png"] > away[1] + 0.01 > away[0] + 0.02

    shutil.copy("photos/2.png", "odd:3")  # a photo's own name wins
    shutil.copy("photos/2.png", "colon:3.png")
    assert near("--like", "odd:3")["2.png"] == pytest.approx(1, abs=1e-3)
    assert near("--like", "colon:3.png:2")["2.png"] == pytest.approx(1, abs=1e-3)
    for weight in ("0", "1001", "0.0"):
        ran = tv("search", "--like", f"photos/1.png:{weight}")
        assert (ran.status, "a weight is above 0 and at most 1000" in ran.err) == (2, True)
    for text in ("photos/1.png:-1", "photos/1.png:x", "photos/1.png:", "photos/1.png:1e3"):
        assert tv("search", "--like", text).status == 3  # no such photo


@pytest.mark.usefixtures("indexed")
def test_a_region_is_searched_with(tv: Tv) -> None:
    crop = picture(3).crop((10, 10, 70, 60))
    crop.save("crop.png")
    by_box = hits(tv("search", "photos/3.png", "--box", "10,10,70,60"))
    by_file = hits(tv("search", "crop.png"))
    assert [hit["image"] for hit in by_box] == [hit["image"] for hit in by_file]
    assert by_box[0]["similarity"] == pytest.approx(by_file[0]["similarity"], abs=2e-3)
    assert by_box[0]["query_box"] == [10, 10, 70, 60] and "query_box" not in by_file[0]
    table = tv("search", "photos/3.png", "--box", "10,10,70,60", "--format", "table").out
    assert table.startswith("photos/3.png  [10, 10, 70, 60]")
    for box in ("1,2,3", "9,9,1,1", "a,b,c,d"):
        ran = tv("search", "photos/3.png", "--box", box)
        assert ran.status == 2
        assert "--box" in ran.err
    assert "outside" in tv("search", "photos/3.png", "--box", "500,500,600,600").err


class Stdin:
    """Standard input that holds some bytes."""

    def __init__(self, content: bytes) -> None:
        self.buffer = io.BufferedReader(io.BytesIO(content))


@pytest.mark.usefixtures("indexed")
def test_a_query_on_stdin(tv: Tv, monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (
        Path("photos/5.png").read_bytes() if Path("photos/5.png").exists() else b"",
        Path("photos/inner/5.png").read_bytes(),
        b"photos/inner/5.png\n",
        b'{"image": "photos/inner/5.png"}\n',
    ):
        monkeypatch.setattr("sys.stdin", Stdin(content))
        ran = tv("search", "-", "-k", 1)
        if not content:
            assert ran.status == 3
            assert "nothing on standard input" in ran.err
        else:
            assert hits(ran)[0]["image"] == "photos/inner/5.png"


@pytest.mark.usefixtures("indexed")
def test_nothing_similar_enough(tv: Tv) -> None:
    for number in ("nan", "inf", "-inf"):
        ran = tv("search", "photos/0.png", f"--min-score={number}")
        assert (ran.status, ran.out) == (2, "")
        assert "--min-score" in ran.err
        assert "finite" in ran.err
    for box in ("3,3,6,60", "10,10,90,17.9"):
        ran = tv("search", "photos/0.png", "--box", box)
        assert (ran.status, ran.out) == (2, "")
        assert "at least 8x8" in ran.err
    for box in ("1,2,3", "1,2,3,4,5", "a,b,c,d", ""):
        ran = tv("search", "photos/0.png", "--box", box)
        assert (ran.status, ran.out) == (2, "")
        assert f"--box: a box is four numbers, x0,y0,x1,y1 in pixels, not {box!r}" in ran.err
    ran = tv("search", "photos/0.png", "--min-score", 1.01)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == "nothing found with --min-score 1.01\n"
    ran = tv("search", "photos/0.png", "--min-score", 1.01, "-q")
    assert (ran.status, ran.out, ran.err) == (1, "", "")
    assert len(hits(tv("search", "photos/0.png", "--min-score", 0.999))) == 1


@pytest.mark.usefixtures("indexed")
def test_formats(tv: Tv) -> None:
    assert tv("search", "photos/0.png", "-k", 1, "--format", "paths").out == "photos/0.png\n"
    assert tv("search", "photos/0.png", "-k", 1, "-0").out == "photos/0.png\0"
    shutil.copy("photos/0.png", "-rf.png")
    assert tv("index", "./-rf.png", "-o", "dash.tvx").status == 0
    found = tv("search", "photos/0.png", "-i", "dash.tvx", "--format", "paths")
    assert found.out == "./-rf.png\n"  # which no program in the pipe takes for an option
    line = tv("search", "photos/0.png", "-k", 1, "--format", "tsv").out
    query, rank, similarity, image, label = line.rstrip("\n").split("\t")
    assert (query, rank, image, label) == ("photos/0.png", "1", "photos/0.png", "")
    assert float(similarity) > 0.999
    table = tv("search", "photos/0.png", "-k", 2, "--format", "table").out
    assert "similarity" in table
    assert "1.0000" in table
    assert "probability" not in table


def test_names_cannot_harm_a_page_or_a_terminal(tv: Tv, indexed: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>\x1b[2J\n.png"
    shutil.copy("photos/0.png", f"photos/{hostile}")
    tv("index", "photos", "--size", 64)
    page = tv("search", "photos/0.png", "--format", "html").out
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    assert page.count("data:image/jpeg;base64,") == 10
    assert "http" not in page.replace("http-equiv=", "")
    table = tv("search", "photos/0.png", "--format", "table").out
    assert "\x1b[2J" not in table
    assert f"photos/{hostile}" in [h["image"] for h in hits(tv("search", "photos/0.png"))]
    assert tv("search", "photos/0.png", "-0").out.split("\0").count(f"photos/{hostile}") == 1
    tsv = tv("search", "photos/0.png", "--format", "tsv").out
    assert len(tsv.splitlines()) == 9


def test_photos_and_index_move_together(tv: Tv, indexed: Path) -> None:
    home = indexed / "home"
    home.mkdir()
    Path("photos").rename(home / "photos")
    Path(".tv").rename(home / ".tv")
    os.chdir(home)
    assert hits(tv("search", "photos/0.png", "-k", 1))[0]["image"] == "photos/0.png"


@pytest.mark.usefixtures("indexed")
def test_a_photo_that_is_gone_is_still_a_hit(tv: Tv) -> None:
    shutil.move("photos/0.png", "query.png")
    first = hits(tv("search", "query.png", "-k", 1))[0]
    assert (first["image"], first["missing"]) == ("photos/0.png", True)
    assert "not found" in tv("search", "query.png", "-k", 1, "--format", "html").out


@pytest.mark.usefixtures("indexed")
def test_bad_queries(tv: Tv) -> None:
    Path("text.jpg").write_text("text")
    ran = tv("search", "text.jpg", "photos/0.png", "-k", 1)
    assert len(hits(ran)) == 1
    assert ran.err == "skipped text.jpg: not a picture that can be read\n"
    ran = tv("search", "text.jpg")
    assert ran.status == 3
    assert ran.err.splitlines()[-1] == "tv: text.jpg: not a picture that can be read"
    assert tv("search", "text.jpg", "photos/0.png", "--strict").status == 3
    Path("inner").mkdir()
    shutil.copy("text.jpg", "inner/text.jpg")
    assert "tv: inner/text.jpg: not a picture" in tv("search", "inner/text.jpg").err
    ran = tv("search")
    assert ran.status == 2 and "name a photo to search with, - for one on stdin" in ran.err
    ran = tv("search", "--unlike", "photos/0.png")
    assert ran.status == 2 and "--unlike: name a query" in ran.err
    assert tv("search", "photos/0.png", "-k", 0).status == 2
    ran = tv("search", "photos/0.png", "--format", "json")
    assert (ran.status, ran.err.split(",")[0]) == (
        2,
        "tv: Invalid value for '--format': 'json' is not one of 'table'",
    )
    ran = tv("search", "https://example.org/a.jpg")
    assert ran.status == 3 and "https://example.org/a.jpg: an address" in ran.err


def test_no_index(tv: Tv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TV_INDEX", raising=False)
    ran = tv("search", "x.png")
    assert (ran.status, ran.out) == (3, "")
    assert "make one: tv index PHOTOS" in ran.err
    assert "no such index" in tv("search", "x.png", "-i", "none.tvx").err


TAKE_PHOTOS = (
    "search {}",
    "search --like {}",
    "eval search --queries {}",
    "label {} --labels folders",
    "index {} -o new.tvx",
    "encode {} -o new.h5",
    "copies {} -o copies",
    "dedupe {}",
)


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize("command", TAKE_PHOTOS)
def test_what_cannot_be_used_is_told_once(tv: Tv, command: str) -> None:
    Path("bad").mkdir()
    Path("bad/bad.jpg").write_bytes(b"none")
    ran = tv(*command.format("no.jpg").split())
    assert (ran.status, ran.err.count("no.jpg: not found")) == (3, 1)
    assert ran.err.endswith("tv: no.jpg: not found\n") and "skipped" not in ran.err
    if "--like" not in command:
        ran = tv(*command.format("bad").split())
        assert (ran.status, ran.err.count("bad.jpg: not a picture")) == (3, 1)
        assert ran.err.endswith("tv: no photo could be used\n")


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize("command", [c for c in TAKE_PHOTOS if "--like" not in c])
def test_where_there_are_no_photos_what_was_given_is_named(tv: Tv, command: str) -> None:
    Path("empty").mkdir()
    ran = tv(*command.format("empty").split())
    said = "tv: no photos found in empty: name photos, folders of photos, or a list of them\n"
    assert ran.status == 3 and ran.err.endswith(said)
    if not command.startswith("dedupe"):
        ran = tv(*command.format(".tv/index.tvx").split())
        assert ran.status == 3 and "tv: .tv/index.tvx: an index, where photos are" in ran.err


@pytest.mark.usefixtures("indexed")
def test_of_several_bad_queries_each_is_told_once(tv: Tv) -> None:
    ran = tv("search", "a.jpg", "b.jpg")
    told = ["skipped a.jpg: not found", "skipped b.jpg: not found"]
    assert ran.status == 3
    assert ran.err.splitlines() == [*told, "tv: none of 2 photos could be used"]
    ran = tv("search", "a.jpg", "b.jpg", "photos/0.png")
    assert (ran.status, ran.err.splitlines()) == (0, told)


READERS = (
    "label x.png",
    "eval search",
    "eval triplets x.jsonl",
    "info",
    "gallery --no-open",
    "annotate triplets -o t.jsonl --no-open",
    "serve",
    "dedupe",
)


@pytest.mark.parametrize("command", READERS)
def test_every_command_that_reads_an_index_looks_for_it(
    tv: Tv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TV_INDEX", raising=False)
    monkeypatch.setenv("TV_SERVE_TOKEN", "t" * 40)
    ran = tv(*command.split())
    assert (ran.status, ran.out) == (2 if command == "dedupe" else 3, "")
    assert "here or above" in ran.err
    monkeypatch.setenv("TV_INDEX", "named.tvx")
    assert "named.tvx" in tv(*command.split()).err


def test_an_index_above_is_measured_and_described(
    tv: Tv, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("deep").mkdir()
    names = ("anchor", "positive", "negative")
    record = {name: {"image": f"../photos/{n}.png"} for n, name in enumerate(names)}
    Path("deep/t.jsonl").write_text(json.dumps(record) + "\n", "utf-8")
    monkeypatch.chdir("deep")
    assert json.loads(tv("info", "--json").out)["file"] == str(indexed / ".tv" / "index.tvx")
    assert tv("eval", "search").status == 0
    ran = tv("eval", "triplets", "t.jsonl")
    assert ran.status == 0, ran.err
    assert json.loads(ran.out)["triplets"] == 1


def test_an_index_of_encodings(tv: Tv, photos: Path, tmp_path: Path) -> None:
    maps, vectors = tmp_path / "maps.h5", tmp_path / "vectors.h5"
    tv("encode", photos, "-o", maps, "--size", 64)
    tv("encode", photos, "-o", vectors, "--size", 64, "--pool", "auto")
    for name, source in (("a.tvx", maps), ("b.tvx", vectors), ("c.tvx", photos)):
        tv("index", source, "-o", tmp_path / name, *(["--size", 64] if source == photos else []))
    found = [
        hits(tv("search", photos / "0.png", "-i", tmp_path / name)) for name in ("a.tvx", "b.tvx")
    ]
    direct = hits(tv("search", photos / "0.png", "-i", tmp_path / "c.tvx"))
    for other in found:
        assert [hit["image"] for hit in other] == [hit["image"] for hit in direct]
        for a, b in zip(other, direct, strict=True):
            assert a["similarity"] == pytest.approx(b["similarity"], abs=2e-3)
    ran = tv("index", vectors, "-o", tmp_path / "d.tvx", "--pool", "spatial")
    assert ran.status == 2
    assert "already holds vectors" in ran.err


def test_rows_of_encodings_are_drawn_to_examples_as_photos_are(
    tv: Tv, photos: Path, tmp_path: Path
) -> None:
    vectors, index = tmp_path / "vectors.h5", tmp_path / "b.tvx"
    one = photos / "0.png"
    tv("encode", one, "-o", vectors, "--size", 64, "--pool", "mean")
    tv("index", photos, "-o", index, "--size", 64, "--pool", "mean")
    options = ["-i", index, "--like", photos / "3.png", "--unlike", photos / "1.png"]
    by_photo, by_row = hits(tv("search", one, *options)), hits(tv("search", vectors, *options))
    plain = hits(tv("search", one, "-i", index))
    assert [hit["image"] for hit in by_row] == [hit["image"] for hit in by_photo]
    assert by_row[0]["similarity"] == pytest.approx(by_photo[0]["similarity"], abs=2e-3)
    assert by_row[0]["similarity"] < plain[0]["similarity"] - 0.01


def test_weights_that_do_not_fit(
    tv: Tv, photos: Path, tmp_path: Path, squeezenet_weights: Path
) -> None:
    weights = tmp_path / "w.pth"
    shutil.copy(squeezenet_weights, weights)
    options = ["--backbone", "squeezenet1_1", "--weights", weights, "--size", 64]
    assert tv("index", photos, "-o", tmp_path / "x.tvx", *options).status == 0
    weights.unlink()  # the index has the network of its queries
    assert tv("search", photos / "0.png", "-i", tmp_path / "x.tvx").status == 0
    ran = tv("search", photos / "0.png", "-i", tmp_path / "x.tvx", "--weights", squeezenet_weights)
    assert ran.status == 0
    other = next(squeezenet_weights.parent.glob("mobilenet*.pth"))
    ran = tv("search", photos / "0.png", "-i", tmp_path / "x.tvx", "--weights", other)
    assert ran.status == 4
    assert len(ran.err.splitlines()) == 1


@pytest.mark.usefixtures("indexed")
@pytest.mark.parametrize(
    "queries",
    [
        ("--item", "0.png"),
        ("--like", "photos/0.png"),
        ("photos/1.png", "--unlike", "0.png"),
        ("q.h5",),
    ],
)
def test_a_box_goes_with_photos_alone(tv: Tv, queries: tuple[str, ...]) -> None:
    tv("encode", "photos", "-o", "q.h5", "--size", 64, "--pool", "mean", "-q")
    ran = tv("search", *queries, "--box", "0,0,50,50")
    assert (ran.status, ran.out) == (2, "")
    assert "--box: goes with photos to search with, not with" in ran.err


@pytest.mark.usefixtures("indexed")
def test_a_format_without_paths_says_that_nul_ends_none(tv: Tv) -> None:
    ran = tv("search", "photos/0.png", "--format", "html", "-0")
    assert ran.status == 0
    assert ran.err == "warning: -0 is for --format paths, and for lists: html is as without it\n"
    assert tv("search", "photos/0.png", "--format", "paths", "-0").err == ""


@pytest.mark.usefixtures("indexed")
def test_a_box_that_reaches_beyond_the_photo_is_told(tv: Tv) -> None:
    with Image.open("photos/0.png") as picture:
        width, height = picture.size
    ran = tv("search", "photos/0.png", "--box", f"10,10,{width + 50},{height + 50}", "-k", 1)
    said = f"photos/0.png: the box 10,10,{width + 50},{height + 50} reaches beyond the photo "
    assert ran.err == f"{said}({width} x {height}); the part inside is used\n"
    assert hits(ran)[0]["query_box"] == [10, 10, width, height]
    assert tv("search", "photos/0.png", "--box", f"10,10,{width},{height}", "-k", 1).err == ""
