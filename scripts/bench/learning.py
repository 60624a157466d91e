"""What learning brings: classes taught, classes never taught, and how many labels it takes.

    python -m scripts.bench.learning GALLERY.h5 QUERIES.h5 [--seeds 5] [--curve curve.svg]

Photos of one folder are similar. `tv triplets` and `tv train-rank` learn from the gallery, as they
do by default; the queries are measured, of which nothing is learned or chosen. `taught`: all
classes of the gallery. `untaught`: a third of the classes is searched, the others are learned
from; each seed has a third of its own. `labels N`: N photos of each class are learned from, and
all searched. `probable` are the hits (of 20) of all classes from some probability on, by the
calibration that the head brings: how many, and which share of them is right. Both files hold maps.
Lines are JSON: the mean over seeds, with 95 % intervals by bootstrap over queries, and CPU seconds
to learn beside the encoding. `gain of` a start is that over the vectors as they are.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.encoding.pooling import pooling_names
from tvcli.core.files.artifacts import Artifact, open_artifact
from tvcli.core.ranking.held_out import mapped
from tvcli.core.ranking.labels import folder_label
from tvcli.core.ranking.metrics import bootstrap, query_figures, relevant_ranks
from tvcli.core.ranking.mining import Candidates, mine_labelled, split_photos
from tvcli.core.ranking.pooled_rows import Encodings
from tvcli.core.ranking.rank_training import RankData, RankSettings, Trained, train_rank
from tvcli.core.ranking.rows import RowTable
from tvcli.core.ranking.vectors import pool_for
from tvcli.core.reports import Report

UNTAUGHT = 11 / 31  # of the classes
LABELS = (2, 5, 10)  # of a class
PROBABLE = (0.5, 0.8, 0.9)
NAMES = ("hit@1", "precision@20", "mAP")
Figures = np.ndarray[Any, np.dtype[np.float64]]


class Pooled:
    """All rows of a file by each pooling, the usual one first, with the labels of their folders."""

    def __init__(self, path: Path) -> None:
        with open_artifact(path, "encodings") as file:
            usual = pool_for(file)
            names = (usual, *(n for n in pooling_names(heads=True) if n != usual))
            self.by = self._read(file, names)
            self.labels = np.array([folder_label(image) for image in RowTable(file).images])
            self.row_shape = file.row_shape
        self.pools = names

    @staticmethod
    def _read(file: Artifact, names: Sequence[str]) -> dict[str, Any]:
        return Encodings([file]).pooled_by(np.arange(len(file)), names)

    def pooled_by(self, rows: Any, hows: Sequence[str], each: Any = map) -> dict[str, Any]:
        return {how: self.by[how][rows] for how in hows}

    def pooled(self, rows: Any, how: str) -> Any:
        return self.by[how][rows]


def learned(gallery: Pooled, known: Any, seed: int, start: str) -> tuple[str, Any, float]:
    """Learn from the rows that have a number in `known` (N,); return pooling, head, CPU seconds."""
    trained, seconds = trained_on(gallery, known, seed, start)
    return trained.start.pool, trained.weight, seconds


def trained_on(
    gallery: Pooled, known: Any, seed: int, start: str, steps: int = RankSettings().steps
) -> tuple[Trained, float]:
    """Train by the rows that have a number in `known` (N,); return that, and CPU seconds."""
    rng, photos = np.random.default_rng(seed), np.arange(len(known))
    usual = gallery.by[gallery.pools[0]]
    rows = np.flatnonzero(known >= 0)
    kept = split_photos(rows, known[rows], 0.1, rng)
    candidates = Candidates(usual, photos, known, np.isin(photos, kept))
    triplets = np.array(list(mine_labelled(candidates, 4, "hard", rng)), np.intp)
    testing = np.isin(triplets[:, 0], kept)
    data = RankData(gallery, triplets[~testing], triplets[testing], known)
    began = time.process_time()  # the mining is of tv triplets
    settings = RankSettings(pools=gallery.pools, seed=seed, start=start, steps=steps)
    trained = train_rank(data, settings, Report())
    return trained, time.process_time() - began


def probable(gallery: Pooled, queries: Pooled, seeds: int) -> None:
    """Print how true the probabilities of heads are that learned from all classes."""
    known = np.unique(gallery.labels, return_inverse=True)[1]
    found: dict[float, list[tuple[int, float]]] = {least: [] for least in PROBABLE}
    for seed in range(seeds):
        trained, _ = trained_on(gallery, known, seed, "auto")
        if trained.calibration is None:
            continue
        rows, asked = (mapped(p.by[trained.start.pool], trained.weight) for p in (gallery, queries))
        similarities = asked @ rows.T
        hits = np.argsort(-similarities, axis=1)[:, :20]
        values = np.take_along_axis(similarities, hits, axis=1)
        right = gallery.labels[hits] == queries.labels[:, None]
        says = trained.calibration.probability(values.astype(np.float64))
        for least, runs in found.items():
            some = says >= least
            runs.append((int(some.sum()), float(right[some].mean()) if some.any() else np.nan))
    for least, runs in found.items():
        count, share = np.nanmean(runs, axis=0)
        record = {"what": "probable", "from": least, "hits": round(float(count))}
        print(json.dumps(record | {"right": round(float(share), 3)}), flush=True)


def measured(
    gallery: Pooled, queries: Pooled, pool: str, weight: Any, classes: Any = None
) -> Figures:
    """Return the figures (Q, 3) of queries of some classes, searching photos of those; else NaN."""
    own, theirs = (np.isin(p.labels, gallery.labels if classes is None else classes)
                   for p in (gallery, queries))  # fmt: skip
    rows, asked = gallery.by[pool][own], queries.by[pool][theirs]
    if weight is not None:
        rows, asked = mapped(rows, weight), mapped(asked, weight)
    labels, found = gallery.labels[own], np.full((len(theirs), len(NAMES)), np.nan)
    for query, similarities in zip(np.flatnonzero(theirs), asked @ rows.T, strict=True):
        ranks = relevant_ranks(similarities, np.flatnonzero(labels == queries.labels[query]))
        hit, _, _, _, _, precision, average, _ = query_figures(ranks, [1, 20])
        found[query] = hit, precision, average
    return found


def tell(what: str, how: str, figures: list[Figures], seconds: list[float]) -> Figures:
    """Print a line; return the means (3,) of the figures (Q, 3) of each seed, NaN where not asked.

    A query is drawn with all its seeds: what it finds in one is much like what it finds in others.
    """
    values = np.stack(figures)  # (S, Q, 3)
    asked = ~np.isnan(values[..., 0])  # (S, Q)
    means: Figures = values[asked].mean(axis=0)
    # What each query adds to the means: how often it was asked may differ.
    apart = np.nansum(values - means, axis=0) * asked.shape[1] / asked.sum()  # (Q, 3)
    low, high = bootstrap(means + apart)
    record: dict[str, Any] = {"what": what, "how": how, "seeds": len(figures)}
    for name, mean, least, most in zip(NAMES, means, low, high, strict=True):
        record[name] = [round(float(v), 3) for v in (mean, least, most)]
    print(json.dumps(record | {"seconds": round(float(np.mean(seconds)), 2)}), flush=True)
    return means


def taught(gallery: Pooled, queries: Pooled, seeds: int, start: str) -> Figures:
    known = np.unique(gallery.labels, return_inverse=True)[1]
    runs = [learned(gallery, known, seed, start) for seed in range(seeds)]
    found = [measured(gallery, queries, pool, weight) for pool, weight, _ in runs]
    return tell("taught", start, found, [seconds for _, _, seconds in runs])


def untaught(gallery: Pooled, queries: Pooled, seeds: int, start: str) -> None:
    classes, numbers = np.unique(gallery.labels, return_inverse=True)
    plain, found, seconds = [], [], []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        chosen = rng.choice(classes, round(len(classes) * UNTAUGHT), replace=False)
        known = np.where(np.isin(gallery.labels, chosen), -1, numbers)
        pool, weight, took = learned(gallery, known, seed, start)
        plain.append(measured(gallery, queries, gallery.pools[0], None, chosen))
        found.append(measured(gallery, queries, pool, weight, chosen))
        seconds.append(took)
    if start == "auto":
        tell("untaught", "plain", plain, [0.0])
    tell("untaught", start, found, seconds)
    gains = [after - before for before, after in zip(plain, found, strict=True)]
    tell("untaught", f"gain of {start}", gains, seconds)


def with_labels(gallery: Pooled, queries: Pooled, seeds: int, count: int) -> Figures:
    numbers, found, seconds = np.unique(gallery.labels, return_inverse=True)[1], [], []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(numbers))
        rank = np.zeros(len(numbers), np.intp)
        for number in range(numbers.max() + 1):
            own = order[numbers[order] == number]
            rank[own] = np.arange(len(own))
        pool, weight, took = learned(gallery, np.where(rank < count, numbers, -1), seed, "auto")
        found.append(measured(gallery, queries, pool, weight))
        seconds.append(took)
    return tell(f"labels {count}", "auto", found, seconds)


def draw(path: Path, curve: dict[str, Figures]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot(xlabel="labels a class", ylabel="on queries kept apart")
    for place, name in enumerate(NAMES):
        axes.plot(list(curve), [means[place] for means in curve.values()], "o-", label=name)
    axes.grid(alpha=0.3)
    axes.set_ylim(0, 1)
    axes.legend()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gallery", type=Path)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--starts", nargs="*", default=["auto", "wccn", "discriminant"])
    parser.add_argument("--curve", type=Path)
    options = parser.parse_args()
    gallery, queries = Pooled(options.gallery), Pooled(options.queries)
    plain = tell("taught", "plain", [measured(gallery, queries, gallery.pools[0], None)], [0.0])
    curve = {"1": plain}
    for start in options.starts:
        means = taught(gallery, queries, options.seeds, start)
        untaught(gallery, queries, options.seeds, start)
        if start == "auto":
            best = means
            probable(gallery, queries, options.seeds)
    if options.curve:
        for count in LABELS:
            curve[str(count)] = with_labels(gallery, queries, options.seeds, count)
        draw(options.curve, curve | {"all": best})


if __name__ == "__main__":
    main()
