"""Copies found again: every picture, changed in twenty ways, against an index of all pictures.

    python -m scripts.bench.copies [--out DIR] [--limit N] [--clothes N] [--apart DRAW] [--table]

The experiment of "Scalable Image Search with Deep Image Representation" at the size of the pictures
that lie beside the checkout: 279 paintings and 2,000 photos of clothes (`--clothes`) are the index;
500 photos of clothes that are not in it are copied as well, and none of their copies may be
accepted. The copies
are those of `tv copies`, sent through JPEG; their order is drawn, so a run that is stopped
(or limited) is a fair sample, and the same command goes on where it stopped. Beside it imagehash's
phash (bench extra) on the very same copies: the nearest of all hashes, by differing bits.
"""

import argparse
import io
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
from PIL import Image

from scripts.bench.copy_sets import CLOTHES, Task, apart, whole
from scripts.bench.intervals import share_of
from tvcli.core.encoding.encoder import encoder_of, make_encoder
from tvcli.core.files.records import Region
from tvcli.core.files.sources import Source
from tvcli.core.images.copies.changes import changed
from tvcli.core.images.photo import BadImage, decode_photo, read_photo
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.indexes.indexing import index_photos
from tvcli.core.indexes.keypoints import keep_keypoints
from tvcli.core.matching.decision import PRESETS, Preset
from tvcli.core.reports import Report
from tvcli.core.searching.checks import Check
from tvcli.core.searching.queries import Queries, Query
from tvcli.core.searching.verifier import Verifier, verifying

DATA = Path(__file__).parents[3] / "shared" / "data"
QUALITY = 92
AT_ONCE = 64


def made_index(data: Path, known: list[str], target: Path, weights: Path) -> None:
    """Index the pictures, if that has not been done."""
    if not target.exists():
        encoder = make_encoder("squeezenet1_1", weights=weights, pool="mean")
        source = Source(data, iter([Region(name) for name in known]))
        index_photos(source, encoder, target, Report(), {})
    with open_index(target) as index:
        done = "keypoints" in index.settings
    if not done:
        keep_keypoints(target, "orb", Report())


def copied(data: Path, task: Task, seed: int) -> tuple[Image.Image, bytes]:
    """Return a copy, and what is sent of it."""
    name, number, kind, _ = task
    original = decode_photo(read_photo(data / name)).image
    copy = changed(original, kind, seed, f"{name} {number}")
    buffer = io.BytesIO()
    copy.save(buffer, "JPEG", quality=QUALITY)
    return Image.open(io.BytesIO(buffer.getvalue())), buffer.getvalue()


class Hashes:
    """The phashes of all pictures of the index."""

    def __init__(self, data: Path, index: Index) -> None:
        self._all = np.array([self.of(Image.open(data / name)) for name in index.images])  # (N, 64)

    @staticmethod
    def of(image: Image.Image) -> np.ndarray:
        bits: np.ndarray = imagehash.phash(image).hash.ravel()
        return bits

    def distances(self, copy: Image.Image, row: int) -> tuple[int, int]:
        """Return the bits that differ from the picture's own row, and from the nearest other."""
        bits = (self._all != self.of(copy)).sum(axis=1)
        own = int(bits[row]) if row >= 0 else 65
        if row >= 0:
            bits[row] = 65
        return own, int(bits.min())


def sureness(check: Check) -> list[float]:
    known = check.match.evidence.known.values()
    return [check.match.inliers, check.match.probability, *(round(value, 4) for value in known)]


def outcome(index: Index, verifier: Verifier, query: Query, row: int) -> dict[str, Any]:
    """Search a copy: what was accepted, how long it took, and how sure each was."""
    started, busy = time.perf_counter(), time.process_time()
    similarities, near = index.search(query.vector[None], verifier.verification.shortlist)
    chosen = next(verifier.chosen([query], similarities, near))
    assert not isinstance(chosen, BadImage)
    _, rows, checks = chosen
    seconds, cpu = time.perf_counter() - started, time.process_time() - busy
    by_row = dict(zip(rows.tolist(), checks, strict=True))
    own = by_row.pop(row, None)
    places = np.flatnonzero(near[0] == row)
    return {
        "rank": int(places[0]) if len(places) else -1,
        "found": bool(own and own.verified),
        "own": sureness(own) if own else [0, 0.0, 0.0, 0.0, 0.0],
        "others": [other for other, check in by_row.items() if check.verified],
        "best_other": max(sureness(check) for check in by_row.values()),
        "seconds": round(seconds, 4),
        "cpu": round(cpu, 4),
    }


def results(
    data: Path, target: Path, todo: list[Task], seed: int, preset: Preset
) -> Iterator[dict[str, Any]]:
    """Yield what became of each copy."""
    report = Report()
    how = replace(PRESETS[preset], unverified=True)
    with ExitStack() as stack:
        index = stack.enter_context(open_index(target))
        encoder = encoder_of(index.settings["encoder"], index.settings["weights_file"])
        queries, hashes = Queries(index, lambda: encoder, report), Hashes(data, index)
        verifier = stack.enter_context(verifying(index, how, report, queries.looks))
        assert verifier is not None
        rows = {name: row for row, name in enumerate(index.images)}
        for start in range(0, len(todo), AT_ONCE):
            some = todo[start : start + AT_ONCE]
            copies = [copied(data, task, seed) for task in some]
            regions = [Region(f"{n}", data=sent) for n, (_, sent) in enumerate(copies)]
            busy = time.process_time()
            asked = {int(Path(q.name).name): q for q in queries.of_photos(regions, Path())}
            encoding = (time.process_time() - busy) / len(some)
            for n, task in enumerate(some):
                row = rows[task[0]] if task[3] else -1
                own, other = hashes.distances(copies[n][0], row)
                known = {"image": task[0], "number": task[1], "kind": task[2], "inside": task[3]}
                found = outcome(index, verifier, asked[n], row)
                yield known | found | {"encoding": round(encoding, 4), "phash": [own, other]}


def table(lines: list[dict[str, Any]], images: list[str]) -> None:
    """Print recall and precision by kind of change, and what decides them."""
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        by_kind[line["kind"]].append(line)
    print("| change | copies | recall | in the first 100 | strangers | accepted wrongly "
          "| phash ≤ 10: recall | wrong |\n|---|---|---|---|---|---|---|---|")  # fmt: skip
    for kind, some in [*sorted(by_kind.items()), ("all", lines)]:
        inside = [line for line in some if line["inside"]]
        recall = share_of([line["found"] for line in inside])
        listed = np.mean([line["rank"] >= 0 for line in inside])
        wrong = share_of([bool(line["others"]) for line in some])
        hashed = np.mean([line["phash"][0] <= 10 for line in inside])
        hash_wrong = sum(line["phash"][1] <= 10 for line in some)
        print(f"| {kind} | {len(inside)} | {recall} | {listed:.3f} | {len(some) - len(inside)}"
              f" | {wrong} | {hashed:.3f} | {hash_wrong} |")  # fmt: skip
    inside = [line for line in lines if line["inside"]]
    weakest = sorted(line["own"] for line in inside if line["found"])[:5]
    strongest = sorted(line["best_other"] for line in lines if not line["others"])[-5:]
    print(f"\nweakest accepted {weakest}, strongest others refused {strongest}")
    for name in ("encoding", "seconds", "cpu"):
        values = [line[name] for line in lines]
        middle, high = np.quantile(values, (0.5, 0.95))
        print(f"{name}: median {middle:.3f} s, 95 % below {high:.3f} s")
    pairs: dict[tuple[str, str], int] = defaultdict(int)
    for line in lines:
        for other in line["others"]:
            pairs[line["image"], images[other]] += 1
    for (image, other), count in sorted(pairs.items(), key=lambda pair: -pair[1])[:40]:
        print(f"accepted {count} times: {image} as {other}")
    for line in [line for line in inside if not line["found"]][:40]:
        print("missed:", {k: line[k] for k in ("image", "number", "kind", "rank", "own")})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=Path("copies-bench"))
    parser.add_argument("--limit", type=int, help="copies, of all that there are")
    parser.add_argument("--clothes", type=int, default=CLOTHES, help="in the index")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="default")
    parser.add_argument("--apart", type=int, metavar="DRAW", help="no threshold was chosen on them")
    parser.add_argument("--table", action="store_true", help="only print what is known")
    options = parser.parse_args()
    weights = next((options.data / "weights").glob("squeezenet1_1-*.pth"))
    chosen = (
        apart(options.data, options.apart)
        if options.apart
        else whole(options.data, options.clothes)
    )
    options.out.mkdir(parents=True, exist_ok=True)
    ending = f"-apart-{options.apart}" if options.apart else f"-{options.clothes}"
    target = options.out / f"index{ending}.tvx"
    log = options.out / f"{options.preset}{ending}.jsonl"
    made_index(options.data, chosen.known, target, weights)
    lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    if not options.table:
        done = {(line["image"], line["number"]) for line in lines}
        todo = [task for task in chosen.tasks[: options.limit] if task[:2] not in done]
        with log.open("a") as file:
            for line in results(options.data, target, todo, chosen.seed, options.preset):
                file.write(json.dumps(line) + "\n")
                file.flush()
                lines.append(line)
    with open_index(target) as index:
        table(lines, index.images)


if __name__ == "__main__":
    main()
