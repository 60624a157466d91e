"""annoy: a forest of random hyperplanes, kept in a file that is mapped into memory."""

from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.engines.annoy_file import is_sound, stamp_of
from tvcli.core.engines.exact import BLOCK, Exact
from tvcli.core.engines.interface import Found, Gallery, Mask, Rows, Vectors

TREES = 50
RECALL_ASKED = 0.97  # a little above the 0.95 promised, since it is measured on a sample
SAMPLE = 200
LARGEST_EFFORT = 2_000_000


class Annoy:
    """A forest of random hyperplanes (annoy) for a shortlist, scored by the vectors themselves.

    `effort` is the number of candidates inspected (annoy's search_k).
    """

    name = "annoy"

    def __init__(self, gallery: Gallery, forest: Any, effort: int) -> None:
        self._gallery, self._forest, self.effort = gallery, forest, effort

    def search(self, queries: Vectors, k: int, allowed: Mask | None = None) -> Found:
        """Return similarities and rows of the k closest to each query, of those in the forest."""
        found = [self._search_one(query, k, allowed) for query in queries]
        width = min(len(rows) for _, rows in found)
        similarities = np.stack([values[:width] for values, _ in found])
        return similarities, np.stack([rows[:width] for _, rows in found])

    def _search_one(self, query: Vectors, k: int, allowed: Mask | None) -> Found:
        rows = np.sort(self._near(query, k, allowed))
        similarities = (query[None] @ self._gallery.vectors(rows).T)[0]
        order = np.argsort(-similarities, kind="stable")[:k]
        return similarities[order], rows[order]

    def _near(self, query: Vectors, k: int, allowed: Mask | None) -> Rows:
        """Return about the k closest; asked for more until enough of them are allowed."""
        planted = self._forest.get_n_items()
        wanted = k
        while True:
            effort = max(self.effort, 2 * wanted * TREES) if wanted > 10 else self.effort
            near = self._forest.get_nns_by_vector(query, wanted, effort)
            rows = np.asarray(near, dtype=np.intp)
            if allowed is None:
                return rows
            rows = rows[allowed[rows]]
            if len(rows) >= k or wanted >= planted:
                return rows
            wanted = min(2 * wanted, planted)


def build_forest(gallery: Gallery, path: Path, dimension: int, seed: int) -> None:
    """Build an annoy forest over all vectors and save it at `path`."""
    forest = _new_forest(dimension)
    forest.set_seed(seed)
    for start in range(0, len(gallery), BLOCK):
        for row, vector in enumerate(gallery.vectors(slice(start, start + BLOCK)), start):
            forest.add_item(row, vector)
    forest.build(TREES, n_jobs=1)  # one job: the same forest every time
    forest.save(str(path))
    forest.unload()


def open_forest(
    path: Path, dimension: int, rows: int, size: int, stamp: list[int] | None = None
) -> Any | None:
    """Open a saved forest, or return None if it is not the one built for these vectors.

    annoy maps and follows whatever file it is given: one whose `stamp` shows that it was not
    written here is checked node by node.
    """
    if not path.is_file() or path.stat().st_size != size or size == 0:
        return None
    if stamp != stamp_of(path) and not is_sound(path, dimension, rows):
        return None
    forest = _new_forest(dimension)
    try:
        forest.load(str(path))
    except OSError:
        return None
    return forest if forest.get_n_items() == rows else None


def choose_effort(gallery: Gallery, forest: Any, seed: int, k: int = 10) -> tuple[int, float]:
    """Return the least effort that finds what an exact scan finds, and the recall@k it reaches.

    Tried on a sample of the vectors themselves, each without itself, doubling the effort until the
    recall is `RECALL_ASKED`; all of annoy's trees are searched in one queue, so more is slower.
    """
    count = min(SAMPLE, len(gallery))
    sample = np.random.default_rng(seed).choice(len(gallery), count, replace=False)
    queries = gallery.vectors(np.sort(sample))
    truth = [set(rows) for rows in Exact(gallery).search(queries, k + 1)[1]]
    effort, recall = k * TREES, 0.0
    while effort <= LARGEST_EFFORT:
        found = [set(forest.get_nns_by_vector(query, k + 1, effort)) for query in queries]
        recall = float(np.mean([len(f & t) / len(t) for f, t in zip(found, truth, strict=True)]))
        if recall >= RECALL_ASKED:
            break
        effort *= 2
    return effort, recall


def _new_forest(dimension: int) -> Any:
    from annoy import AnnoyIndex  # compiled, and not needed for an exact search

    return AnnoyIndex(dimension, "angular")
