"""Figures of retrieval: from the ranks of what should be found to recall, precision and mAP."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.intp]
Values = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

RESAMPLES = 1000
CONFIDENCE = 0.95
BINS = 4000  # of similarities from -1 to 1, when pairs are counted

DEFINITIONS = {
    "hit@k": "share of queries with at least one relevant item among the first k",
    "recall@k": "relevant items among the first k, of all that are relevant; mean over queries",
    "precision@k": "relevant items among the first k, of k; mean over queries",
    "mAP": "mean over queries of the average, over the relevant items, of the precision at the "
    "rank of each; the whole gallery is ranked",
    "MRR": "mean over queries of 1 / rank of the first relevant item",
    "cut-off": "the similarity that parts related pairs (query, gallery) from unrelated ones with "
    "the best F1, with the precision and recall it has over all pairs",
    "interval": f"{CONFIDENCE:.0%} by bootstrap over queries, percentiles of {RESAMPLES} resamples",
}


def relevant_ranks(similarities: Vectors, relevant: Rows) -> Rows:
    """Return the ranks, from 1 and rising, of the relevant of (N,) similarities.

    Equal similarities rank by row, the lower first. Rows at -inf are left out of the ranking.
    """
    ordered = np.sort(similarities)
    values = similarities[relevant]
    above = len(ordered) - np.searchsorted(ordered, values, "right")
    ranks = 1 + above
    for place in np.flatnonzero(
        np.searchsorted(ordered, values, "left") < len(ordered) - above - 1
    ):
        ranks[place] += np.count_nonzero(similarities[: relevant[place]] == values[place])
    return np.sort(ranks).astype(np.intp)


def names_of(ks: Sequence[int]) -> list[str]:
    """Return the names of the figures of a query, in their order."""
    return [f"{name}@{k}" for name in ("hit", "recall", "precision") for k in ks] + ["mAP", "MRR"]


def query_figures(ranks: Rows, ks: Sequence[int]) -> list[float]:
    """Return the figures of one query from the ranks of all that is relevant to it."""
    found = [int(np.searchsorted(ranks, k, "right")) for k in ks]
    hits = [float(count > 0) for count in found]
    recalls = [count / len(ranks) for count in found]
    precisions = [count / k for count, k in zip(found, ks, strict=True)]
    average = float(np.mean(np.arange(1, len(ranks) + 1) / ranks))
    return [*hits, *recalls, *precisions, average, float(1 / ranks[0])]


def bootstrap(values: Values, seed: int = 0) -> tuple[Values, Values]:
    """Return the bounds (M,) of the means of (Q, M) values: percentiles over resampled queries.

    Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3. Given differences
    of the same queries under two systems, it is the interval of the paired difference.
    """
    rng = np.random.default_rng(seed)
    count = len(values)
    drawn = (rng.integers(count, size=count) for _ in range(RESAMPLES))
    # How often each was drawn, times its values: many times faster than gathering the values.
    means = np.stack([np.bincount(rows, minlength=count) @ values / count for rows in drawn])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail], axis=0)
    return low, high


@dataclass(frozen=True, slots=True)
class Cutoff:
    """A similarity from which on pairs count as related, and what that gets right."""

    similarity: float
    precision: float
    recall: float


class PairCounts:
    """How many related and unrelated pairs have which similarity, in `BINS` steps."""

    def __init__(self) -> None:
        self.related = np.zeros(BINS, np.int64)
        self.unrelated = np.zeros(BINS, np.int64)

    def add(self, similarities: Vectors, relevant: Rows) -> None:
        """Count one query's (N,) similarities; those at -inf are no pairs."""
        related = _counts(similarities[relevant])
        self.related += related
        self.unrelated += _counts(similarities[similarities > -np.inf]) - related

    def add_all(self, similarities: Vectors, related: Mask) -> None:
        """Count (Q, N) similarities, and which are of related pairs; those at -inf are no pairs."""
        pairs = similarities > -np.inf
        self.related += _counts(similarities[pairs & related])
        self.unrelated += _counts(similarities[pairs & ~related])

    def joined(self, other: "PairCounts") -> "PairCounts":
        """Return the counts of both."""
        both = PairCounts()
        both.related, both.unrelated = (
            self.related + other.related,
            self.unrelated + other.unrelated,
        )
        return both

    def curve(self) -> tuple[Values, Values, Values]:
        """Return similarities, falling, with precision and recall from each on."""
        related = np.cumsum(self.related[::-1]).astype(float)
        unrelated = np.cumsum(self.unrelated[::-1]).astype(float)
        edges = np.linspace(-1, 1, BINS + 1)[:-1][::-1]
        precision = related / np.maximum(related + unrelated, 1)
        return edges, precision, related / max(related[-1], 1)

    def recall_precision(self) -> tuple[list[float], list[float]]:
        """Return recall, rising, and the precision there, as plots take them."""
        _, precision, recall = self.curve()
        return recall.tolist(), precision.tolist()

    def cutoff(self) -> Cutoff:
        """Return the cut-off with the best F1; of equals the highest."""
        edges, precision, recall = self.curve()
        f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        best = int(f1.argmax())
        return Cutoff(float(edges[best]), float(precision[best]), float(recall[best]))


def _counts(similarities: Vectors) -> npt.NDArray[np.int64]:
    places = np.floor((similarities.astype(np.float64) + 1) * (BINS / 2)).astype(np.int64)
    return np.bincount(np.clip(places, 0, BINS - 1), minlength=BINS)
