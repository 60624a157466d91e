"""How well a head ranks what it did not learn from: held-out photos, and classes never taught."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tvcli.core.images.arrays import unit
from tvcli.core.parallel import Mapper
from tvcli.core.ranking.metrics import Values, query_figures, relevant_ranks
from tvcli.core.reports import number_of

Rows = npt.NDArray[np.intp]
Vectors = npt.NDArray[np.float32]

MOST_QUERIES = 250  # photos that are searched with, of classes taught and of others
FIRST_HITS = 20  # that a person looks at
# As many at a time whoever does the work, so that figures do not depend on how many cores there are
QUERIES_AT_ONCE, ROWS_AT_ONCE = 64, 2048


class PooledRows(Protocol):
    """Rows of encodings that become vectors by a pooling."""

    row_shape: tuple[int, ...]

    def pooled_by(self, rows: Rows, hows: Sequence[str], each: Mapper = map) -> dict[str, Vectors]:
        """Return the vectors of some rows, (n, D) float32 of unit length, by each pooling.

        `each` maps a function over some of the rows at a time, as `map` does.
        """
        ...

    def pooled(self, rows: Rows, how: str) -> Vectors:
        """Return the vectors of some rows: (n, D) float32 of unit length."""
        ...


def mapped(vectors: Vectors, weight: Vectors) -> Vectors:
    """Map vectors (N, C) by a head (D, C) to (N, D) float32 of unit length."""
    found: Vectors = unit(vectors @ weight.T)
    return found


def searched(
    vectors: Vectors, labels: Rows, queries: Rows, each: Mapper = map
) -> list[tuple[float, float]]:
    """Return hit@1 and average precision of each query (a row) that has something to find.

    `each` maps a function over some of the queries at a time, as `map` does.
    """
    rows_of = cache(lambda label: np.flatnonzero(labels == label))

    def found(some: Rows) -> list[tuple[float, float]]:
        figures = []
        similarities = vectors[some] @ vectors.T  # (Q, N)
        for place, row in zip(some, similarities, strict=True):
            row[place] = -np.inf
            relevant = rows_of(labels[place])
            relevant = relevant[relevant != place]
            if len(relevant):
                hit, _, _, average, _ = query_figures(relevant_ranks(row, relevant), [1])
                figures.append((hit, average))
        return figures

    starts = range(0, len(queries), QUERIES_AT_ONCE)
    return list(chain(*each(found, [queries[s : s + QUERIES_AT_ONCE] for s in starts])))


def first_hits(similarities: Vectors, labels: Rows, queries: Rows) -> Values:
    """Return (Q,) the mean of hit@1 and of the precision of the first hits, of each query (a row).

    Of similarities (Q, N), or what orders rows as they do, to rows of `labels` (N,); a query does
    not find itself. The first hits are 20, or as many as there are to find; queries with nothing
    to find are left out. Only these hits are put in order, so that this is several times faster
    than `searched`.
    """
    same = labels[queries][:, None] == labels
    same[np.arange(len(queries)), queries] = False
    asked = same.any(axis=1)
    if not asked.any():
        return np.array([])
    if not asked.all():
        same, queries, similarities = same[asked], queries[asked], similarities[asked]
    falling = -similarities  # (Q, N)
    falling[np.arange(len(queries)), queries] = np.inf
    count = min(FIRST_HITS, falling.shape[1] - 1)
    first = np.argpartition(falling, count - 1, axis=1)[:, :count]
    order = np.argsort(np.take_along_axis(falling, first, axis=1), axis=1)
    first = np.take_along_axis(first, order, axis=1)
    right = np.take_along_axis(same, first, axis=1)
    wanted = np.minimum(count, same.sum(axis=1))
    precision = right.cumsum(axis=1)[np.arange(len(right)), wanted - 1] / wanted
    found: Values = (right[:, 0] + precision) / 2
    return found


@dataclass(frozen=True, slots=True)
class Measured:
    """The vectors that figures are of: of what was taught, and of other classes where there are."""

    own: Vectors
    others: Vectors | None

    def mapped(self, weight: Vectors, each: Mapper = map) -> "Measured":
        """Return them mapped by a head (D, C)."""
        starts = range(0, max(1, len(self.own)), ROWS_AT_ONCE)
        blocks = (self.own[s : s + ROWS_AT_ONCE] for s in starts)
        own = np.concatenate(list(each(lambda block: mapped(block, weight), blocks)))
        return Measured(own, None if self.others is None else mapped(self.others, weight))


class HeldOut:
    """The held-out triplets, and where labels allow held-out photos that search all others.

    `train` and `test` (T, 3) are triplets as rows, `labels` and `classes` (N,) numbers of what the
    triplets tell of rows and of what is known beside them (-1: nothing); `photos` (N,) tells which
    photo a row is of.
    """

    def __init__(
        self, train: Rows, test: Rows, labels: Rows, photos: Rows | None, classes: Rows | None
    ) -> None:
        taught = np.unique(train)
        self._rows = np.union1d(taught, test)
        self._new = ~np.isin(self._rows, taught)
        self._triplets = np.searchsorted(self._rows, test)  # (T, 3) places
        self._labels = labels[self._rows]
        anchors = np.unique(self._triplets[:, 0]) if len(test) else np.array([], np.intp)
        known = anchors[self._labels[anchors] >= 0]
        self._queries = _spread(known)
        self._left_out = len(known) - len(self._queries)
        self._others = Others(np.full(len(labels), -1) if classes is None else classes, self._rows)
        of = self._rows if photos is None else photos[self._rows]
        self._photos = len(np.unique(of[self._triplets[:, 0]]))

    def said(self) -> str:
        """Return what the figures rest on, in words."""
        if not len(self._triplets):
            return "no held-out triplets: how much was learned is not measured"
        classes = len(np.unique(self._labels[self._queries]))
        of = f" of {number_of(classes, 'class', 'classes')}" if classes else ""
        of += f", searched with {len(self._queries)}" if self._left_out else ""
        return f"{number_of(self._photos, 'held-out photo')}{of}; {self._others.said()}"

    def vectors(
        self, encodings: PooledRows, taught: Mapping[str, Vectors], pools: Sequence[str]
    ) -> dict[str, Measured]:
        """Return what is measured, by some poolings; nothing where no triplets are held out.

        The vectors `taught`, of the rows of training triplets, are not pooled again.
        """
        if not len(self._triplets):
            return {pool: Measured(taught[pool][:0], None) for pool in pools}
        pools = list(dict.fromkeys(pools))
        new = self._rows[self._new]
        rest = encodings.pooled_by(new, pools) if len(new) else {}
        others = self._others.vectors(encodings, pools)
        return {
            pool: Measured(self._whole(taught[pool], rest.get(pool)), others.get(pool))
            for pool in pools
        }

    def figures(self, found: Measured, each: Mapper = map) -> dict[str, float]:
        """Return the triplet accuracy, and hit@1 and mAP of held-out photos.

        Before the learning, or after it of vectors that are mapped by a head. `each` maps a
        function over parts of the work.
        """
        if not len(self._triplets):
            return {}
        vectors = found.own
        anchor, positive, negative = (vectors[role] for role in self._triplets.T)
        right = (anchor * positive).sum(1) > (anchor * negative).sum(1)
        figures = {"triplet accuracy": float(right.mean())}
        hits = searched(vectors, self._labels, self._queries, each)
        if hits:
            hit, average = np.mean(hits, axis=0)
            figures |= {"hit@1": float(hit), "mAP": float(average)}
        return figures if found.others is None else figures | self._others.figures(found.others)

    def _whole(self, taught: Vectors, rest: Vectors | None) -> Vectors:
        """Return the vectors of all rows from those taught and the rest."""
        if rest is None:
            return taught
        whole = np.empty((len(self._rows), taught.shape[1]), np.float32)
        whole[~self._new], whole[self._new] = taught, rest
        return whole


class Others:
    """The photos of classes that no triplet tells of: what was learned must not cost them."""

    def __init__(self, classes: Rows, taught: Rows) -> None:
        """Take the rows that are not `taught` (n,), and of each class those of two and more."""
        known = set(classes[taught].tolist())
        rows = np.array(
            [row for row, name in enumerate(classes) if name >= 0 and name not in known], np.intp
        )
        numbers, counts = np.unique(classes[rows], return_counts=True)
        self._rows = rows[np.isin(classes[rows], numbers[counts > 1])]
        self._classes = classes[self._rows]
        self._queries = _spread(np.arange(len(self._rows)))

    def said(self) -> str:
        """Return whether other classes are measured, in words."""
        if not len(self._queries):
            return "other classes not measured"
        count = len(np.unique(self._classes))
        return f"{len(self._queries)} photos of {count} other classes, which were not taught"

    def vectors(self, encodings: PooledRows, pools: Sequence[str]) -> dict[str, Vectors]:
        """Return the vectors of the photos by each pooling; nothing where there are none."""
        return encodings.pooled_by(self._rows, pools) if len(self._queries) else {}

    def figures(self, vectors: Vectors) -> dict[str, float]:
        """Return hit@1 and mAP of the photos, by their vectors (n, D), among themselves."""
        hit, average = np.mean(searched(vectors, self._classes, self._queries), axis=0)
        return {"hit@1 of other classes": float(hit), "mAP of other classes": float(average)}


def _spread(rows: Rows) -> Rows:
    """Return rows to search with: all, or as many as count, evenly spread."""
    return rows[np.linspace(0, len(rows) - 1, min(MOST_QUERIES, len(rows))).astype(np.intp)]
