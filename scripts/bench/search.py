"""Search engines on a million vectors of 256: time, memory, speed and recall of each.

    python -m scripts.bench.search                       # 1,000,000 rows: about 15 minutes
    python -m scripts.bench.search --rows 100000         # about 1 minute
    python -m scripts.bench.search --engines exact annoy faiss-ivfpq

Vectors are drawn in 1,000 clusters: a centre of 32 normal values and half as much noise, projected
to 256 and given a fifth of noise of its own, then brought to unit length; queries are drawn in the
same way. Each engine is built in one process and searched in another, one thread each. Peers
(hnswlib, usearch) get the least breadth that finds 0.97 of 200 queries' neighbours, doubling it,
as tv does for its own on a sample of the rows.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from scripts.bench import search_engines
from tvcli.core.engines import Exact, Vectors
from tvcli.core.indexes.building import build_index
from tvcli.core.indexes.index import open_index

K = search_engines.K
BLOCK = 65_536
ENCODER = {"backbone": {"name": "none", "weights": ""}, "pool": "gem"}  # vectors are drawn
SETTINGS = {"encoder": ENCODER, "weights_file": None, "root": ".", "root_absolute": "/"}
DIGITS = {"open_s": 2, "recall": 3}
COLUMNS = ("build_s", "file_mb", "peak_mb", "own_mb", "open_s", "single", "batch", "recall")
YARDSTICK = "hnswlib"
COMPARED = {"build": "build_s", "file": "file_mb", "own memory": "own_mb"}
COMPARED |= {"queries/s, one by one": "single", "queries/s, at once": "batch"}
HEADER = (
    "| engine | build s | file MB | peak RSS MB | of it its own | cold s | queries/s, one by one "
    "| queries/s, at once | recall@10 |"
)


def drawn(rows: int, seed: int, dimension: int = 256, latent: int = 32) -> Vectors:
    """Return rows (N, D) of unit length in 1,000 clusters; other rows of the same for each seed."""
    shape = np.random.default_rng(0)
    centres = shape.standard_normal((1000, latent), np.float32)
    projection = shape.standard_normal((latent, dimension), np.float32) / latent**0.5
    random = np.random.default_rng([1, seed])
    points = centres[random.integers(0, 1000, rows)]
    points += 0.5 * random.standard_normal(points.shape, np.float32)
    values = points @ projection + 0.2 * random.standard_normal((rows, dimension), np.float32)
    scaled: Vectors = values / np.linalg.norm(values, axis=1, keepdims=True)
    return scaled


def columns(vectors: Vectors, first: int) -> dict[str, object]:
    names = [f"{row}.jpg" for row in range(first, first + len(vectors))]
    labels = [f"class {row % 100}" for row in range(first, first + len(vectors))]
    region = np.tile(np.array([0, 0, 1, 1], np.float32), (len(vectors), 1))
    return {
        "embeddings": vectors, "image": names, "region": region, "digest": names, "label": labels
    }  # fmt: skip


def prepare(folder: Path, rows: int, queries: int) -> None:
    """Write an index of drawn rows, queries, and the rows truly closest to them."""
    blocks = (
        columns(drawn(min(BLOCK, rows - start), 1 + start), start)
        for start in range(0, rows, BLOCK)
    )
    build_index(folder / "rows", blocks, SETTINGS, {}, engine="exact")
    asked = drawn(queries, 0)
    np.save(folder / "queries.npy", asked)
    with open_index(folder / "rows") as index:
        np.save(folder / "truth.npy", Exact(index.store).search(asked, K)[1])


Told = dict[str, Any]


def measured(folder: Path, engine: str) -> Told:
    """Print the line of an engine and return its figures; none, if it failed: the others go on."""
    try:
        told = built(folder, engine) | step("search", engine, folder)
    except subprocess.CalledProcessError as error:
        print(f"| {engine} | failed with status {error.returncode} |" + " |" * 7, flush=True)
        return {}
    figures = (f"{told[name]:,.{DIGITS.get(name, 0)}f}" for name in COLUMNS)
    print(f"| {engine} ({told['note']}) | {' | '.join(figures)} |", flush=True)
    return told


def print_ratios(told: dict[str, Told]) -> None:
    """Print the figures of each engine as multiples of the yardstick's, if that was measured."""
    yardstick = told.get(YARDSTICK)
    if not yardstick:
        return
    print(f"\nThe same as multiples of {YARDSTICK}'s:\n\n| engine | {' | '.join(COMPARED)} |")
    print("|---" * (len(COMPARED) + 1) + "|")
    for engine, figures in told.items():
        cells = (f"{figures[name] / yardstick[name]:.2f}" for name in COMPARED.values() if figures)
        print(f"| {engine} | {' | '.join(cells)} |", flush=True)


def built(folder: Path, engine: str) -> Told:
    """Return what building cost, which is kept beside what was built: it is not built twice."""
    known = folder / engine / "built.json"
    if not known.exists():
        shutil.rmtree(folder / engine, ignore_errors=True)
        told = step("build", engine, folder)
        known.write_text(json.dumps(told))
    return dict(json.loads(known.read_text()))


def step(name: str, engine: str, folder: Path) -> Told:
    """Build or search in a process of its own, and return what it cost."""
    command = [sys.executable, "-m", "scripts.bench.search_engines", name, engine, str(folder)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--engines", nargs="*", default=list(search_engines.ENGINES))
    parser.add_argument("--folder", type=Path, help="kept, and what is built there used again")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        if not (folder / "truth.npy").exists():
            folder.mkdir(exist_ok=True)
            prepare(folder, given.rows, given.queries)
        print(f"{given.rows:,} vectors of 256, {given.queries} queries, k = {K}, one thread\n")
        print(HEADER + "\n|" + "---|" * 9, flush=True)
        told: dict[str, Told] = {}
        for engine in given.engines:
            told[engine] = measured(folder, engine)
            if not given.folder:
                shutil.rmtree(folder / engine, ignore_errors=True)
        print_ratios(told)


if __name__ == "__main__":
    main()
