"""Visual words: each key point of a collection as a number, close ones mostly as the same.

A bag of words (Sivic and Zisserman 2003): descriptors of the collection itself, drawn by chance,
are the words; a key point counts as one close to it.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from tvcli.core.deduping.keypoint_store import KeypointStore
from tvcli.core.matching.features import COUNT
from tvcli.core.matching.vocabulary import NONE, Vocabulary, drawn_vocabulary
from tvcli.core.parallel import cores, in_order
from tvcli.core.reports import Report

SAMPLE = 2000  # photos that words are drawn from
TOGETHER = 32  # photos whose words are looked up at once

Words = npt.NDArray[np.uint16]  # (N, 2, COUNT): of photos as they are and mirrored
Rows = npt.NDArray[np.intp]


def words_of(store: KeypointStore, report: Report, seed: int = 0) -> Words:
    """Return the words of all photos, on both sides: (N, 2, COUNT) uint16, 2 kB a photo."""
    report.start("details", "photos", len(store))
    words = np.full((len(store), 2, COUNT), NONE, np.uint16)
    if (vocabulary := _vocabulary(store, seed)) is None:
        return words

    def fill(rows: range) -> int:
        sides = [(row, side) for row in rows for side in range(2)]
        descriptors = [keypoints.descriptors for row in rows for keypoints in store.read(row)]
        found = vocabulary.words_of(np.concatenate(descriptors))
        ends = np.cumsum([len(some) for some in descriptors])
        for place, some in zip(sides, np.split(found, ends[:-1]), strict=True):
            words[place][: len(some)] = some
        return len(rows)

    parts = [range(row, min(row + TOGETHER, len(store))) for row in range(0, len(store), TOGETHER)]
    with ThreadPoolExecutor(cores()) as pool:
        for done in in_order(pool, fill, parts):
            report.advance(done)
    return words


def in_common(words: Words, photo: int, others: Sequence[int]) -> Rows:
    """Return how many key points of others have a word of a photo, (2, n): as it is, mirrored."""
    having = np.zeros((2, int(NONE) + 1), bool)
    for side, own in enumerate(words[photo]):
        having[side, own] = True
    having[:, NONE] = False
    counts: Rows = having[:, words[list(others), 0]].sum(axis=2)
    return counts


def _vocabulary(store: KeypointStore, seed: int) -> Vocabulary | None:
    """Return words drawn from descriptors of photos of the store; None if they are too few."""
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(store), min(SAMPLE, len(store)), replace=False))
    if not len(rows):
        return None
    every = np.concatenate([store.read(int(row))[0].descriptors for row in rows])
    return drawn_vocabulary(every, seed)
