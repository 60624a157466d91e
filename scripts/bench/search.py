"""Search engines on 100,000 vectors of 256: queries per second, recall@10, build time.

    python -m scripts.bench.search [--rows 100000] [--queries 1000] [--encodings FILE.h5]

Vectors are drawn: 1,000 clusters in a space of 32 dimensions, turned into 256, with a little noise
in all of them, which is about as hard as embeddings of photos are; or taken from an encodings file.
faiss (HNSW, 32 links) is the yardstick, on one thread and on all, like numpy's products here.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from tvcli.core.artifacts import open_artifact
from tvcli.core.engines import Found, Vectors
from tvcli.core.indexes.building import build_index
from tvcli.core.indexes.index import open_index

K = 10
SETTINGS = {"encoder": {}, "weights_file": None, "root": ".", "root_absolute": "/"}


def drawn(rows: int, dimension: int = 256, latent: int = 32, seed: int = 0) -> Vectors:
    random = np.random.default_rng(seed)
    centres = random.normal(size=(1000, latent))
    points = centres[random.integers(0, 1000, rows)] + 0.5 * random.normal(size=(rows, latent))
    values = points @ random.normal(size=(latent, dimension)) / latent**0.5
    return unit((values + 0.2 * random.normal(size=values.shape)).astype(np.float32))


def unit(values: Vectors) -> Vectors:
    scaled: Vectors = values / np.linalg.norm(values, axis=1, keepdims=True)
    return scaled


def columns(vectors: Vectors) -> dict[str, Any]:
    names = [f"{row}.jpg" for row in range(len(vectors))]
    region = np.tile(np.float32([0, 0, 1, 1]), (len(vectors), 1))
    return {"embeddings": vectors, "image": names, "region": region, "digest": names}


def recall(truth: np.ndarray, found: np.ndarray) -> float:
    shared = [len(set(t) & set(f)) / K for t, f in zip(truth, found, strict=True)]
    return float(np.mean(shared))


def speed(search: Callable[[Vectors], Any], queries: Vectors, at_once: int) -> float:
    """Return queries per second, the median of five rounds."""
    rounds = []
    for _ in range(5):
        started = time.perf_counter()
        for start in range(0, len(queries), at_once):
            search(queries[start : start + at_once])
        rounds.append(len(queries) / (time.perf_counter() - started))
    return statistics.median(rounds)


def print_row(
    name: str,
    build: float,
    search: Callable[[Vectors], Any],
    rows: np.ndarray,
    truth: np.ndarray,
    queries: Vectors,
) -> None:
    single, batch = speed(search, queries[:200], 1), speed(search, queries, len(queries))
    print(
        f"| {name} | {build:.1f} | {single:.0f} | {batch:.0f} | {recall(truth, rows):.3f} |",
        flush=True,
    )


def bench_tv(vectors: Vectors, queries: Vectors) -> np.ndarray:
    truth = np.empty(0)
    with tempfile.TemporaryDirectory() as folder:
        for engine in ("exact", "annoy"):
            started = time.perf_counter()
            target = Path(folder) / engine
            build_index(target, iter([columns(vectors)]), SETTINGS, {}, engine=engine)
            build = time.perf_counter() - started
            with open_index(target) as index:
                found: Found = index.search(queries, K)
                truth = found[1] if engine == "exact" else truth
                search = lambda block: index.search(block, K)  # noqa: E731
                note = f" (effort {index.manifest.forest['effort']})" if engine == "annoy" else ""
                print_row(f"tv {engine}{note}", build, search, found[1], truth, queries)
    return truth


def bench_faiss(vectors: Vectors, queries: Vectors, truth: np.ndarray) -> None:
    for threads in (1, faiss.omp_get_max_threads()):
        faiss.omp_set_num_threads(threads)
        index = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
        started = time.perf_counter()
        index.add(vectors)
        build = time.perf_counter() - started
        for effort in (16, 64):
            index.hnsw.efSearch = effort
            rows = index.search(queries, K)[1]
            name = f"faiss HNSW32, ef {effort}, {threads} thread{'s' * (threads > 1)}"
            print_row(name, build, lambda b: index.search(b, K), rows, truth, queries)  # noqa: B023


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--encodings", type=Path, help="vectors to use in place of drawn ones")
    given = parser.parse_args()
    if given.encodings:
        with open_artifact(given.encodings, "encodings") as file:
            vectors = unit(file.read("encodings").astype(np.float32))
        np.random.default_rng(0).shuffle(vectors)
    else:
        vectors = drawn(given.rows + given.queries)
    gallery, queries = vectors[: -given.queries], vectors[-given.queries :]
    print(f"{len(gallery)} vectors of {gallery.shape[1]}, {len(queries)} queries, k = {K}")
    print("| engine | build s | queries/s, one by one | queries/s, at once | recall@10 |")
    print("|---|---|---|---|---|")
    bench_faiss(gallery, queries, bench_tv(gallery, queries))


if __name__ == "__main__":
    main()
