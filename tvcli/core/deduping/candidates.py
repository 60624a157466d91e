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
Collection = tuple[Index, Photos]


def candidate_pairs(index: Index, photos: Photos, words: Words, k: int, report: Report) -> Pairs:
    """Return pairs of photos (P, 2), the lower number first, in rising order, each once.

    Each photo with the k most similar by the index, and with the k that share most key points:
    the first finds what is blurred or without detail, the second what is turned, cut or mirrored.
    """
    collection = index, photos
    return joined_pairs(
        near_by_index(collection, collection, k, report), near_by_words(words, k, report)
    )


def joined_pairs(*near: Rows) -> Pairs:
    """Return pairs (P, 2) of each photo with those near it (n, k), in rising order, each once."""
    others = np.concatenate(near, axis=1)
    own = np.broadcast_to(np.arange(len(others))[:, None], others.shape)
    known = (others >= 0) & (others != own)
    pairs = np.sort(np.stack([own[known], others[known]], axis=1), axis=1)
    result: Pairs = np.unique(pairs.astype(np.int64), axis=0)
    return result


def near_by_index(own: Collection, other: Collection, k: int, report: Report) -> Rows:
    """Return the k photos of another collection, or the same, most similar to each, (n, k).

    By the other's engine, which must have vectors of the same kind; -1 for none.
    """
    (index, photos), (archive, others) = own, other
    found = np.full((len(photos), k), -1, np.intp)
    allowed = np.zeros(len(archive), bool)
    allowed[others.rows] = True
    report.start("similar photos", "photos", len(photos))
    for start in range(0, len(photos), PHOTOS_A_SEARCH):
        vectors = index.vectors(photos.rows[start : start + PHOTOS_A_SEARCH])
        _, near = archive.search(vectors, k + 1, None if allowed.all() else allowed)
        numbers = np.where(near < 0, -1, others.numbers[near])  # (b, k + 1), its own among them
        for place, some in enumerate(numbers, start):
            itself = place if photos is others else -1
            some = some[(some != itself) & (some >= 0)][:k]
            found[place, : len(some)] = some
        report.advance(len(vectors))
    return found
