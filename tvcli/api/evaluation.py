"""How good a search is, against what is known to belong together."""

import io
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvcli.api.notebook import table
from tvcli.api.photos import PathLike, as_path
from tvcli.api.records import Readable, Results
from tvcli.api.reporting import report_of
from tvcli.api.sources import SourceLike, named
from tvcli.core.files.sampling import Sample
from tvcli.core.reports import Report
from tvcli.core.searching.eval_search import Trial, compared_trials, eval_search
from tvcli.core.searching.neighbours import asked_neighbours


@dataclass(frozen=True, slots=True, repr=False)
class Metric(Readable):
    """A figure by name: its mean over the queries, and its interval of 95% by the bootstrap.

    With another index beside it, `other` is that one's, and the interval is of the difference.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    other: float | None = None
    difference: float | None = None


class Evaluation(Results[Metric]):
    """The figures of an index, in order; `metric("recall@10")` is one by its name."""

    __slots__ = ("queries", "without_relevant")

    def __init__(self, items: Sequence[Metric], queries: int, without_relevant: int) -> None:
        super().__init__(items)
        self.queries, self.without_relevant = queries, without_relevant

    def metric(self, name: str) -> Metric:
        """Return a figure by its name; raises KeyError if there is none of that name."""
        found = next((metric for metric in self if metric.name == name), None)
        if found is None:
            raise KeyError(f"{name}: not among {', '.join(metric.name for metric in self)}")
        return found

    def _repr_html_(self) -> str:
        rows = [[m.name, *(_text(v) for v in (m.value, m.low, m.high, m.other))] for m in self]
        title = f"{self.queries} queries, {self.without_relevant} left out (nothing to find)"
        return table(title, ("metric", "value", "low", "high", "other"), rows)


def evaluate(
    index: PathLike,
    queries: SourceLike | None = None,
    *,
    truth: PathLike = "folders",
    k: int | Sequence[int] = (1, 5, 10, 20),
    compare: PathLike | None = None,
    limit: int | None = None,
    query_expansion: int | None = None,
    alpha: float | None = None,
    k_reciprocal: int | None = None,
    k1: int | None = None,
    k2: int | None = None,
    lambda_: float | None = None,
    root: PathLike | None = None,
    weights: PathLike | None = None,
    seed: int = 0,
    report: Report | None = None,
) -> Evaluation:
    """Measure how well an index finds photos that belong together, as `tv eval search` does.

    A query's own photo does not count as a hit; queries with nothing to find are left out.

    Args:
        index: the .tvx folder.
        queries: photos, folders, lists, records or a file of encodings; None: the index's photos.
        truth: `folders`, `labels` (those in the index), or a file of labels.
        k: numbers of hits to measure at.
        compare: another index, measured on the same queries; the same one is measured without
            `query_expansion` and `k_reciprocal`.
        limit: at most so many queries.
        query_expansion, alpha, k_reciprocal, k1, k2, lambda_: as in `Index.search`.
        root: where the photos of the index lie now.
        weights: a local file of the backbone's weights; None: as recorded.
        seed: the seed of the intervals.
        report: told of progress and of photos that are skipped; None: Python's `logging` is.

    Shapes: a result for each figure.
    Dtypes: figures are float, rounded to 4 digits.
    Units: shares from 0 to 1; the interval holds 95%.

    Raises:
        UsageError: a rank below 1.
        BadInput: a file cannot be used, or no query has anything to find.
        Mismatch: queries that were encoded in another way than the index.

    Source: recall and mean average precision as in Manning et al., "Introduction to Information
    Retrieval" (2008), chapter 8; intervals by the bootstrap (Efron 1979).
    """
    known = report_of(report)
    with ExitStack() as stack:
        given = None if queries is None else stack.enter_context(named(queries))
        trial = Trial(
            given.arguments if given else [],
            os.fspath(truth),
            (k,) if isinstance(k, int) else tuple(k),
            as_path(weights),
            seed,
            as_path(root),
            Sample(limit),
            asked_neighbours(query_expansion, alpha, k_reciprocal, k1, k2, lambda_),
        )
        trials = compared_trials(Path(index), as_path(compare), trial)
        found = [eval_search(path, own, io.BytesIO(), known) for _, path, own in trials]
    records = found[0].records(seed) if compare is None else found[0].compared(found[1], seed)
    metrics = [_metric(record) for record in records]
    return Evaluation(metrics, len(found[0].queries), found[0].without_relevant)


def _metric(record: dict[str, Any]) -> Metric:
    names = ("value", "low", "high", "other", "difference")
    return Metric(record["metric"], **{name: record[name] for name in names if name in record})


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
