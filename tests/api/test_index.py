"""An index from Python: queries of every kind, updates, threads, and what is refused."""

import json
import logging
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Ran, drawn
from PIL import Image

import tvcli


@pytest.fixture
def index(collection: Path) -> tvcli.Index:
    """Give the index, open."""
    return tvcli.open_index(collection / "photos.tvx")


@pytest.fixture
def own(collection: Path, tmp_path: Path) -> Path:
    """Give a copy of the collection that may be changed."""
    shutil.copytree(collection, tmp_path / "own")
    return tmp_path / "own"


def test_every_kind_of_query_finds_its_photo(index: tvcli.Index, collection: Path) -> None:
    path = collection / "photos" / "3.png"
    picture = Image.open(path)
    queries: list[Any] = [path, str(path), picture, np.asarray(picture), index.vectors()[3]]
    for query in queries:
        hits = index.search(query, k=2)
        assert len(hits) == 2 and hits[0].path == path and hits[0].rank == 1
        assert hits[0].similarity == pytest.approx(1, abs=1e-3)
    assert index.search(item="3.png", k=1)[0].path == path
    assert [hits[0].path for hits in index.search_many(queries, k=1)] == [path] * 5
    assert [hits[0].path.name for hits in index.search_many(index.vectors(), k=1)] == index.images


def test_hits_are_those_of_the_command(
    index: tvcli.Index, collection: Path, tv: Callable[..., Ran]
) -> None:
    photo = collection / "photos" / "4.png"
    for asked, options in (
        ({}, []),
        ({"box": (5, 5, 200, 150)}, ["--box", "5,5,200,150"]),
        ({"min_similarity": 0.2}, ["--min-score", "0.2"]),
        ({"where": "image^=1"}, ["--where", "image^=1"]),
        ({"metric": "euclidean"}, ["--metric", "euclidean"]),
        ({"verify": True}, ["--verify", "default"]),
        ({"query_expansion": 2, "alpha": 1}, ["--query-expansion", "2", "--alpha", "1"]),
        ({"k_reciprocal": 8, "k1": 3, "lambda_": 0}, ["--k-reciprocal=8", "--k1=3", "--lambda=0"]),
    ):
        ran = tv("search", str(photo), "-i", str(collection / "photos.tvx"), "-k", "5", *options)
        records = [json.loads(line) for line in ran.out.splitlines()]
        hits = index.search(photo, k=5, **asked)  # type: ignore[arg-type]
        assert [(hit.image, hit.similarity) for hit in hits] == [
            (record["image"], record["similarity"]) for record in records
        ]
        assert records


def test_likes_draw_and_unlikes_push(index: tvcli.Index, collection: Path) -> None:
    photo = collection / "photos" / "1.png"
    assert index.search(like=photo, k=1)[0].path == photo
    assert index.search(like=[Image.open(photo)], k=1)[0].path == photo
    plain = {hit.image: hit.similarity for hit in index.search(item="2.png")}
    pushed = {hit.image: hit.similarity for hit in index.search(item="2.png", unlike=[photo])}
    loss = {image: plain[image] - pushed[image] for image in plain}
    assert max(loss, key=lambda image: loss[image]).endswith("1.png")


def test_examples_count_by_their_weights_as_in_the_command(
    index: tvcli.Index, collection: Path, tv: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(collection)
    examples = [(Path("photos/1.png"), 3), "photos/4.png"]
    found = index.search(like=examples, unlike=("photos/5.png", 0.25), k=5)
    options = ("--like", "photos/1.png:3", "--like", "photos/4.png", "--unlike", "photos/5.png:.25")
    lines = tv("search", "-i", "photos.tvx", "-k", 5, *options).out.splitlines()
    said = [json.loads(line) for line in lines]
    assert [hit.similarity for hit in found] == [hit["similarity"] for hit in said]
    plain = index.search(like=["photos/1.png", "photos/4.png"], unlike="photos/5.png", k=5)
    assert [hit.similarity for hit in plain] != [hit.similarity for hit in found]
    for weight in (0, -1, float("nan"), 1001):
        with pytest.raises(tvcli.UsageError, match="weight"):
            index.search(like=[("photos/1.png", weight)])


def test_a_vector_that_is_liked_counts_by_its_weight_whatever_its_length(
    index: tvcli.Index,
) -> None:
    near, far = index.vectors()[[1, 4]]
    plain, long = (index.search(like=[near, far * by], k=5) for by in (1, 64))
    assert [(h.image, h.similarity) for h in long] == [(h.image, h.similarity) for h in plain]


def test_verified_hits_tell_their_evidence(index: tvcli.Index, collection: Path) -> None:
    turned = Image.open(collection / "photos" / "5.png").rotate(90, expand=True)
    (hit,) = index.search(turned, verify=True)
    assert hit.path.name == "5.png" and hit.same and hit.same.inliers > 100
    assert hit.same.transform is not None and len(hit.same.transform) == 3
    assert len(index.search(drawn(99), verify=True)) == 0


def test_photos_that_cannot_be_used(
    index: tvcli.Index, collection: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = tmp_path / "bad\x1b[31m.jpg"
    bad.write_bytes(b"")
    with pytest.raises(tvcli.BadInput, match="empty file"):
        index.search(bad)
    assert not caplog.records  # it was raised, so nobody needs to be warned
    good = collection / "photos" / "0.png"
    with caplog.at_level(logging.WARNING, "tvcli"):
        assert len(list(index.search_many([bad, good]))) == 1
    assert "empty file" in caplog.text and "\x1b" not in caplog.text
    report = tvcli.Report()
    assert len(list(index.search_many(iter([good, bad, good]), report=report))) == 2
    assert [skip.reason for skip in report.skipped] == ["empty file"]
    with pytest.raises(tvcli.BadInput):
        list(index.search_many([bad], report=tvcli.Report(strict=True)))


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({}, tvcli.UsageError, "search with a query, an item"),
        ({"query": "a.png", "item": "b.png"}, tvcli.UsageError, "not with both"),
        ({"item": "none.png"}, tvcli.BadInput, "none.png: not in"),
        ({"item": "1.png", "k": 0}, tvcli.UsageError, "at least 1"),
        ({"item": "1.png", "box": (0, 0, 5, 5)}, tvcli.UsageError, "goes with a query"),
        ({"query": "a.png", "box": (5, 5, 1, 1)}, tvcli.UsageError, "empty or inverted"),
        ({"query": "a.png", "box": 7}, tvcli.UsageError, "box"),
        ({"query": np.zeros((4, 4, 3))}, tvcli.UsageError, "of uint8"),
        ({"query": np.zeros(3, np.float32)}, tvcli.Mismatch, "{} values, the query has shape (3,)"),
        ({"query": object()}, tvcli.UsageError, "a photo is a path"),
        ({"item": "1.png", "verify": "surely"}, tvcli.UsageError, "default or scalable"),
        (
            {"item": "1.png", "metric": "l1"},
            tvcli.UsageError,
            "metric: one of cosine, euclidean, not 'l1'",
        ),
        ({"query": "1.png", "locate": True}, tvcli.UsageError, "keeps no heads"),
        ({"item": "1.png", "where": "size>3"}, tvcli.UsageError, "no column size"),
        ({"item": "1.png", "rerank": 5}, tvcli.UsageError, "keeps no maps"),
        ({"like": "1.png", "verify": True}, tvcli.UsageError, "not with --like and --unlike"),
    ],
)
def test_what_makes_no_sense_is_refused(
    index: tvcli.Index, asked: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=re.escape(said.format(index.vectors().shape[1]))):
        index.search(**asked)


def test_a_folder_is_for_search_many(index: tvcli.Index, collection: Path) -> None:
    with pytest.raises(tvcli.UsageError, match="search_many"):
        index.search(collection / "photos")
    found = list(index.search_many(collection / "photos", k=1))
    assert [hits[0].path.name for hits in found] == index.images


def test_many_queries_are_refused_at_once(index: tvcli.Index) -> None:
    with pytest.raises(tvcli.UsageError, match="at least 1"):
        index.search_many(["a.png"], k=0)


def test_a_closed_index_says_so(collection: Path) -> None:
    with tvcli.open_index(collection / "photos.tvx") as index:
        assert len(index) == 10
        running = index.search_many(collection / "photos", k=1)
        next(running)
    assert len(list(running)) == 9  # a search that has begun ends on what it began with
    index.close()
    with pytest.raises(tvcli.UsageError, match="is closed"):
        index.search(item="1.png")
    assert repr(index).endswith("closed)")


def test_an_index_follows_its_photos(own: Path) -> None:
    index = tvcli.open_index(own / "photos.tvx")
    other = tvcli.open_index(own / "photos.tvx")
    drawn(50).save(own / "photos" / "new.png")
    (own / "photos" / "0.png").unlink()
    changes = index.update(own / "photos")
    assert (changes.added, changes.removed, changes.rows, len(index)) == (1, 1, 10, 10)
    assert index.search(drawn(50), k=1)[0].path.name == "new.png"
    assert "new.png" not in other.images
    other.reload()
    assert "new.png" in other.images
    assert index.remove("new.png").removed == 1 and len(index) == 9
    assert index.add([{"image": str(own / "photos" / "new.png")}]).added == 1
    assert index.search(item="new.png", k=1)[0].similarity == 1


def test_threads_search_while_the_index_changes(own: Path) -> None:
    index, errors, done = tvcli.open_index(own / "photos.tvx"), list[BaseException](), [0]

    def work(number: int) -> None:
        try:
            for _ in range(8):
                query = own / "photos" / f"{number}.png"
                assert index.search(query, k=1)[0].path == query
                done[0] += 1
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for number in range(60, 64):
        drawn(number).save(own / "photos" / f"{number}.png")
        assert index.update(own / "photos").added == 1
    for thread in threads:
        thread.join()
    assert not errors and done[0] == 48
    assert len(index) == 14


def test_an_index_follows_its_encodings(own: Path) -> None:
    tvcli.encode(own / "photos", own / "photos.h5")
    index = tvcli.open_index(tvcli.build_index(own / "photos.h5", own / "encoded.tvx"))
    drawn(70).save(own / "photos" / "70.png")
    tvcli.encode(own / "photos", own / "photos.h5")
    assert index.update(own / "photos.h5").added == 1
    assert index.search(drawn(70), k=1)[0].path.name == "70.png"
    with pytest.raises(tvcli.UsageError):
        index.add(own / "photos.h5")


def test_queries_are_located_as_the_photos_were(tmp_path: Path, real_data: Path) -> None:
    told = (real_data / "raccoon" / "boxes.jsonl").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in told[:16]]
    boxes = tmp_path / "boxes.jsonl"
    absolute = (r | {"image": str(real_data / "raccoon" / r["image"])} for r in records)
    boxes.write_text("".join(json.dumps(line) + "\n" for line in absolute))
    tvcli.make_crops(boxes, tmp_path / "crops.jsonl", per_photo=2, looks=4)
    tvcli.encode(tmp_path / "crops.jsonl", tmp_path / "crops.h5")
    heads: dict[str, Path] = {n: tmp_path / f"{n}.h5" for n in ("classifier", "boxes")}
    trained = tvcli.train_classifier(tmp_path / "crops.h5", heads["classifier"])
    assert 0 < trained.threshold < 1 and trained.crops > 50
    taught = tvcli.train_boxes(tmp_path / "crops.h5", heads["boxes"])
    assert 0 < taught.iou < 1 and len(taught.errors) == 4
    photos = [real_data / "raccoon" / record["image"] for record in records[:4]]
    found = tvcli.locate(photos, tmp_path / "located.jsonl", **heads)
    lines = (tmp_path / "located.jsonl").read_text("utf-8").splitlines()
    written = [json.loads(line) for line in lines]
    assert [tuple(record["box"]) for record in written] == [d.box for d in found]
    in_memory = tvcli.locate([Image.open(path) for path in photos], **heads)
    assert [d.box for d in in_memory] == [d.box for d in found] and len(found) >= 1
    with pytest.raises(tvcli.UsageError, match="leave the output out"):
        tvcli.locate(drawn(1), tmp_path / "no.jsonl", **heads)
    index = tvcli.open_index(tvcli.build_index(photos, tmp_path / "photos.tvx", **heads))
    best = index.search(Image.open(found[0].image), k=1)[0]
    assert best.path == Path(found[0].image) and best.similarity == pytest.approx(1, abs=1e-3)
    assert best.box == pytest.approx(found[0].box, abs=0.01)
    whole = index.search(found[0].image, k=1, locate=False)[0]
    assert whole.similarity < best.similarity
    verifying = heads | {"classifier": tmp_path / "verifying.h5"}
    tvcli.train_classifier(tmp_path / "crops.h5", verifying["classifier"], distractors=True)
    plain, verified = (tvcli.locate(photos, **both, threshold=0.0) for both in (heads, verifying))
    assert [d.image for d in verified] == [d.image for d in plain] == list(map(str, photos))
    assert [d.score for d in verified] != [d.score for d in plain]


def test_files_of_the_same_content_are_one_hit(own: Path) -> None:
    for copy in ("a", "b"):
        shutil.copy(own / "photos" / "3.png", own / "photos" / f"copy_{copy}.png")
    with tvcli.open_index(own / "photos.tvx") as index:
        index.update(own / "photos")
        path = own / "photos" / "3.png"
        plain = [hit.path.name for hit in index.search(path, k=4)]
        assert plain[:3] == ["3.png", "copy_a.png", "copy_b.png"]
        for found in (
            index.search(path, k=2, distinct=True),
            *index.search_many([path], k=2, distinct=True),
        ):
            assert [hit.path.name for hit in found] == ["3.png", plain[3]]
            assert [Path(name).name for name in found[0].same_content] == plain[1:3]
            assert found[1].same_content == ()
