"""`tv eval`: an index against the truth, and triplets against an index or encodings."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.artifacts import open_artifact, slices
from tvcli.core.files.locks import writing
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.sampling import ALL, Sample
from tvcli.core.files.sources import is_rows, open_sources
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.indexes.manifest import read_manifest, write_manifest
from tvcli.core.indexes.older import note_older
from tvcli.core.ranking.calibration import CALIBRATION, Calibration
from tvcli.core.ranking.metrics import bootstrap
from tvcli.core.ranking.rank import load_rank
from tvcli.core.ranking.rows import RowTable
from tvcli.core.ranking.triplet_table import read_triplet_table
from tvcli.core.ranking.vectors import Vectors, pool_for, unit_vectors
from tvcli.core.reports import Report, nothing_found
from tvcli.core.searching.evaluation import Known, Measured, Truth, figure, in_order, measure
from tvcli.core.searching.hits import SearchSettings
from tvcli.core.searching.neighbours import NO_NEIGHBOURS, ByNeighbours
from tvcli.core.searching.queries import Query
from tvcli.core.searching.searcher import Searcher

ROWS_READ_AT_ONCE = 4096  # rows of an index read at a time as queries


@dataclass(frozen=True, slots=True)
class Trial:
    """What to measure an index with: queries, the truth, and at which ranks."""

    queries: list[str]
    truth: str = "folders"
    ks: tuple[int, ...] = (1, 5, 10, 20)
    weights: Path | None = None
    seed: int = 0
    root: Path | None = None  # where the photos of the index lie now
    sample: Sample = ALL  # of the queries
    neighbours: ByNeighbours = NO_NEIGHBOURS


def compared_trials(path: Path, other: Path | None, trial: Trial) -> list[tuple[str, Path, Trial]]:
    """Return what is measured: an index and another, if there is one, each with a name.

    The other being the same index, it is measured without its neighbours.
    """
    trials = [(str(path), path, trial)]
    if other is None:
        return trials
    plain = replace(trial, neighbours=NO_NEIGHBOURS)
    if absolute_path(path) != absolute_path(other) or trial == plain:
        return [*trials, (str(other), other, trial)]
    return [*trials, (f"{other} by itself", other, plain)]


def eval_search(path: Path, trial: Trial, stdin: IO[bytes], report: Report) -> Measured:
    """Measure the search of an index; with no queries named, each of its photos is one.

    Raises:
        UsageError: a rank that is none.
        BadInput: a file cannot be used, or no query has anything to find.
        Mismatch: queries that were encoded in another way than the index.
    """
    if not trial.ks or min(trial.ks) < 1:
        raise UsageError("-k: ranks from 1, such as 1,5,10,20")
    truth = Truth.of(trial.truth, report)
    with open_index(path, trial.root) as index:
        note_older(index, report)
        if not trial.queries and index.rank_file is not None:
            report.note(
                f"{path}: its rank head may have learned from these photos, so the figures may be "
                f"too good: name others with --queries"
            )
        known = _known(index, truth, recorded=trial.truth == "labels")
        queries = _queries(index, trial, stdin, report)
        report.start("measuring", "queries")
        labels = (lambda q: q.label) if trial.truth == "labels" else lambda q: truth.label(q.photo)
        asked = _counted(queries, report, trial.queries)
        measured = measure(index, known, asked, labels, trial.ks, trial.neighbours)
    if not measured.pairs.unrelated.any():
        same = "are in one folder" if trial.truth == "folders" else "have the same label"
        report.note(
            f"warning: {path}: all of its photos {same}, so every hit counts as right and the "
            f"figures say nothing: tell the photos apart with another --truth"
        )
    return measured


def keep_calibration(path: Path, calibration: Calibration) -> None:
    """Write a calibration into an index: its hits carry probabilities from then on.

    Raises:
        BadInput: the index cannot be written, or others are writing it.
    """
    with writing(path):
        manifest = read_manifest(path)
        manifest.settings = {**manifest.settings, CALIBRATION: calibration.as_settings()}
        write_manifest(path, manifest)


def _known(index: Index, truth: Truth, *, recorded: bool) -> Known:
    images = [absolute_path(index.root / image) for image in index.images]
    labels = index.labels if recorded else [truth.label(image) for image in images]
    if recorded and not any(labels):
        raise BadInput(f"{index.path}: keeps no labels; name others with --truth folders or FILE")
    if truth.labels and not any(labels):
        raise BadInput(
            f"--truth: its labels name no photo of {index.path}: they have "
            f"{next(iter(truth.labels))}, and the index has {images[0]}"
        )
    digests: list[str] = index.columns(np.arange(len(index)))["digest"]
    return Known(labels, images, digests)


def _queries(index: Index, trial: Trial, stdin: IO[bytes], report: Report) -> Iterator[Query]:
    if not trial.queries:
        return trial.sample.of(_own(index), lambda query: query.name)
    queries = Searcher(index, weights=trial.weights).queries(SearchSettings(), report)
    if is_rows(trial.queries, stdin):
        found = queries.of_encodings(Path(trial.queries[0]))
        return trial.sample.of(found, lambda query: query.photo or query.name)
    source = open_sources(
        trial.queries,
        stdin=stdin,
        sample=trial.sample,
        on_unreadable=report.unreadable,
        on_left_out=report.leave_out,
        on_empty=report.empty_folder,
    )
    return queries.of_photos(source.regions, source.root)


def _own(index: Index) -> Iterator[Query]:
    for rows in slices(len(index), ROWS_READ_AT_ONCE):
        known, vectors = index.columns(rows), index.vectors(rows)
        for place, image in enumerate(known["image"]):
            photo = absolute_path(index.root / image)
            digest, label = known["digest"][place], known["label"][place]
            yield Query(image, vectors[place], photo=photo, digest=digest, label=label)


def _counted(queries: Iterable[Query], report: Report, named: list[str]) -> Iterator[Query]:
    """Pass queries on, counted; raises BadInput if there are none."""
    before = report.done
    for query in queries:
        report.advance()
        yield query
    if report.done == before:
        raise nothing_found(report, named)


def eval_triplets(
    source: Path,
    triplets_path: Path,
    rank: Path | None = None,
    split: str = "all",
    seed: int = 0,
    stdin: IO[bytes] | None = None,
    report: Report | None = None,
) -> tuple[list[dict[str, object]], int]:
    """Return the share of triplets in the right order with its interval, and how many were not
    measured because a photo of theirs is not in the source: an encodings file or an index.

    Raises:
        BadInput: a file cannot be used, or no triplet is of its photos.
        Mismatch: the head was trained on other encodings.
    """
    table, vectors = _rows_of(source, rank)
    told = report or Report()
    triplets = read_triplet_table(
        triplets_path, stdin, lambda where, fault: told.skip(where, "triplets", fault)
    )
    row_of = np.array([table.row_of(item) for item in triplets.items], np.intp)  # -1: of none
    rows = row_of[triplets.numbers]  # (T, 3)
    if split != "all":
        rows = rows[triplets.testing == (split == "test")]
    found = rows[(rows >= 0).all(axis=1)]
    if not len(found):
        raise BadInput(f"{source}: has the photos of none of {len(rows)} triplets")
    blocks = slices(len(found), ROWS_READ_AT_ONCE)
    right = np.concatenate([in_order(vectors, found[block]) for block in blocks])
    low, high = bootstrap(right[:, None], seed)
    record = figure("triplet accuracy", value=right.mean(), low=low[0], high=high[0])
    return [record | {"triplets": len(found)}], len(rows) - len(found)


def _rows_of(source: Path, rank: Path | None) -> tuple[RowTable, Vectors]:
    if source.is_dir():
        if rank is not None:
            raise UsageError("--rank: an index brings its own head")
        with open_index(source) as index:
            return RowTable(index, index.path / "in"), index.vectors(slice(None))
    with open_artifact(source, "encodings") as encodings:
        ranker = load_rank(rank) if rank else None
        if ranker:
            ranker.check(encodings.settings["encoder"])
        vectors = unit_vectors(encodings, pool_for(encodings, ranker.pool if ranker else "auto"))
        return RowTable(encodings), ranker.vectors(vectors) if ranker else vectors
