"""The chain of teaching, through the commands: triplets, train-rank, index, search, eval."""

import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import Ran, picture
from PIL import Image

from tvcli.core.files.artifacts import open_artifact

Tv = Callable[..., Ran]
CLASSES, PER_CLASS = 4, 6


def lines(ran: Ran) -> list[dict[str, object]]:
    assert ran.status == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def records(path: Path) -> list[dict[str, dict[str, object]]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def draw(folder: Path, first: int) -> None:
    """Draw classes of pictures: each a class's colours, under other light and other noise."""
    for number in range(CLASSES * PER_CLASS):
        label = number % CLASSES
        rng = np.random.default_rng(first + number)
        values = np.asarray(picture(label, 64, 64), np.float32) * rng.uniform(0.7, 1.2)
        values = np.clip(values + rng.normal(0, 12, values.shape), 0, 255).astype(np.uint8)
        (folder / f"class{label}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(folder / f"class{label}" / f"{first + number}.png")


@pytest.fixture
def encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tv: Tv) -> Path:
    monkeypatch.chdir(tmp_path)
    draw(Path("photos"), 100)
    assert tv("encode", "photos", "-o", "photos.h5", "--size", 64).status == 0
    return tmp_path


def make_triplets(tv: Tv, *more: object) -> None:
    ran = tv("triplets", "photos.h5", "--from-folders", "--test", 0.3, "-o", "t.jsonl", *more)
    assert ran.status == 0, ran.err


def test_folders_become_triplets_with_a_clean_split(encoded: Path, tv: Tv) -> None:
    ran = tv("triplets", "photos.h5", "--from-folders", "--test", 0.3, "-o", "t.jsonl")
    assert (ran.status, ran.out) == (0, "")
    assert "96 triplets of 24 photos: 64 to train, 32 to test" in ran.err
    photos: dict[str, set[object]] = {"train": set(), "test": set()}
    for record in records(Path("t.jsonl")):
        anchor, positive, negative = (record[r] for r in ("anchor", "positive", "negative"))
        assert anchor["label"] == positive["label"] != negative["label"]
        assert Path(str(anchor["image"])).exists()
        photos[str(record["split"])] |= {item["image"] for item in (anchor, positive, negative)}
    assert not photos["train"] & photos["test"]


def test_triplets_go_through_a_pipe(encoded: Path, tv: Tv, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = tv("triplets", "photos.h5", "--from-folders", "-o", "-", "-q")
    (encoded / "piped").mkdir()
    with Path("piped/t.jsonl").open("w+b") as stream:
        stream.write(ran.out.encode())
        stream.seek(0)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
        (figure,) = lines(tv("eval", "triplets", "photos.h5", "-"))
    assert figure["triplets"] == len(ran.out.splitlines()) == 96


def test_labels_of_a_file_teach_as_folders_do(encoded: Path, tv: Tv) -> None:
    make_triplets(tv)
    by_folders = Path("t.jsonl").read_bytes()
    names = sorted(Path("photos").rglob("*.png"))
    about = [{"image": str(name), "label": name.parent.name} for name in names]
    Path("labels.jsonl").write_text("\n".join(map(json.dumps, about)))
    ran = tv("triplets", "photos.h5", "--labels", "labels.jsonl", "--test", 0.3, "-o", "t.jsonl")
    assert (ran.status, Path("t.jsonl").read_bytes()) == (0, by_folders)


def test_mirror_images_teach_and_are_encoded_when_they_are_needed(encoded: Path, tv: Tv) -> None:
    ran = tv("triplets", "photos.h5", "--flips", "-o", "t.jsonl")
    assert "24 triplets" in ran.err
    first = records(Path("t.jsonl"))[0]
    assert first["positive"] == {**first["anchor"], "flip": True}
    assert first["negative"]["image"] != first["anchor"]["image"]
    ran = tv("train-rank", "photos.h5", "t.jsonl", "-o", "rank.h5", "--steps", 30)
    assert [line["metric"] for line in lines(ran)] == ["triplet accuracy"]
    assert "encoding 24 photos or parts that triplets name and photos.h5 lacks\n" in ran.err


def test_triplets_of_other_photos_than_the_encodings_are_told(encoded: Path, tv: Tv) -> None:
    tv("triplets", "photos.h5", "--from-folders", "-o", "t.jsonl")
    shutil.copytree("photos", "again")
    renamed = Path("t.jsonl").read_text().replace('"photos/', '"again/')
    Path("others.jsonl").write_text(renamed)
    ran = tv("train-rank", "photos.h5", "others.jsonl", "-o", "rank.h5", "--steps", 0)
    assert ran.status == 0
    told = "that triplets name and photos.h5 lacks, which is all of them: are its photos others?"
    assert told in ran.err
    ran = tv("train-rank", "photos.h5", "t.jsonl", "-o", "rank.h5", "--steps", 0)
    assert "lacks" not in ran.err


def test_copies_are_made_and_teach(encoded: Path, tv: Tv) -> None:
    ran = tv("triplets", "photos.h5", "--from-copies", "copies", "-o", "t.jsonl")
    assert "48 photos" in ran.err
    made = {path.name: path.read_bytes() for path in Path("copies").iterdir()}
    assert len(made) == 24
    shutil.rmtree("copies")
    tv("triplets", "photos.h5", "--from-copies", "copies", "-o", "t.jsonl")
    assert {path.name: path.read_bytes() for path in Path("copies").iterdir()} == made
    assert tv("train-rank", "photos.h5", "t.jsonl", "-o", "r.h5", "--steps", 30).status == 0


def test_clicks_are_triplets_or_judgements(encoded: Path, tv: Tv) -> None:
    photos = [str(path) for path in sorted(Path("photos").rglob("*.png"))]
    clicks: list[dict[str, object]] = [
        {"anchor": {"image": photos[0]}, "positive": photos[1], "negative": photos[7]},
        {"query": photos[2], "image": photos[3], "relevant": True},
        {"query": photos[2], "image": photos[13], "relevant": False},
        {"query": photos[20], "image": photos[21], "relevant": True},
    ]
    Path("clicks.jsonl").write_text("\n".join(map(json.dumps, clicks)))
    ran = tv("triplets", "photos.h5", "--clicks", "clicks.jsonl", "-o", "t.jsonl", "--test", 0)
    assert "3 triplets" in ran.err
    judged = records(Path("t.jsonl"))[1]
    assert [judged[r]["image"] for r in ("anchor", "positive", "negative")] == [
        photos[2],
        photos[3],
        photos[13],
    ]
    ran = tv("train-rank", "photos.h5", "t.jsonl", "-o", "rank.h5", "--steps", 30)
    assert (ran.status, ran.out) == (0, "")
    assert "no held-out triplets" in ran.err
    Path("clicks.jsonl").write_text('{"query": "a.png", "image": "b.png"}\n')
    ran = tv("triplets", "photos.h5", "--clicks", "clicks.jsonl", "-o", "t.jsonl")
    assert (ran.status, ran.out) == (3, "")
    assert 'clicks.jsonl:1: a judgement needs "relevant"' in ran.err


def test_what_is_learned_is_kept_in_the_index_and_applied_to_queries(encoded: Path, tv: Tv) -> None:
    make_triplets(tv)
    ran = tv("train-rank", "photos.h5", "t.jsonl", "-o", "rank.h5", "--dim", 12, "--plot", "p.png")
    figures = lines(ran)
    assert [figure["metric"] for figure in figures] == ["triplet accuracy", "hit@1", "mAP"]
    assert Path("p.png").stat().st_size > 0
    assert tv("index", "photos.h5", "--rank", "rank.h5", "-o", "ranked.tvx").status == 0
    Path("rank.h5").unlink()  # the index needs it no more
    photo = "photos/class0/100.png"
    (first, *_) = lines(tv("search", photo, "-i", "ranked.tvx"))
    assert (first["image"], first["similarity"]) == (photo, pytest.approx(1, abs=1e-3))
    (same, *_) = lines(tv("search", "photos.h5", "-i", "ranked.tvx", "-k", 1))
    assert same["similarity"] == pytest.approx(1, abs=1e-3)
    about = json.loads(tv("info", "ranked.tvx", "--json").out)
    assert (about["shape"], about["settings"]["rank"]["from"]) == ([12], "rank.h5")


def test_the_same_command_gives_the_same_head(encoded: Path, tv: Tv) -> None:
    make_triplets(tv)
    states = []
    for _ in range(2):
        tv("train-rank", "photos.h5", "t.jsonl", "-o", "rank.h5", "--steps", 30, "--seed", 5)
        with open_artifact(Path("rank.h5"), "head") as head:
            states.append(head.state()["weight"])
    assert np.array_equal(*states)


def test_heads_and_encodings_that_do_not_fit_are_refused(encoded: Path, tv: Tv) -> None:
    make_triplets(tv)
    tv("train-rank", "photos.h5", "t.jsonl", "-o", "rank.h5", "--steps", 30)
    tv("index", "photos.h5", "--rank", "rank.h5", "-o", "ranked.tvx")
    tv("encode", "photos", "-o", "other.h5", "--size", 96)
    ran = tv("search", "other.h5", "-i", "ranked.tvx")
    assert ran.status == 4
    assert (
        "other.h5: not encoded as ranked.tvx was (size 96, not 64); encode again: tv enc" in ran.err
    )
    tv("index", "photos.h5", "-o", "plain.tvx", "--pool", "mean")
    tv("encode", "photos", "-o", "gem.h5", "--size", 64, "--pool", "gem")
    for command in (("search", "gem.h5", "-i"), ("index", "gem.h5", "--update", "-o")):
        ran = tv(*command, "plain.tvx")
        assert ran.status == 4
        assert "gem.h5: not encoded as plain.tvx was (pool gem, not mean)" in ran.err
    tv("train-rank", "photos.h5", "t.jsonl", "-o", "rank2.h5", "--steps", 30, "--seed", 1)
    kept = next(Path("ranked.tvx").glob("rank-*.h5"))
    shutil.copy("rank2.h5", kept)
    ran = tv("search", "photos/class0/100.png", "-i", "ranked.tvx")
    assert ran.status == 4
    assert "tv index ENCODINGS.h5 --rank rank.h5 -o ranked.tvx" in ran.err
    tv("encode", "photos", "-o", "mean.h5", "--size", 64, "--pool", "spatial")
    assert tv("train-rank", "mean.h5", "t.jsonl", "-o", "x.h5").status == 2
    assert tv("index", "mean.h5", "--rank", "rank.h5", "-o", "x.tvx").status == 4
    assert tv("index", "photos.h5", "--rank", "none.h5", "-o", "x.tvx").status == 3
    assert not Path("x.tvx").exists()


def test_rerank_orders_by_the_maps_of_the_shortlist(encoded: Path, tv: Tv) -> None:
    tv("index", "photos.h5", "-o", "plain.tvx")
    ran = tv("search", "photos/class0/100.png", "-i", "plain.tvx", "--rerank", 5)
    assert ran.status == 2
    assert "tv index ENCODINGS.h5 --maps -o plain.tvx" in ran.err
    tv("index", "photos.h5", "--maps", "-o", "maps.tvx")
    by_photo = lines(tv("search", "photos/class0/100.png", "-i", "maps.tvx", "--rerank", 24))
    by_item = lines(tv("search", "--item", "class0/100.png", "-i", "maps.tvx", "--rerank", 24))
    assert [hit["image"] for hit in by_photo] == [hit["image"] for hit in by_item]
    import torch

    from tvcli.core.ranking.similarity import similarities

    with open_artifact(Path("photos.h5"), "encodings") as file:
        maps = torch.from_numpy(file.read("encodings").astype(np.float32))
        place = file.read("image").index("class0/100.png")
        expected = similarities(maps[place : place + 1], maps)[0].sort(descending=True)[0]
    found = [hit["similarity"] for hit in by_photo]
    assert np.allclose(found, expected[:10], atol=2e-3)  # maps are kept as float16
    plain = lines(tv("search", "photos/class0/100.png", "-i", "maps.tvx"))
    assert [hit["image"] for hit in plain[:5]] == [hit["image"] for hit in by_photo[:5]]
    assert tv("search", "--like", "class0/100.png", "-i", "maps.tvx", "--rerank", 5).status == 2
    assert tv("index", "photos", "--maps", "-o", "x.tvx", "--size", 64).status == 2
    assert tv("index", "photos", "--pool", "map", "-o", "x.tvx", "--size", 64).status == 2
    assert tv("index", "photos.h5", "--maps", "--pool", "mean", "-o", "maps.tvx").status == 0
    pooled = lines(tv("search", "photos/class0/100.png", "-i", "maps.tvx", "--rerank", 24))
    assert [hit["similarity"] for hit in pooled] == pytest.approx(found, abs=1e-6)
    assert not list(Path("maps.tvx").glob("shortlist*"))


def test_eval_measures_and_compares(encoded: Path, tv: Tv) -> None:
    tv("index", "photos.h5", "-o", "plain.tvx")
    draw(Path("new"), 500)
    (Path("new") / "odd").mkdir()
    picture(77).save("new/odd/1.png")
    ran = tv("eval", "search", "plain.tvx", "--queries", "new", "-k", "1,5", "--explain")
    figures = {figure["metric"]: figure for figure in lines(ran)}
    assert list(figures) == [
        *(f"{name}@{k}" for name in ("hit", "recall", "precision") for k in (1, 5)),
        *("mAP", "MRR", "cut-off"),
    ]
    assert "24 queries measured, 1 left out (nothing to find)" in ran.err
    assert "share of queries with at least one relevant item" in ran.err
    itself = tv("eval", "search", "plain.tvx", "--compare", "plain.tvx")
    assert "neither is shown to be better: mAP +0.0000" in itself.err
    itself = lines(itself)
    shown = tv("eval", "search", "plain.tvx", "--compare", "plain.tvx", "--format", "table").out
    assert shown.startswith("first: plain.tvx\nsecond: plain.tvx\n")
    assert "second - first" in shown and "95 % interval" in shown and "-0.0000" not in shown
    assert {figure["difference"] for figure in itself} == {0}
    ran = tv("eval", "search", "plain.tvx", "--plot", "pr.svg", "--format", "table")
    assert ran.status == 0
    assert "metric" in ran.out
    assert "</svg>" in Path("pr.svg").read_text()
    assert tv("eval", "search", "plain.tvx", "-k", "0").status == 2
    assert tv("eval", "search", "plain.tvx", "-k", "one").status == 2
    ran = tv("eval", "search", "plain.tvx", "--truth", "folder")
    assert ran.status == 3 and "no such file; name one, or say folders or labels" in ran.err
    assert tv("eval", "search", "plain.tvx", "--queries", "new/odd").status == 3


def test_eval_says_where_a_head_may_have_learned_from_what_it_is_measured_on(
    encoded: Path, tv: Tv
) -> None:
    assert tv("triplets", "photos.h5", "--from-folders", "-o", "t.jsonl").status == 0
    learned = tv("train-rank", "photos.h5", "t.jsonl", "--steps", 0, "-o", "own.h5")
    assert learned.status == 0, learned.err
    assert tv("index", "photos.h5", "--rank", "own.h5", "-o", "ranked.tvx").status == 0
    said = "its rank head may have learned from these photos"
    assert said in tv("eval", "search", "ranked.tvx").err
    draw(Path("new"), 500)
    ran = tv("eval", "search", "ranked.tvx", "--queries", "new")
    assert ran.status == 0 and said not in ran.err
    tv("index", "photos.h5", "-o", "plain.tvx")
    assert said not in tv("eval", "search", "plain.tvx").err


def test_eval_triplets_counts_the_share_in_the_right_order(encoded: Path, tv: Tv) -> None:
    make_triplets(tv)
    (plain,) = lines(tv("eval", "triplets", "photos.h5", "t.jsonl", "--split", "test"))
    assert (plain["metric"], plain["triplets"]) == ("triplet accuracy", 32)
    tv("train-rank", "photos.h5", "t.jsonl", "-o", "rank.h5")
    (learned,) = lines(
        tv("eval", "triplets", "photos.h5", "t.jsonl", "--split", "test", "--rank", "rank.h5")
    )
    assert learned["value"] >= plain["value"] - 0.1  # which is 1 already, or nearly
    tv("index", "photos.h5", "--rank", "rank.h5", "-o", "ranked.tvx")
    (indexed,) = lines(tv("eval", "triplets", "ranked.tvx", "t.jsonl", "--split", "test"))
    assert indexed["value"] == pytest.approx(learned["value"], abs=0.05)  # vectors as float16


def test_wrong_input_is_told_in_one_line(encoded: Path, tv: Tv) -> None:
    assert tv("triplets", "photos.h5", "-o", "t.jsonl").status == 2
    assert tv("triplets", "none.h5", "--flips", "-o", "t.jsonl").status == 3
    Path("bad.jsonl").write_text('{"anchor": {"image": "a.png"}, "positive": {"image": "b.png"}}\n')
    ran = tv("train-rank", "photos.h5", "bad.jsonl", "-o", "rank.h5")
    assert (ran.status, ran.out) == (3, "")
    assert ran.err == 'tv: bad.jsonl:1: a triplet needs "negative": {"image": …}\n'
    make_triplets(tv)
    ran = tv("train-rank", "photos.h5", "t.jsonl", "-o", "rank.h5", "--dim", 5000)
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert not Path("rank.h5").exists()


def test_figures_say_of_which_classes_they_are(encoded: Path, tv: Tv) -> None:
    make_triplets(tv)
    ran = tv("train-rank", "photos.h5", "t.jsonl", "-o", "r.h5", "--steps", 30)
    assert "held-out photos of 4 classes; other classes not measured" in ran.err
    two = sorted(Path("photos").glob("class[01]/*.png"))
    labelled = [{"image": str(photo), "label": photo.parent.name} for photo in two]
    Path("two-labels.jsonl").write_text("".join(json.dumps(each) + "\n" for each in labelled))
    make = ("triplets", "photos.h5", "--labels", "two-labels.jsonl", "--test", 0.3)
    assert tv(*make, "-o", "two.jsonl").status == 0
    ran = tv("train-rank", "photos.h5", "two.jsonl", "-o", "r.h5", "--steps", 30)
    assert "of 2 classes; 12 photos of 2 other classes, which were not taught" in ran.err
    figures = {str(line["metric"]): line for line in lines(ran)}
    assert {"hit@1 of other classes", "mAP of other classes"} < set(figures)
    assert 0 <= figures["mAP of other classes"]["before"] <= 1  # type: ignore[operator]


def test_the_starts_are_a_table_and_one_is_chosen(encoded: Path, tv: Tv) -> None:
    make_triplets(tv)
    ran = tv("train-rank", "photos.h5", "t.jsonl", "-o", "r.h5", "--steps", 0)
    assert ran.status == 0, ran.err
    table = [line.split() for line in ran.err.splitlines()]
    assert ["pool", "start", "hits", "of", "photos", "hits", "of", "classes"] in table
    assert "starts that were tried, by the first hits of held-out photos and classes:" in ran.err
    assert max(len(line) for line in ran.err.splitlines() if "0." in line) <= 80
    assert {line[0] for line in table} >= {"mean", "gem", "mean+gem", "crelu", "crelu+gem"}
    assert sum(line[-1:] == ["chosen"] for line in table) == 1
    settings = json.loads(tv("info", "r.h5", "--json").out)["settings"]
    assert [row["chosen"] for row in settings["choice"]].count(True) == 1
    assert settings["steps"] == 0
    (chosen,) = (row for row in settings["choice"] if row["chosen"])
    shown = " ".join(tv("info", "r.h5").out.split())
    tried = len(settings["choice"])
    assert f"choice {chosen['start']} of {chosen['pool']} vectors, of {tried} starts tried" in shown
    points = len(settings["calibration"]["similarities"])
    assert f"calibration {points} points" in shown and "chosen True" not in shown
    named = tv("train-rank", "photos.h5", "t.jsonl", "-o", "r.h5", "--start", "wccn", "--pool",
               "mean+gem", "--steps", 0)  # fmt: skip
    assert re.search(r"wccn 0\.\d+ of mean\+gem vectors, 0 steps of the hinge loss kept", named.err)
    assert tv("index", "photos.h5", "--rank", "r.h5", "-o", "r.tvx").status == 0
    photo = "photos/class0/100.png"
    (first, *_) = lines(tv("search", photo, "-i", "r.tvx", "--explain", "why"))
    assert (first["image"], first["similarity"]) == (photo, pytest.approx(1, abs=1e-3))
    ran = tv("index", "photos.h5", "--rank", "r.h5", "--maps", "-o", "maps.tvx")
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "tv train-rank --pool mean" in ran.err
    assert tv("train-rank", "photos.h5", "t.jsonl", "-o", "r.h5", "--start", "best").status == 2


def test_a_calibrated_index_tells_how_probable_its_hits_are(encoded: Path, tv: Tv) -> None:
    tv("index", "photos.h5", "-o", "photos.tvx")
    photo = "photos/class0/100.png"
    assert "probability" not in lines(tv("search", photo, "-i", "photos.tvx"))[0]
    ran = tv("eval", "search", "photos.tvx", "--calibrate", "--plot", "reliability.svg")
    assert ran.status == 0, ran.err
    assert "photos.tvx: hits carry probabilities from now on" in ran.err
    assert "share that belongs" in Path("reliability.svg").read_text()
    hits = lines(tv("search", photo, "-i", "photos.tvx", "-k", 24))
    said = [float(str(hit["probability"])) for hit in hits]
    assert said == sorted(said, reverse=True)
    table = tv("search", photo, "-i", "photos.tvx", "-k", 1, "--format", "table").out
    _, header, first = (line.split() for line in table.splitlines())
    assert header == ["rank", "similarity", "probability", "image"]
    assert first[:4] == ["1", "1.0000", f"{said[0]:.4f}", photo]
    right = [str(hit["image"]).startswith("photos/class0/") for hit in hits]
    sure = [own for own, value in zip(right, said, strict=True) if value >= 0.8]
    assert sum(sure) / len(sure) >= 0.8
    euclidean = lines(tv("search", photo, "-i", "photos.tvx", "--metric", "euclidean"))
    assert "probability" not in euclidean[0]
    draw(Path("few"), 500)
    for path in sorted(Path("few").rglob("*.png"))[4:]:
        path.unlink()
    tv("index", "few", "-o", "few.tvx", "--size", 64)
    ran = tv("eval", "search", "few.tvx", "--calibrate")
    assert (ran.status, "50 of each are needed" in ran.err) == (2, True)


def test_a_head_brings_what_its_similarities_mean(encoded: Path, tv: Tv) -> None:
    """Fitted on what rehearsals held out, kept by the index, and cut by --min-probability."""
    draw(Path("photos"), 500)
    draw(Path("photos"), 900)
    assert tv("encode", "photos", "-o", "photos.h5", "--size", 64, "--update").status == 0
    make_triplets(tv)
    ran = tv("train-rank", "photos.h5", "t.jsonl", "-o", "rank.h5", "--steps", 0)
    assert ran.status == 0, ran.err
    assert tv("index", "photos.h5", "--rank", "rank.h5", "-o", "ranked.tvx").status == 0
    kept = json.loads(Path("ranked.tvx/index.json").read_text("utf-8"))["settings"]["calibration"]
    query = ("search", "--item", "class0/100.png", "-i", "ranked.tvx", "-k", 99)
    found = lines(tv(*query))
    expected = np.interp(
        [float(str(hit["similarity"])) for hit in found],
        kept["similarities"],
        kept["probabilities"],
    )
    assert [hit["probability"] for hit in found] == pytest.approx(expected.tolist(), abs=1e-3)
    assert len({hit["probability"] for hit in found}) > 1
    probable = lines(tv(*query, "--min-probability", 0.5))
    assert probable == [hit for hit in found if float(str(hit["probability"])) >= 0.5]
    assert 0 < len(probable) < len(found)
    verified = lines(tv(*query, "--verify", "default", "--min-probability", 0.5))
    assert all(hit["verified"] for hit in verified)
    refused = tv(*query, "--min-probability", 0.5, "--query-expansion", 2)
    assert refused.status == 2 and "--query-expansion" in refused.err
    assert tv("index", "photos.h5", "-o", "plain.tvx").status == 0
    unknown = tv("search", "--item", "class0/100.png", "-i", "plain.tvx", "--min-probability", 0.5)
    assert unknown.status == 2 and "--calibrate" in unknown.err


def test_figures_of_one_class_are_told_to_say_nothing(encoded: Path, tv: Tv) -> None:
    assert tv("index", "photos/class0", "-o", "one.tvx", "--size", 64).status == 0
    ran = tv("eval", "search", "one.tvx")
    assert {line["value"] for line in lines(ran) if line["metric"] == "mAP"} == {1.0}
    assert "warning: one.tvx: all of its photos are in one folder, so every hit" in ran.err
    images = sorted(Path("photos").rglob("*.png"))
    told = "".join(json.dumps({"image": str(path), "label": "a"}) + "\n" for path in images)
    Path("labels.jsonl").write_text(told)
    assert tv("index", "photos", "-o", "all.tvx", "--size", 64).status == 0
    same = "all.tvx: all of its photos have the same label"
    assert same in tv("eval", "search", "all.tvx", "--truth", "labels.jsonl").err
    assert "warning" not in tv("eval", "search", "all.tvx").err
    ran = tv("eval", "search", "all.tvx", "--truth", "labels")
    assert ran.status == 3 and "all.tvx: keeps no labels; name others with --truth" in ran.err
