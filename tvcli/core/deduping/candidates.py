"""Candidates: which photos are worth comparing, found without comparing all with all."""

import numpy as np
import numpy.typing as npt

from tvcli.core.deduping.photos import Photos
from tvcli.core.deduping.sharing import near_by_words
from tvcli.core.deduping.words import Words
from tvcli.core.engines import Rows
from tvcli.core.indexes.index import Index
from tvcli.core.reports import Report

PHOTOS_A_SEARCH = 256  # photos searched at a time

Pairs = npt.NDArray[np.int64]


def candidate_pairs(index: Index, photos: Photos, words: Words, k: int, report: Report) -> Pairs:
    """Return pairs of photos (P, 2), the lower number first, in rising order, each once.

    Each photo with the k most similar by the index, and with the k that share most key points:
    the first finds what is blurred or without detail, the second what is turned, cut or mirrored.
    """
    near = [near_by_index(index, photos, k, report), near_by_words(words, k, report)]
    others = np.concatenate(near, axis=1)  # (n, 2k)
    own = np.broadcast_to(np.arange(len(photos))[:, None], others.shape)
    known = (others >= 0) & (others != own)
    pairs = np.sort(np.stack([own[known], others[known]], axis=1), axis=1)
    result: Pairs = np.unique(pairs.astype(np.int64), axis=0)
    return result


def near_by_index(index: Index, photos: Photos, k: int, report: Report) -> Rows:
    """Return the k photos most similar to each by the index's engine, (n, k); -1 for none."""
    found = np.full((len(photos), k), -1, np.intp)
    allowed = np.zeros(len(index), bool)
    allowed[photos.rows] = True
    report.start("similar photos", "photos", len(photos))
    for start in range(0, len(photos), PHOTOS_A_SEARCH):
        rows = photos.rows[start : start + PHOTOS_A_SEARCH]
        queries = index.vectors(rows)
        _, near = index.search(queries, k + 1, None if allowed.all() else allowed)
        numbers = np.where(near < 0, -1, photos.numbers[near])  # (b, k + 1), its own among them
        for place, (own, others) in enumerate(zip(photos.numbers[rows], numbers, strict=True)):
            others = others[(others != own) & (others >= 0)][:k]
            found[start + place, : len(others)] = others
        report.advance(len(rows))
    return found
