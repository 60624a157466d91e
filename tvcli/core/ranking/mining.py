"""Mining: which rows of an encodings file make instructive triplets, as row numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Mine = Literal["hard", "semi-hard", "random"]
Rows = npt.NDArray[np.intp]
Vectors = npt.NDArray[np.float32]

SIMILARITIES = 2**25  # held at a time: of so many anchors to all rows
NONE = -2.0  # below every cosine


@dataclass(frozen=True, slots=True)
class Candidates:
    """The rows to mine: vectors (N, D) of unit length, and for each row its photo and label.

    Labels are numbers, -1 where not known; `test` tells the rows of photos kept for testing,
    `anchors` those that may be anchors (None: all).
    """

    vectors: Vectors
    photos: Rows
    labels: Rows
    test: npt.NDArray[np.bool_]
    anchors: npt.NDArray[np.bool_] | None = None

    @property
    def chosen(self) -> npt.NDArray[np.bool_]:
        """Tell which rows may be anchors: (N,)."""
        return np.ones(len(self.labels), np.bool_) if self.anchors is None else self.anchors

    def blocks(self, anchors: Rows) -> Iterator[tuple[Rows, Vectors]]:
        """Yield anchors in blocks, with their similarities (n, N) to all rows.

        Rows of the anchor's own photo, or on the other side of the split, are `NONE`.
        """
        size = max(1, SIMILARITIES // max(1, len(self.vectors)))
        for start in range(0, len(anchors), size):
            block = anchors[start : start + size]
            similarities = self.vectors[block] @ self.vectors.T  # (n, N)
            similarities[self.photos[block][:, None] == self.photos] = NONE
            similarities[self.test[block][:, None] != self.test] = NONE
            yield block, similarities


def split_photos(photos: Rows, labels: Rows, share: float, rng: np.random.Generator) -> Rows:
    """Return the photos kept for testing: of each label about `share`, at least two or none."""
    chosen: list[int] = []
    for label in np.unique(labels):
        own = np.unique(photos[labels == label])
        wanted = round(share * len(own))
        wanted = 2 if wanted == 1 else wanted
        if 0 < wanted <= len(own) - 2:
            chosen += rng.permutation(own)[:wanted].tolist()
    return np.array(sorted(set(chosen)), np.intp)


def nearest(candidates: Candidates, anchors: Rows, count: int) -> Iterator[tuple[int, Rows]]:
    """Yield for each anchor its `count` nearest rows of other photos on its side of the split."""
    for block, similarities in candidates.blocks(anchors):
        for anchor, values in zip(block, similarities, strict=True):
            yield int(anchor), _top(values, count)


def mine_labelled(
    candidates: Candidates, count: int, how: Mine, rng: np.random.Generator
) -> Iterator[tuple[int, int, int]]:
    """Yield up to `count` triplets of rows for each labelled row: same class, other class.

    The positives are drawn at random, without repeats while they last. The negatives are of
    another class: `hard` the nearest; `semi-hard` the nearest of those less similar than the
    positive (Schroff et al. 2015, "FaceNet", eq. 4), else the nearest; or `random`.
    """
    anchors = np.flatnonzero((candidates.labels >= 0) & candidates.chosen)
    for block, similarities in candidates.blocks(anchors):
        same = candidates.labels[block][:, None] == candidates.labels
        known = candidates.labels >= 0
        for anchor, values, alike in zip(block, similarities, same, strict=True):
            positives = np.flatnonzero(alike & (values > NONE))
            negatives = np.where(~alike & known, values, NONE)
            if len(positives) and negatives.max() > NONE:
                chosen = _draw(positives, count, rng)
                for positive, negative in _pair(values, chosen, negatives, how, rng):
                    yield int(anchor), positive, negative


def _pair(
    values: Vectors, positives: Rows, negatives: Vectors, how: Mine, rng: np.random.Generator
) -> Iterator[tuple[int, int]]:
    """Yield each positive with the negative that belongs to it."""
    if how == "random":
        chosen = rng.choice(np.flatnonzero(negatives > NONE), len(positives))
    elif how == "hard":
        near = _top(negatives, len(positives))
        chosen = near[np.arange(len(positives)) % len(near)]
    else:
        chosen = np.array([_semi_hard(negatives, values[row]) for row in positives], np.intp)
    yield from zip(positives.tolist(), chosen.tolist(), strict=True)


def _semi_hard(negatives: Vectors, limit: np.float32) -> int:
    below = np.where(negatives < limit, negatives, NONE)
    return int((below if below.max() > NONE else negatives).argmax())


def _draw(rows: Rows, count: int, rng: np.random.Generator) -> Rows:
    """Return `count` rows in random order, each used once before any is used again."""
    repeats = -(-count // len(rows))
    return np.concatenate([rng.permutation(rows) for _ in range(repeats)])[:count]


def _top(values: Vectors, count: int) -> Rows:
    """Return up to `count` rows by falling value, the lower row first among equals."""
    order = np.argsort(-values, kind="stable")[:count]
    return order[values[order] > NONE]
