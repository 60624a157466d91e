"""Whether what training chooses by itself helps classes taught, and harms none never taught.

    python -m scripts.bench.starts LABELS.h5... [--seeds 2] [--steps 0]

Each file is a collection of its own, of maps, whose folders are the labels. `taught` holds out
three tenths of the photos of each class, which search the others; `untaught` a third of the
classes, whose photos search each other. Both measure the vectors as they are and those of the head
that `tv train-rank` chooses from the rest: the gain of hit@1 and of the precision of the first 20
hits, of at most 500 queries, with 95 % intervals by bootstrap over classes, since photos of one
class gain together. Lines are JSON.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from scripts.bench.learning import UNTAUGHT, Pooled, trained_on
from tvcli.core.ranking.held_out import mapped
from tvcli.core.ranking.metrics import bootstrap

HELD = 0.3
MOST_QUERIES, FIRST = 500, 20
FEWEST_UNTAUGHT = 2  # classes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=0)
    given = parser.parse_args()
    for path in given.files:
        data = Pooled(path)
        numbers = np.unique(data.labels, return_inverse=True)[1]
        for what, asked in (("taught", photos_out), ("untaught", classes_out)):
            runs = [gained(data, numbers, *asked(numbers, seed), seed, given.steps)
                    for seed in range(given.seeds)]  # fmt: skip
            tell({"set": path.stem, "what": what, "chosen": [run[0] for run in runs]},
                 np.concatenate([run[1] for run in runs]))  # fmt: skip


def photos_out(numbers: Any, seed: int) -> tuple[Any, Any, Any]:
    """Return labels known (N,), rows that are searched, and rows to search with."""
    rng, held = np.random.default_rng(seed), np.zeros(len(numbers), bool)
    for number in np.unique(numbers):
        own = rng.permutation(np.flatnonzero(numbers == number))
        held[own[: max(1, int(HELD * len(own)))]] = True
    return np.where(held, -1, numbers), np.flatnonzero(~held), some(np.flatnonzero(held), rng)


def classes_out(numbers: Any, seed: int) -> tuple[Any, Any, Any]:
    """Return the same, where the classes searched are not known."""
    rng, count = np.random.default_rng(seed), int(numbers.max()) + 1
    wanted = max(FEWEST_UNTAUGHT, round(count * UNTAUGHT))
    out = np.isin(numbers, rng.choice(count, wanted, replace=False))
    return np.where(out, -1, numbers), np.flatnonzero(out), some(np.flatnonzero(out), rng)


def some(rows: Any, rng: np.random.Generator) -> Any:
    return np.sort(rng.permutation(rows)[:MOST_QUERIES])


def gained(
    data: Pooled, numbers: Any, known: Any, rows: Any, asked: Any, seed: int, steps: int
) -> tuple[str, Any]:
    """Return what was chosen, and of each query (Q, 5) both figures before and after, and class."""
    trained, _ = trained_on(data, known, seed, "auto", steps)
    chosen = trained.start
    plain, learned = data.by[data.pools[0]], mapped(data.by[chosen.pool], trained.weight)
    before, after = (figures(v, numbers, rows, asked) for v in (plain, learned))
    name = f"{chosen.pool} {chosen.title}"
    return name, np.concatenate([before, after, numbers[asked][:, None]], axis=1)


def figures(vectors: Any, numbers: Any, rows: Any, asked: Any) -> Any:
    """Return hit@1 and the precision of the first 20 (Q, 2); a photo does not find itself."""
    similarities = vectors[asked] @ vectors[rows].T
    similarities[asked[:, None] == rows] = -np.inf
    first = np.argsort(-similarities, axis=1)[:, :FIRST]
    right = numbers[rows][first] == numbers[asked][:, None]
    to_find = np.array([(numbers[rows] == n).sum() for n in numbers[asked]]) - np.isin(asked, rows)
    wanted = np.clip(to_find, 1, right.shape[1])
    precision = right.cumsum(axis=1)[np.arange(len(right)), wanted - 1] / wanted
    return np.stack([right[:, 0], precision], axis=1)


def tell(record: dict[str, Any], values: Any) -> None:
    classes = [
        values[values[:, 4] == number, :4].mean(axis=0) for number in np.unique(values[:, 4])
    ]
    gains = np.array(classes)[:, 2:] - np.array(classes)[:, :2]
    low, high = bootstrap(gains)
    means = values.mean(axis=0)
    for place, name in enumerate(("hit@1", "precision@20")):
        record[name] = [round(float(means[place + side]), 3) for side in (0, 2)]
        gain = (gains[:, place].mean(), low[place], high[place])
        record[f"gain of {name}"] = [round(float(value), 3) for value in gain]
    print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
