"""What neighbours bring: query expansion and k-reciprocal re-ranking, chosen and measured.

    python -m scripts.bench.neighbours choose GALLERY.h5 QUERIES.h5
    python -m scripts.bench.neighbours report GALLERY.h5 QUERIES.h5 [--seeds 5]

Photos of one folder belong together. `choose` prints mAP, hit@1 and precision@20 for a grid of
settings, on what is not reported. `report` measures the defaults with the vectors as they are and
behind a head that `tv train-rank` learns by itself from the gallery: means over the seeds with 95 %
intervals, and those of the differences to the search itself, query by query. Lines are JSON.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from scripts.bench.learning import Pooled, learned
from tvcli.core.ranking.held_out import mapped
from tvcli.core.ranking.metrics import bootstrap
from tvcli.core.searching.evaluation import Known, measure
from tvcli.core.searching.neighbours import NO_NEIGHBOURS, ByNeighbours, asked_neighbours
from tvcli.core.searching.queries import Query

KS = [1, 20]
NAMES = ("hit@1", "precision@20", "mAP")
WAYS = {
    "the search itself": NO_NEIGHBOURS,
    "--query-expansion 5": asked_neighbours(5),
    "--k-reciprocal 100": asked_neighbours(k_reciprocal=100),
    "both": asked_neighbours(5, k_reciprocal=100),
}


class Vectors:
    """Vectors (N, D) float32 in memory, as a gallery."""

    def __init__(self, values: Any) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def vectors(self, rows: Any) -> Any:
        return self._values[rows]


def figures(rows: Any, labels: Any, asked: Any, wanted: Any, how: ByNeighbours) -> Any:
    """Return hit@1, precision@20 and mAP (Q, 3) of vectors asked among rows."""
    names = [str(row) for row in range(len(rows))]
    known = Known(list(labels), [f"/{name}" for name in names], [""] * len(names))
    each = enumerate(zip(asked, wanted, strict=True))
    queries = [Query(str(number), vector, label=label) for number, (vector, label) in each]
    found = measure(Vectors(rows), known, queries, lambda query: query.label, KS, how)
    return found.values[:, [found.names.index(name) for name in NAMES]]


def grid() -> list[tuple[str, ByNeighbours]]:
    """Return the settings to choose from."""
    expansions = [
        (f"expansion {n}, alpha {alpha:g}", asked_neighbours(n, alpha))
        for n in (1, 3, 5, 10, 20)
        for alpha in (0.0, 1.0, 3.0, 6.0)
    ]
    reciprocals = [
        (f"k-reciprocal {k1}, {k2}, {share}", asked_neighbours(None, None, 100, k1, k2, share))
        for k1 in (5, 10, 20, 30)
        for k2 in (1, 3, 6)
        for share in (0.3, 0.5, 0.8)
    ]
    return [("the search itself", NO_NEIGHBOURS), *expansions, *reciprocals]


def choose(gallery: Pooled, queries: Pooled) -> None:
    known = np.unique(gallery.labels, return_inverse=True)[1]
    pool, weight, _ = learned(gallery, known, 0, "auto")
    plain = gallery.by[gallery.pools[0]], queries.by[gallery.pools[0]]
    head = mapped(gallery.by[pool], weight), mapped(queries.by[pool], weight)
    for vectors, (rows, asked) in {"plain": plain, "learned": head}.items():
        for how, settings in grid():
            found = figures(rows, gallery.labels, asked, queries.labels, settings).mean(axis=0)
            record = {
                name: round(float(value), 4) for name, value in zip(NAMES, found, strict=True)
            }
            print(json.dumps({"vectors": vectors, "how": how} | record), flush=True)


def report(gallery: Pooled, queries: Pooled, seeds: int) -> None:
    known = np.unique(gallery.labels, return_inverse=True)[1]
    heads: list[tuple[str, Any]] = [
        learned(gallery, known, seed, "auto")[:2] for seed in range(seeds)
    ]
    usual = gallery.pools[0]
    spaces = {
        "plain": [(gallery.by[usual], queries.by[usual])],
        "learned": [(mapped(gallery.by[p], w), mapped(queries.by[p], w)) for p, w in heads],
    }
    for vectors, pairs in spaces.items():
        own = None
        for how, settings in WAYS.items():
            began = time.process_time()
            runs = [figures(rows, gallery.labels, asked, queries.labels, settings)
                    for rows, asked in pairs]  # fmt: skip
            took = (time.process_time() - began) / len(pairs) / len(runs[0])
            values = np.mean(runs, axis=0)
            own = values if own is None else own
            tell(vectors, how, values, values - own, took)


def tell(vectors: str, how: str, values: Any, gains: Any, took: float) -> None:
    """Print means with intervals, those of the gains, and CPU milliseconds a query."""
    record: dict[str, Any] = {"vectors": vectors, "how": how}
    for kind, each in (("", values), (" gain", gains)):
        bounds = (each.mean(axis=0), *bootstrap(each))
        for place, name in enumerate(NAMES):
            record[name + kind] = [round(float(bound[place]), 3) for bound in bounds]
    print(json.dumps(record | {"ms": round(took * 1000, 1)}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["choose", "report"])
    parser.add_argument("gallery", type=Path)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    gallery, queries = Pooled(options.gallery), Pooled(options.queries)
    if options.what == "choose":
        choose(gallery, queries)
    else:
        report(gallery, queries, options.seeds)


if __name__ == "__main__":
    main()
