"""The chain of the demo: what it draws beside the photos, and what its searches come to."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from tvcli.core.errors import BadInput
from tvcli.core.reports import Report
from tvcli.core.searching.hits import Hit
from tvcli.demo.chain import CHAIN, Collection, Outcome, draw, outcome, read_hits, shown_queries

TINY = Collection(garments=6, photos_each=2)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_truth_and_lists_are_of_the_photos_drawn(tmp_path: Path) -> None:
    report = Report()
    records = draw(tmp_path, TINY, 3, report)
    assert report.done == len(records) == 12
    gallery, queries = ([r for r in records if r["split"] == s] for s in ("train", "test"))
    assert len(gallery) == len(queries) == 6
    for name, chosen in (("gallery.txt", gallery), ("queries.txt", queries)):
        assert (tmp_path / name).read_text("utf-8").split() == [r["image"] for r in chosen]
    for name, chosen in (("boxes.jsonl", gallery), ("truth.jsonl", queries)):
        found = lines(tmp_path / name)
        assert [r["box"] for r in found] == [r["box"] for r in chosen]
        assert not any("split" in r for r in found)
    patterns = {r["image"]: r["label"] for r in lines(tmp_path / "patterns.jsonl")}
    assert patterns == {r["image"]: r["pattern"] for r in records}


def test_a_folder_that_is_a_file_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(BadInput, match="taken: cannot be written"):
        draw(tmp_path / "taken", TINY, 0, Report())


def test_some_queries_of_each_kind_are_shown() -> None:
    records = [
        {"image": f"{label}-{n}-{split}", "label": label, "split": split}
        for label in ("coat", "skirt")
        for n in range(5)
        for split in ("train", "test")
    ]
    shown = {f"{label}-{n}-test" for label in ("coat", "skirt") for n in range(3)}
    assert shown_queries(records) == shown


def test_outcome_counts_first_hits_and_patterns_and_queries_without_hits() -> None:
    garments = {"a1": "a", "a2": "a", "b1": "b", "b2": "b", "c2": "c"}
    records = [
        {"image": i, "garment": g, "pattern": "dots" if g == "a" else "plain",
         "split": "test" if i.endswith("2") else "train"}
        for i, g in garments.items()
    ]  # fmt: skip
    found = [("a2", 1, "a1"), ("a2", 2, "b1"), ("b2", 1, "a1"), ("b2", 2, "b1")]
    hits = [Hit(query=q, rank=r, image=i, similarity=0.5) for q, r, i in found]
    assert outcome(hits, records) == Outcome(3, 1, 2 / 4)
    assert outcome([], records) == Outcome(3, 0, 0)


def test_hits_are_read_as_search_wrote_them(tmp_path: Path) -> None:
    hit = {"query": "q.jpg", "rank": 1, "image": "i.jpg", "similarity": 0.25}
    file = tmp_path / "hits.jsonl"
    file.write_text(f"{json.dumps(hit)}\n{json.dumps(hit | {'box': [1, 2, 3, 4]})}\n", "utf-8")
    plain, boxed = read_hits(file)
    assert (plain.query, plain.rank, plain.image, plain.similarity) == ("q.jpg", 1, "i.jpg", 0.25)
    assert plain.region is None
    assert boxed.region is not None and list(boxed.region) == [1, 2, 3, 4]


def test_what_a_step_reads_was_made_before_it() -> None:
    made = {"gallery.txt", "queries.txt", "boxes.jsonl", "truth.jsonl", "patterns.jsonl"}
    files = (".txt", ".jsonl", ".h5", ".tvx")
    for step in CHAIN:
        named = [word for word in step.arguments if word.endswith(files)]
        outputs = {o for flag, o in pairwise(step.arguments) if flag == "-o"}
        assert set(named) - outputs <= made, step
        made |= outputs | ({step.output} if step.output else set())


def test_what_runs_beside_the_step_before_it_reads_nothing_that_it_makes() -> None:
    for before, step in pairwise(CHAIN):
        if step.beside:
            outputs = {o for flag, o in pairwise(before.arguments) if flag == "-o"}
            assert not outputs & set(step.arguments) and not before.output and not step.output
    assert sum(step.beside for step in CHAIN) == 1 and not CHAIN[0].beside
