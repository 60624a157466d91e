"""What a few clicks teach: photos that were not clicked, ranked before and after learning.

    python -m scripts.bench.clicks GALLERY.h5 [--queries 2,6,20] [--draws 12]

Photos of one folder are similar. A person is played who searches with some photos, drawn, and says
yes to the first right hits of 40 and no to the first wrong ones, up to four of each. *Learn* in the
gallery makes a head of that. The mAP is of the photos of the classes asked about that were not
clicked (200 at most), which search all others that were not. Lines are JSON: the mean over draws
before and after, and the mean of their difference with its 95 % interval by bootstrap over draws.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.files.artifacts import open_artifact
from tvcli.core.ranking.held_out import mapped, searched
from tvcli.core.ranking.labels import folder_label
from tvcli.core.ranking.metrics import bootstrap
from tvcli.core.ranking.pooled_rows import VectorRows
from tvcli.core.ranking.rank_training import RankData, RankSettings, train_rank
from tvcli.core.ranking.rows import RowTable
from tvcli.core.ranking.vectors import pool_for, unit_vectors
from tvcli.core.reports import Report

LOOKED_AT, CLICKED = 40, 4
MOST_QUERIES = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gallery", type=Path)
    parser.add_argument("--queries", default="2,6,20")
    parser.add_argument("--draws", type=int, default=12)
    given = parser.parse_args()
    with open_artifact(given.gallery, "encodings") as file:
        vectors = unit_vectors(file, pool_for(file))
        names = [folder_label(image) for image in RowTable(file).images]
    labels = np.unique(names, return_inverse=True)[1]
    for count in map(int, given.queries.split(",")):
        found = np.array([drawn(vectors, labels, count, seed) for seed in range(given.draws)])
        gains = found[:, 1:] - found[:, :1]
        low, high = bootstrap(gains)
        gain = [round(float(value[0]), 3) for value in (gains.mean(axis=0), low, high)]
        before, after = (round(float(value), 3) for value in found.mean(axis=0))
        record = {"queries": count, "before": before, "after": after, "gain": gain}
        print(json.dumps(record | {"draws worse": int((gains < 0).sum())}), flush=True)


def drawn(vectors: Any, labels: Any, count: int, seed: int) -> tuple[float, float]:
    """Return the mAP of photos that were not clicked before and after learning from one draw."""
    rng = np.random.default_rng(seed)
    asked = rng.choice(len(vectors), count, replace=False)
    triplets = np.array([t for query in asked for t in clicks(vectors, labels, query)], np.intp)
    triplets = triplets.reshape(-1, 3)
    involved = np.unique(np.concatenate([asked, triplets.ravel()]))
    rest = np.setdiff1d(np.arange(len(vectors)), involved)
    of_asked = np.flatnonzero(np.isin(labels[rest], labels[asked]))
    queries = rng.permutation(of_asked)[:MOST_QUERIES]
    before = average(vectors[rest], labels[rest], queries)
    if not len(triplets):  # nothing to learn from: no query had a yes and a no
        return before, before
    own = VectorRows(vectors[involved])
    rows = np.searchsorted(involved, triplets)
    data = RankData(own, rows, rows[:0], np.full(len(involved), -1, np.intp))
    head = train_rank(data, RankSettings(steps=0, seed=seed), Report()).weight
    return before, average(mapped(vectors[rest], head), labels[rest], queries)


def clicks(vectors: Any, labels: Any, query: int) -> list[tuple[int, int, int]]:
    """Return the triplets that the yes and the no to a query's first hits make."""
    near = np.argsort(-(vectors @ vectors[query]), kind="stable")
    near = near[near != query][:LOOKED_AT]
    right = labels[near] == labels[query]
    return [(query, p, n) for p in near[right][:CLICKED] for n in near[~right][:CLICKED]]


def average(vectors: Any, labels: Any, queries: Any) -> float:
    """Return the mAP of queries (rows)."""
    return float(np.mean([each[1] for each in searched(vectors, labels, queries)]))


if __name__ == "__main__":
    main()
