"""faiss (extra `faiss`): a graph of neighbours, or lists of compressed vectors, mapped from disk.

HNSW is of Malkov and Yashunin 2018, product quantisation of Jegou, Douze and Schmid 2011.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.engines.approximate import Kind
from tvcli.core.engines.exact import VECTORS_AT_ONCE
from tvcli.core.engines.interface import Gallery, Rows, Vectors
from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import slices
from tvcli.core.files.provenance import file_hash

# Neighbours kept, and those looked at while the graph is built. With 40 they all lie in one
# cluster: whole clusters of a thousand rows are then never reached, however hard a search looks.
LINKS, BREADTH = 16, 100
BITS = 8
VALUES_A_CODE = 4  # values of a vector that become one byte
ONE_LIST = 1000  # rows; fewer are not divided
TRAINED_ON = 40  # vectors for each list
CODED_ON = 65_536  # vectors at most that the codes are learnt from
REFINED = 10  # rows scored by their vectors for each row asked for, since codes are coarse


class Graph:
    """An open HNSW graph over float16 vectors; the effort is faiss's efSearch."""

    name = "faiss-hnsw"
    budgets = (32, 4096)  # with 16, real photos that are new find less than the sample tells

    def __init__(self, index: Any) -> None:
        self._index = index

    def near(self, queries: Vectors, count: int, budget: int) -> Rows:
        """Return the rows (Q, count) nearest to each query that it finds, -1 for none."""
        budget = max(budget, 2 * count) if count > 10 else budget
        return _rows(self._index, queries, count, _looking("HNSW", efSearch=budget))


class Lists:
    """Open lists of codes of 8 bits (IVF-PQ); the effort is the number of lists looked at."""

    name = "faiss-ivfpq"

    def __init__(self, index: Any) -> None:
        self._index = index
        self.budgets = (min(4, index.nlist), index.nlist)

    def near(self, queries: Vectors, count: int, budget: int) -> Rows:
        """Return more rows near each query than asked for, as codes are coarse; -1 for none."""
        count = min(REFINED * count, max(self._index.ntotal, 1))
        lists = math.ceil(2 * count * self._index.nlist / max(self._index.ntotal, 1))
        budget = min(max(budget, lists), self._index.nlist)
        return _rows(self._index, queries, count, _looking("IVF", nprobe=budget))


def build_graph(gallery: Gallery, path: Path, dimension: int, seed: int) -> dict[str, Any]:
    """Write a graph over all vectors; it is held in memory while it grows."""
    faiss = _faiss()
    kind = faiss.ScalarQuantizer.QT_fp16
    index = faiss.IndexHNSWSQ(dimension, kind, LINKS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = BREADTH
    index.hnsw.rng = faiss.RandomGenerator(seed)
    index.is_trained = True  # float16 has nothing to learn
    with _one_thread(faiss):  # the same graph every time
        _fill(index, gallery)
    faiss.write_index(index, str(path))
    return {"links": LINKS, "breadth": BREADTH, "hash": file_hash(path)}


def build_lists(gallery: Gallery, path: Path, dimension: int, seed: int) -> dict[str, Any]:
    """Write lists of codes of all vectors; trained on a sample, so memory stays small."""
    faiss = _faiss()
    rows = len(gallery)
    lists = 2 ** max(0, round(math.log2(2 * math.sqrt(rows)))) if rows >= ONE_LIST else 1
    codes = max(n for n in range(1, max(dimension // VALUES_A_CODE, 1) + 1) if dimension % n == 0)
    quantiser = faiss.IndexFlatIP(dimension)
    index = faiss.IndexIVFPQ(quantiser, dimension, lists, codes, BITS, faiss.METRIC_INNER_PRODUCT)
    for learning in (index.cp, index.pq.cp):
        learning.seed, learning.min_points_per_centroid = seed + 1, 1
    index.train(_sample(gallery, max(TRAINED_ON * lists, CODED_ON), seed))
    _fill(index, gallery)
    faiss.write_index(index, str(path))
    return {"lists": lists, "codes": codes, "hash": file_hash(path)}


def is_safe(path: Path, dimension: int, rows: int, described: dict[str, Any]) -> bool:
    """Tell whether a file is, byte for byte, the one that was built."""
    return bool(file_hash(path) == described.get("hash"))


def load_graph(path: Path, dimension: int, rows: int) -> Graph | None:
    """Map a graph into memory; None if it is none, or not of as many rows."""
    index = _load(path, dimension, rows, _faiss().IO_FLAG_MMAP_IFC, "IndexHNSWSQ")
    return None if index is None else Graph(index)


def load_lists(path: Path, dimension: int, rows: int) -> Lists | None:
    """Map lists into memory; None if they are none, or not of as many rows."""
    faiss = _faiss()
    flags = faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY
    index = _load(path, dimension, rows, flags, "IndexIVFPQ")
    return Lists(index) if index is not None else None


def _load(path: Path, dimension: int, rows: int, flags: int, kind: str) -> Any | None:
    try:
        index = _faiss().read_index(str(path), flags)
    except (RuntimeError, MemoryError):
        return None
    fits = (type(index).__name__, index.d, index.ntotal) == (kind, dimension, rows)
    return index if fits else None


def _fill(index: Any, gallery: Gallery) -> None:
    for rows in slices(len(gallery), VECTORS_AT_ONCE):
        index.add(np.ascontiguousarray(gallery.vectors(rows)))


def _sample(gallery: Gallery, count: int, seed: int) -> Vectors:
    """Return some vectors to learn from, over again where there are fewer than faiss wants."""
    chosen = np.random.default_rng(seed).permutation(len(gallery))[:count]
    return gallery.vectors(np.resize(np.sort(chosen), max(len(chosen), 2**BITS)))


def _rows(index: Any, queries: Vectors, count: int, chosen: Any) -> Rows:
    queries = np.ascontiguousarray(queries, np.float32)
    rows: Rows = index.search(queries, count, params=chosen)[1].astype(np.intp, copy=False)
    rows[rows >= index.ntotal] = -1  # whatever the file says
    return rows


@cache
def _looking(kind: str, **budget: int) -> Any:
    """Return how hard faiss is to look, made once: it takes as long as a short search."""
    return getattr(_faiss(), f"SearchParameters{kind}")(**budget)


@contextmanager
def _one_thread(faiss: Any) -> Iterator[None]:
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def _faiss() -> Any:
    try:
        import faiss
    except ImportError as error:
        raise BadInput("faiss is not installed: pip install 'tvcli[faiss]'") from error
    return faiss


HNSW = Kind(_faiss, "graph", ".faiss", build_graph, is_safe, load_graph)
# `faiss` alone: as quick as HNSW, and far smaller (docs/notes/benchmarks.md)
IVFPQ = Kind(_faiss, "lists", ".faiss", build_lists, is_safe, load_lists, aliases=("faiss",))
