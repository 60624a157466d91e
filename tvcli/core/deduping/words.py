"""Visual words: photos that share many key points are candidates, however turned or cut.

A bag of words (Sivic and Zisserman 2003): descriptors of the collection itself, drawn by chance,
are the words; a key point counts as the word closest to it; words that few photos have count more.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.deduping.spool import Spool
from tvcli.core.parallel import cores, in_order
from tvcli.core.reports import Report
from tvcli.core.verification.keypoints import COUNT

FEWEST, MOST = 4096, 60_000  # words; as many as photos between the two
SAMPLE = 2000  # photos that words are drawn from
LONGEST = 5000  # photos that have a word: of more it tells little, and would cost much
BLOCK = 8192  # photos whose lists are in memory at a time
LSH = {"algorithm": 6, "table_number": 4, "key_size": 10, "multi_probe_level": 1}
NONE = np.uint16(65_535)  # where there are fewer key points

Words = npt.NDArray[np.uint16]  # (N, 2, COUNT): of photos as they are and mirrored
Rows = npt.NDArray[np.intp]
Near = tuple[Rows, npt.NDArray[np.float32]]  # rows (k,), and how much they share


def near_by_words(spool: Spool, k: int, report: Report, seed: int = 0) -> Rows:
    """Return for each photo the k that share the most, (N, k): rows, -1 where there are fewer.

    Photos share words as they are, or one of them mirrored. Time and memory grow with the number
    of photos, not its square: words that more than `LONGEST` photos have are left out.
    """
    if len(spool) < 2:
        return np.full((len(spool), k), -1, np.intp)
    words = _all_words(spool, _vocabulary(spool, seed), report)
    weights = _weights(words)
    best = np.full((len(spool), k), -1, np.intp), np.zeros((len(spool), k), np.float32)
    report.start("shared details", "photos", len(spool))
    for start in range(0, len(spool), BLOCK):
        lists = _Lists(words[start : start + BLOCK, 0], weights)
        for row, (near, scores) in enumerate(_near(words, lists, start, k)):
            _merge(best, row, near + start, scores)
            if start + BLOCK >= len(spool):
                report.advance()
    return best[0]


def _near(words: Words, lists: "_Lists", start: int, k: int) -> Iterator[Near]:
    """Yield for every photo its nearest in a block of photos that begins at `start`."""

    def near(row: int) -> Near:
        return lists.near(words[row], row - start, k)

    with ThreadPoolExecutor(cores()) as pool:
        yield from in_order(pool, near, range(len(words)))


def _vocabulary(spool: Spool, seed: int) -> Any:
    """Return FLANN's structure over the words: descriptors drawn from photos of the spool."""
    import cv2

    rng = np.random.default_rng(seed)
    rows = rng.choice(len(spool), min(SAMPLE, len(spool)), replace=False)
    every = np.concatenate([spool.read(int(row))[0].descriptors for row in np.sort(rows)])
    count = min(MOST, max(FEWEST, len(spool)), len(every))
    chosen = every[np.sort(rng.choice(len(every), count, replace=False))] if count else every
    cv2.setRNGSeed(0)  # the same tables, and so the same words, every time
    tree = cv2.FlannBasedMatcher(LSH, {"checks": 32})
    if len(chosen):
        tree.add([np.ascontiguousarray(chosen)])
        tree.train()
    return tree


def _all_words(spool: Spool, tree: Any, report: Report) -> Words:
    """Return the words of all photos, on both sides: (N, 2, COUNT) uint16, 2 kB a photo."""
    report.start("details", "photos", len(spool))
    words = np.full((len(spool), 2, COUNT), NONE, np.uint16)

    def fill(row: int) -> int:
        for side, keypoints in enumerate(spool.read(row)):
            found = tree.knnMatch(keypoints.descriptors, 1) if len(keypoints) else ()
            near = [match[0].trainIdx for match in found if len(match)]
            words[row, side, : len(near)] = near
        return row

    with ThreadPoolExecutor(cores()) as pool:
        for _ in in_order(pool, fill, range(len(spool))):
            report.advance()
    return words


def _weights(words: Words) -> npt.NDArray[np.float32]:
    """Return what each word counts, squared inverse document frequency: (65536,) float32."""
    having = np.zeros(int(NONE) + 1, np.int64)
    for row in words[:, 0]:
        having[np.unique(row)] += 1
    weights = np.log(len(words) / np.maximum(having, 1)) ** 2
    weights[having > LONGEST] = 0
    weights[NONE] = 0
    result: npt.NDArray[np.float32] = weights.astype(np.float32)
    return result


class _Lists:
    """Inverted lists of a block of photos: for each word, which have it, and how often."""

    def __init__(self, words: Words, weights: npt.NDArray[np.float32]) -> None:
        self._count, self._weights = len(words), weights
        keys = words.astype(np.int64) * self._count + np.arange(self._count)[:, None]
        pairs, times = np.unique(keys[weights[words] > 0], return_counts=True)
        self._photos = (pairs % self._count).astype(np.int32)
        self._values = np.sqrt(times).astype(np.float32)
        self._starts = np.searchsorted(pairs // self._count, np.arange(int(NONE) + 2))
        of_words = weights[pairs // self._count]
        squares = np.bincount(self._photos, of_words * times, self._count)
        self._norms = np.sqrt(np.maximum(squares, 1e-9)).astype(np.float32)

    def near(self, sides: Words, own: int, k: int) -> Near:
        """Return the k photos that share the most with words (2, COUNT), and how much."""
        scores = np.maximum(self._scores(sides[0]), self._scores(sides[1]))
        if 0 <= own < self._count:
            scores[own] = 0
        rows = np.argsort(-scores, kind="stable")[:k]
        rows = rows[scores[rows] > 0]
        return rows, scores[rows]

    def _scores(self, words: Words) -> npt.NDArray[np.float32]:
        """Return the cosine of weighted counts with each photo, but for the length of the query."""
        own, times = np.unique(words[self._weights[words] > 0], return_counts=True)
        if not len(own):
            return np.zeros(self._count, np.float32)
        values = np.sqrt(times) * self._weights[own]
        length = np.sqrt(np.sum(self._weights[own] * times))
        starts, ends = self._starts[own], self._starts[own.astype(np.intp) + 1]
        places = np.concatenate([np.arange(a, b) for a, b in zip(starts, ends, strict=True)])
        shares = np.repeat(values, ends - starts) * self._values[places]
        scores = np.bincount(self._photos[places], shares, self._count)
        result: npt.NDArray[np.float32] = (scores / self._norms / length).astype(np.float32)
        return result


def _merge(best: Near, row: int, rows: Rows, scores: npt.NDArray[np.float32]) -> None:
    """Keep the best of what is known of a row and what a block adds."""
    every = np.concatenate([best[0][row], rows]), np.concatenate([best[1][row], scores])
    order = np.lexsort((every[0], -every[1]))[: len(best[0][row])]
    best[0][row], best[1][row] = every[0][order], every[1][order]
