"""One engine built or searched in this process: `build|search ENGINE FOLDER` -> a line of JSON."""

import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # one thread each, compared fairly

import numpy as np

from tvcli.core.engines import STRUCTURES, Rows, Vectors
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.indexes.manifest import write_manifest
from tvcli.core.indexes.structure import build_ann

K = 10
ENGINES = ("exact", *STRUCTURES, "hnswlib", "usearch")
BLOCK = 65_536
LINKS, BREADTH = 16, 100  # of the peers' graphs
RECALL_ASKED = 0.97

Search = Callable[[Vectors], Rows]


class Memory:
    """The most memory this process had while watched: all, and its own (not mapped files)."""

    def __init__(self) -> None:
        self.peak = self.own = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            lines = Path("/proc/self/status").read_text().splitlines()
            known = {line.split(":")[0]: line.split()[1] for line in lines if line.endswith("kB")}
            self.peak = max(self.peak, int(known["VmHWM"]) / 1000)
            self.own = max(self.own, int(known["RssAnon"]) / 1000)


def build(engine: str, folder: Path) -> dict[str, Any]:
    target = folder / engine
    target.mkdir(exist_ok=True)
    with open_index(folder / "rows") as index, Memory() as memory:
        started = time.process_time()
        file = _built(engine, index, target)
        seconds = time.process_time() - started
        time.sleep(0.2)  # until the memory was looked at once more
    size = file.stat().st_size / 1e6 if file else 0
    return {
        "build_s": seconds, "file_mb": size, "peak_mb": memory.peak, "own_mb": memory.own
    }  # fmt: skip


def _built(engine: str, index: Index, target: Path) -> Path | None:
    if engine == "exact" or engine in STRUCTURES:
        manifest = index.manifest
        manifest.engine, manifest.auto = engine, False
        for segment in manifest.segments:
            os.link(index.path / segment.file, target / segment.file)
        if engine != "exact":
            manifest.ann = build_ann(target, manifest, index)
        write_manifest(target, manifest)
        return target / manifest.ann_file if engine != "exact" else None
    file = target / "graph"
    peer = _peer(engine, index.manifest.dimension, len(index))
    for start in range(0, len(index), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(index)))
        _add(engine, peer, index.store.vectors(rows), rows)
    peer.save_index(str(file)) if engine == "hnswlib" else peer.save(str(file))
    return file


def _peer(engine: str, dimension: int, rows: int) -> Any:
    if engine == "hnswlib":
        import hnswlib

        graph = hnswlib.Index("ip", dimension)
        graph.init_index(rows, ef_construction=BREADTH, M=LINKS, random_seed=0)
        return graph
    from usearch.index import Index as Usearch

    return Usearch(
        ndim=dimension, metric="ip", dtype="f16", connectivity=LINKS, expansion_add=BREADTH
    )


def _add(engine: str, peer: Any, vectors: Vectors, rows: Rows) -> None:
    if engine == "hnswlib":
        peer.add_items(vectors, rows, num_threads=1)
    else:
        peer.add(rows, vectors, threads=1)


def search(engine: str, folder: Path) -> dict[str, Any]:
    queries, truth = np.load(folder / "queries.npy"), np.load(folder / "truth.npy")
    if engine == "exact" or engine in STRUCTURES:
        with open_index(folder / engine) as index:
            told = _timed(lambda asked: index.search(asked, K)[1], queries, truth)
            told["note"] = f"effort {index.manifest.ann.get('effort', '-')}"
    else:
        told = _searched_peer(engine, folder / engine / "graph", queries, truth)
    return told


def _searched_peer(engine: str, file: Path, queries: Vectors, truth: Rows) -> dict[str, Any]:
    started = time.perf_counter()
    set_effort: Callable[[int], None]
    find: Callable[[Vectors], Rows]
    if engine == "hnswlib":
        import hnswlib

        graph = hnswlib.Index("ip", queries.shape[1])
        graph.load_index(str(file))
        graph.set_num_threads(1)
        set_effort, find = graph.set_ef, lambda asked: graph.knn_query(asked, K)[0]
    else:
        from usearch.index import Index as Usearch

        peer = Usearch.restore(str(file), view=True)

        def set_effort(budget: int) -> None:
            peer.expansion_search = budget

        def find(asked: Vectors) -> Rows:
            return np.atleast_2d(peer.search(asked, K, threads=1).keys).astype(np.intp)

    find(queries[:1])
    opened = time.perf_counter() - started
    budget = 16
    set_effort(budget)
    while recall(truth[:200], find(queries[:200])) < RECALL_ASKED and budget < 4096:
        budget *= 2
        set_effort(budget)
    told = _timed(find, queries, truth)
    return told | {"open_s": opened, "note": f"effort {budget}"}


def _timed(find: Search, queries: Vectors, truth: Rows) -> dict[str, Any]:
    started = time.perf_counter()
    find(queries[:1])
    opened = time.perf_counter() - started
    return {
        "open_s": opened,
        "recall": recall(truth, find(queries)),
        "single": speed(find, queries[: 200 if opened < 1 else 20], 1),
        "batch": speed(find, queries, len(queries)),
    }


def recall(truth: Rows, found: Rows) -> float:
    return float(np.mean([len(set(t) & set(f)) / K for t, f in zip(truth, found, strict=True)]))


def speed(find: Search, queries: Vectors, at_once: int) -> float:
    """Return queries per second of CPU time, the median of three rounds."""
    rounds = []
    for _ in range(3):
        started = time.process_time()
        for start in range(0, len(queries), at_once):
            find(queries[start : start + at_once])
        rounds.append(len(queries) / (time.process_time() - started))
    return statistics.median(rounds)


if __name__ == "__main__":
    step, engine, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    print(json.dumps({"build": build, "search": search}[step](engine, folder)))
