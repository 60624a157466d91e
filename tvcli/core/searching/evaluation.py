"""Measuring a search against the truth: who should be found, at which rank they are."""

import hashlib
import os
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.blocks import blocks_of
from tvcli.core.engines import Gallery, Rows
from tvcli.core.engines.interface import closest
from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import slices
from tvcli.core.files.pipes import STDIN
from tvcli.core.images.arrays import unit
from tvcli.core.ranking.labels import folder_label, read_labels
from tvcli.core.ranking.metrics import (
    PairCounts,
    Values,
    Vectors,
    bootstrap,
    names_of,
    query_figures,
    relevant_ranks,
)
from tvcli.core.reports import Report
from tvcli.core.searching.expansion import Expansion, expanded
from tvcli.core.searching.k_reciprocal import KReciprocal, k_reciprocal_order
from tvcli.core.searching.neighbours import NO_NEIGHBOURS, ByNeighbours
from tvcli.core.searching.queries import Query

Codes = npt.NDArray[np.uint64]

VECTORS_AT_ONCE = 65_536  # vectors of the gallery held as float32 at a time
SIMILARITIES = 2**26  # held at a time: so many queries are ranked together,
TOGETHER = 2048  # but no more than these


@dataclass(slots=True)
class Measured:
    """The figures (Q, M) of the queries that have something to find, and what was left out.

    `queries` (Q,) are hashes of their names, to compare the same ones in two indexes. `halves` are
    the pairs of half of the queries each, so that what is fitted on one is measured on the other.
    """

    names: list[str]
    values: Values
    queries: Codes
    halves: tuple[PairCounts, PairCounts] = field(
        default_factory=lambda: (PairCounts(), PairCounts())
    )
    without_relevant: int = 0

    @property
    def pairs(self) -> PairCounts:
        """The pairs of all queries."""
        return self.halves[0].joined(self.halves[1])

    def records(self, seed: int = 0) -> list[dict[str, object]]:
        """Return each figure's mean with the bounds of its interval, and the cut-off."""
        low, high = bootstrap(self.values, seed)
        rows = zip(self.names, self.values.mean(axis=0), low, high, strict=True)
        cut = self.pairs.cutoff()
        return [
            *(figure(name, value=value, low=least, high=most) for name, value, least, most in rows),
            figure("cut-off", value=cut.similarity, precision=cut.precision, recall=cut.recall),
        ]

    def compared(self, other: "Measured", seed: int = 0) -> list[dict[str, object]]:
        """Return each figure of both and, query by query, their difference with its bounds.

        Raises:
            BadInput: the two have no query in common.
        """
        ours = np.flatnonzero(np.isin(self.queries, other.queries))
        if not len(ours):
            raise BadInput("--compare: no query has something to find in both indexes")
        order = np.argsort(other.queries, kind="stable")  # the last of equal names is taken
        after = np.searchsorted(other.queries, self.queries[ours], "right", sorter=order)
        theirs = order[after - 1]
        own, others = self.values[ours], other.values[theirs]
        low, high = bootstrap(others - own, seed)
        means = own.mean(axis=0), others.mean(axis=0)
        return [
            figure(name, value=ours, other=theirs, difference=theirs - ours, low=least, high=most)
            for name, ours, theirs, least, most in zip(self.names, *means, low, high, strict=True)
        ]


def verdict(records: Sequence[dict[str, Any]], first: str, second: str) -> str:
    """Return in words which of two indexes is better, by the records of `Measured.compared`.

    A difference counts whose interval does not hold 0; mAP decides, and what speaks against it is
    said.
    """
    sides = {str(r["metric"]): (r["low"] > 0) - (r["high"] < 0) for r in records}
    average = next(record for record in records if record["metric"] == "mAP")
    difference, *bounds = (average[name] for name in ("difference", "low", "high"))
    side = sides["mAP"]
    if side == 0:
        low, high = bounds
        return f"neither is shown to be better: mAP {difference:+.4f} ({low:+.4f} to {high:+.4f})"
    better, worse = (second, first) if side > 0 else (first, second)
    low, high = sorted(abs(bound) for bound in bounds)
    by = f"mAP is higher by {abs(difference):.4f} (95 % interval: {low:.4f} to {high:.4f})"
    against = [name for name, value in sides.items() if value == -side]
    but = f"; but {worse} is better by {', '.join(against)}" if against else ""
    return f"{better} is better than {worse}: {by}{but}"


@dataclass(frozen=True, slots=True)
class Truth:
    """Which photos belong together: those of one folder, or of one label in a file."""

    labels: dict[str, str] | None = None

    @classmethod
    def of(cls, name: str, report: Report) -> "Truth":
        """Return the truth that `folders`, `labels` (those recorded) or a file of labels tells.

        Raises:
            BadInput: it is none of them.
        """
        if name in ("folders", "labels"):
            return cls()
        if name != STDIN and not Path(name).exists():
            raise BadInput(f"--truth {name}: no such file; name one, or say folders or labels")
        return cls(read_labels(Path(name), report))

    def label(self, image: str) -> str:
        """Return the label of a photo (absolute path), empty where not known."""
        return folder_label(image) if self.labels is None else self.labels.get(image, "")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a gallery's rows: label, absolute path and content hash."""

    labels: list[str]
    images: list[str]
    digests: list[str]


def measure(
    gallery: Gallery,
    known: Known,
    queries: Iterable[Query],
    labels: Callable[[Query], str],
    ks: Sequence[int],
    neighbours: ByNeighbours = NO_NEIGHBOURS,
) -> Measured:
    """Rank a whole gallery for each query and say where the relevant rows came.

    Relevant are the rows with the query's label; the query's own photo, by path or by content, is
    left out of the ranking. Queries are expanded and rows put in order by their `neighbours`; pairs
    count by the cosines then. A query without a relevant row is counted and left out. In memory are
    the gallery as it keeps itself, one block of similarities, and numbers for each query: its
    figures and a hash of its name.

    Raises:
        BadInput: no query has a relevant row.
    """
    relevant = rows_by_name(known.labels)
    photos = rows_by_name(known.images) | rows_by_name(known.digests)
    none = np.array([], np.intp)
    values, codes = array("d"), array("Q")
    halves, without = (PairCounts(), PairCounts()), 0
    size = min(TOGETHER, max(1, SIMILARITIES // max(1, len(gallery))))
    for block in blocks_of(queries, size):
        vectors = unit(np.stack([query.vector for query in block]))
        owns = [np.union1d(photos.get(q.photo, none), photos.get(q.digest, none)) for q in block]
        similarities = _similarities(gallery, vectors, owns)  # (n, N)
        if neighbours.expansion:
            vectors = _expanded(gallery, vectors, similarities, neighbours.expansion)
            similarities = _similarities(gallery, vectors, owns)
        for place, (query, own) in enumerate(zip(block, owns, strict=True)):
            row = similarities[place]
            wanted = np.setdiff1d(relevant.get(labels(query), none), own)
            if not len(wanted):
                without += 1
                continue
            code = _code(query.photo or query.name)
            halves[len(codes) % 2].add(row, wanted)  # in turn: both have queries of each folder
            if neighbours.reciprocal:
                _reorder(gallery, vectors[place], row, neighbours.reciprocal)
            values.extend(query_figures(relevant_ranks(row, wanted), ks))
            codes.append(code)
    if not values:
        raise BadInput(f"none of {without} queries has a relevant photo in the index")
    figures = np.array(values, np.float64).reshape(len(codes), -1)
    return Measured(names_of(ks), figures, np.array(codes, np.uint64), halves, without)


def _similarities(gallery: Gallery, queries: Vectors, owns: Sequence[Rows]) -> Vectors:
    """Return similarities (n, N) of queries (n, D) of unit length, -inf for their own rows."""
    result = np.empty((len(queries), len(gallery)), np.float32)
    for rows in slices(len(gallery), VECTORS_AT_ONCE):
        result[:, rows] = queries @ gallery.vectors(rows).T
    for row, own in zip(result, owns, strict=True):
        row[own] = -np.inf
    return result


def _expanded(gallery: Gallery, queries: Vectors, similarities: Vectors, how: Expansion) -> Vectors:
    """Return queries (n, D), of unit length, drawn to their closest rows."""
    values, rows = closest(similarities, np.arange(len(gallery)), how.neighbours)
    near = gallery.vectors(rows.ravel()).reshape(*rows.shape, -1)  # (n, neighbours, D)
    found: Vectors = unit(expanded(queries, values, near, how.alpha))
    return found


def _reorder(gallery: Gallery, query: Vectors, similarities: Vectors, how: KReciprocal) -> None:
    """Give the closest of (N,) similarities each other's values, so that they are in order."""
    values, rows = (each[0] for each in closest(similarities[None], np.arange(len(gallery)),
                                                how.shortlist))  # fmt: skip
    values, rows = values[values > -np.inf], rows[values > -np.inf]
    similarities[rows[k_reciprocal_order(query, gallery.vectors(rows), how)]] = values


def _code(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(os.fsencode(name), digest_size=8).digest(), "big")


def rows_by_name(names: Sequence[str]) -> dict[str, Rows]:
    """Return the rows (n,) of each name that is not empty, in rising order."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(names):
        if name:
            groups[name].append(row)
    return {name: np.array(rows, np.intp) for name, rows in groups.items()}


def figure(metric: str, **values: float) -> dict[str, object]:
    """Return a metric as a record of rounded values."""
    return {"metric": metric} | {name: round(float(value), 4) for name, value in values.items()}


def in_order(vectors: Vectors, triplets: npt.NDArray[np.integer[Any]]) -> Values:
    """Return 1.0 for each triplet of rows (T, 3) of vectors (N, D) that is in order: (T,).

    It is where the anchor's dot product with the positive exceeds that with the negative.
    """
    anchor, positive, negative = (vectors[column] for column in triplets.T)
    return order_share((anchor * positive).sum(axis=1), (anchor * negative).sum(axis=1))


def order_share(positive: npt.NDArray[np.float32], negative: npt.NDArray[np.float32]) -> Values:
    """Return for each triplet 1.0 where the positive is more similar than the negative: (T,)."""
    return (positive > negative).astype(np.float64)
