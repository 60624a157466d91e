"""annoy: trees of random hyperplanes, kept in a file that is mapped into memory."""

from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.engines.annoy_file import is_sound
from tvcli.core.engines.approximate import Kind
from tvcli.core.engines.exact import VECTORS_AT_ONCE
from tvcli.core.engines.interface import Gallery, Rows, Vectors
from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import slices

TREES = 50


class Trees:
    """Open trees; the budget is the number of candidates inspected (annoy's search_k)."""

    name = "annoy"
    budgets = (10 * TREES, 2_000_000)

    def __init__(self, trees: Any) -> None:
        self._forest = trees

    def near(self, queries: Vectors, count: int, budget: int) -> Rows:
        """Return the rows (Q, count) nearest to each query that it finds, -1 for none."""
        budget = max(budget, 2 * count * TREES) if count > 10 else budget
        rows = np.full((len(queries), count), -1, np.intp)
        for place, query in enumerate(queries):
            found = self._forest.get_nns_by_vector(query.tolist(), count, budget)
            rows[place, : len(found)] = found
        return rows


def build(gallery: Gallery, path: Path, dimension: int, seed: int) -> dict[str, Any]:
    """Write trees over all vectors, in the file itself rather than in memory; say of what."""
    trees = _new_trees(dimension)
    trees.set_seed(seed)
    trees.on_disk_build(str(path))
    for rows in slices(len(gallery), VECTORS_AT_ONCE):
        for row, vector in enumerate(gallery.vectors(rows), rows.start):
            trees.add_item(row, vector.tolist())  # annoy reads a list twice as fast as an array
    trees.build(TREES, n_jobs=1)  # one job: the same trees every time
    trees.unload()
    return {"trees": TREES}


def is_safe(path: Path, dimension: int, rows: int, described: dict[str, Any]) -> bool:
    """Tell whether annoy can follow the numbers of a file, whoever wrote it."""
    return is_sound(path, dimension, rows)


def load(path: Path, dimension: int, rows: int) -> Trees | None:
    """Map trees into memory; None if they are not of as many rows (annoy itself checks nothing)."""
    trees = _new_trees(dimension)
    try:
        trees.load(str(path))
    except OSError:
        return None
    return Trees(trees) if trees.get_n_items() == rows else None


def _new_trees(dimension: int) -> Any:
    return _index_class()(dimension, "angular")


def _index_class() -> Any:
    try:
        from annoy import AnnoyIndex  # compiled, and not needed for an exact search
    except ImportError as error:
        raise BadInput(
            "annoy is not installed: pip install 'tvcli[annoy]', which needs a C++ compiler"
        ) from error
    return AnnoyIndex


KIND = Kind(_index_class, "forest", ".annoy", build, is_safe, load)
