"""What a verified search costs in larger and larger collections, key points kept.

    python -m scripts.bench.verified_at_scale INDEX QUERIES --sizes 2000,10000,30000,100000

INDEX is one of real photos, made with --keypoints, QUERIES a folder. Smaller indexes are its first
rows; in larger ones its photos come again and again, but for the first time with a seventh of the
bits of each descriptor flipped, words exchanged for others about as frequent, and vectors moved: as
far from each other as other photos, with as many words. Told are the bytes of the index, CPU
seconds and the largest memory of making its inverted lists, and of whole `tv search --verify`
processes, with one query and with all of them.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scripts.bench.processes import run
from tvcli.core.files.artifacts import Artifact, open_artifact, write_artifact
from tvcli.core.images.arrays import unit
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.indexes.keypoints import ROWS_OF
from tvcli.core.indexes.manifest import Segment, write_manifest
from tvcli.core.indexes.words import LISTS
from tvcli.core.matching.feature_columns import COLUMNS
from tvcli.core.matching.inverted_file import inverted_lists

BLOCK = 1000  # rows written at a time
MASKS = 4096  # of flipped bits, of which each descriptor gets one by chance
FLIPPED = 1 / 7  # of the bits: two variants of a photo differ in 63 of 256, more than votes allow
MOVED = 1.0  # length of what is added to vectors of length 1
STRATUM = 64  # words of about one frequency, exchanged for each other


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--sizes", default="2000,10000,30000,100000")
    parser.add_argument("--folder", type=Path, help="where the indexes are made, and stay")
    options = parser.parse_args()
    queries = sorted(path for path in options.queries.iterdir() if path.is_file())
    print("| photos | index, bytes a photo | of them words | inverted lists: CPU s | memory, MB "
          "| one query: CPU s | memory, MB | each of more: CPU s |")  # fmt: skip
    print("|---" * 8 + "|")
    with tempfile.TemporaryDirectory() as temporary:
        for size in map(int, options.sizes.split(",")):
            target = (options.folder or Path(temporary)) / f"{size}.tvx"
            if not target.exists():  # by another process, whose memory is not that of the next
                maker = get_context("spawn").Process(
                    target=make, args=(options.index, target, size)
                )
                maker.start()
                maker.join()
            seconds, memory = listed(next(target.glob("words-*")))
            bytes_ = sum(path.stat().st_size for path in target.iterdir())
            words = sum(path.stat().st_size for path in target.glob("words-*"))
            one = [searched(target, [query]) for query in queries[:: len(queries) // 3 or 1]]
            every, _ = searched(target, queries)
            first = float(np.median([cpu for cpu, _ in one]))
            rest = (every - first) / max(len(queries) - 1, 1)
            largest = max(memory for _, memory in one)
            print(
                f"| {size:,} | {bytes_ / size:,.0f} | {words / size:,.0f} | {seconds:.2f} "
                f"| {memory:,.0f} | {first:.2f} | {largest:,.0f} | {rest:.3f} |",
                flush=True,
            )


def make(source: Path, target: Path, count: int) -> None:
    """Make an index of `count` rows."""
    target.mkdir(parents=True)
    with (
        open_index(source) as index,
        open_artifact(source / index.settings["keypoints"]["file"], "keypoints") as known,
        open_artifact(source / index.settings["words"]["file"], "words") as filed,
    ):
        write_rows(index, known, filed, target, count)
        segments = [Segment(index.manifest.segments[0].file, count)]
        write_manifest(target, replace(index.manifest, segments=segments, removed=[], ann={}))


def write_rows(index: Index, known: Artifact, filed: Artifact, target: Path, count: int) -> None:
    """Write vectors, key points and words of `count` rows."""
    rng = np.random.default_rng(0)
    masks = np.packbits(rng.random((MASKS, 256)) < FLIPPED, axis=1)  # (MASKS, 32)
    every = filed.read("words")
    having = np.bincount(every.ravel(), minlength=65_536)[:65_535]
    about = index.manifest.segments[0].file
    with open_artifact(index.path / about, "embeddings") as first:
        settings = first.settings
    words: list[npt.NDArray[np.uint16]] = []
    rows_of = {ROWS_OF: [[[about, count]], []]}
    with (
        write_artifact(target / about, "embeddings", settings, {}) as vectors,
        write_artifact(
            target / known.path.name, "keypoints", known.settings | rows_of, {}
        ) as points,
        write_artifact(target / filed.path.name, "words", filed.settings | rows_of, {}) as file,
    ):
        for start in range(0, count, BLOCK):
            turn, own = divmod(start, len(index))
            rows = np.arange(own, min(own + BLOCK, len(index), own + count - start))
            named: dict[str, Any] = {
                "image": [f"{turn}/{name}" if turn else name for name in index.read("image", rows)],
                "digest": [f"{turn:02x}{name[2:]}" for name in index.read("digest", rows)],
                "region": index.read("region", rows),
            }
            found = index.vectors(rows)
            columns = {name: known.read(name, rows) for name in COLUMNS}
            these = every[rows]
            if turn:
                noise = unit(rng.normal(size=found.shape).astype(np.float32))
                found = unit(found + MOVED * noise)
                flips = masks[rng.integers(0, MASKS, columns["descriptors"].shape[:2])]
                columns["descriptors"] = columns["descriptors"] ^ flips
                these = exchanged(having, turn)[these]
            vectors.append({"embeddings": found.astype(np.float16), **named})
            points.append(columns | named)
            file.append({"words": these, **named})
            words.append(these)
        tree = filed.map_state(("words", "roots", "starts"))
        lists = {LISTS + name: values for name, values in inverted_lists(words).items()}
        file.write_state(tree | lists)


def exchanged(having: npt.NDArray[np.intp], turn: int) -> npt.NDArray[np.uint16]:
    """Return for each word (65536,) another about as frequent; the last, of none, stays."""
    order = np.argsort(having, kind="stable")
    turned = np.concatenate([
        np.random.default_rng([turn, start]).permutation(order[start : start + STRATUM])
        for start in range(0, len(order), STRATUM)
    ])  # fmt: skip
    found = np.arange(65_536, dtype=np.uint16)
    found[order] = turned
    return found


def listed(file: Path) -> tuple[float, float]:
    """Return CPU seconds and MB that a process takes to make the inverted lists of words anew."""
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from tvcli.core.files.artifacts import open_artifact\n"
        "from tvcli.core.matching.inverted_file import inverted_lists\n"
        "with open_artifact(Path(sys.argv[1]), 'words') as file:\n"
        "    blocks = [file.read('words', rows) for rows in file.blocks(256)]\n"
        "start = time.process_time()\n"
        "inverted_lists(blocks)\n"
        "print(time.process_time() - start)\n"
    )
    out, _, memory = run([sys.executable, "-c", code, str(file)])
    return float(out), memory


def searched(index: Path, queries: list[Path]) -> tuple[float, float]:
    """Return CPU seconds and MB of one `tv search --verify` process."""
    command = [sys.executable, "-m", "tvcli", "search", *map(str, queries), "-i", str(index)]
    out, seconds, memory = run([*command, "--verify", "--format", "jsonl", "-q"])
    for line in out.splitlines():
        json.loads(line)
    return seconds, memory


if __name__ == "__main__":
    main()
