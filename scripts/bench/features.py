"""What backbones are worth, measured with `tv` itself: nearest neighbours on four sets, and speed.

    python scripts/bench/features.py --data ../shared/data --work build/features

Prints two Markdown tables: `mini` beside SqueezeNet 1.1 (ImageNet weights) and one untrained.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

TV = str(Path(sys.executable).with_name("tv"))
SQUEEZENET = "weights/squeezenet1_1-torchvision-fp16src.pth"
TINY = "tiny-imagenet/tiny-imagenet-35k.zip"
PAINTINGS = ("qsd1_w1", "qsd1_w2", "qsd2_w1")
Hits = dict[str, list[str]]  # query -> images, best first
Row = dict[str, float]


@dataclass(frozen=True)
class Candidate:
    """A backbone by the options that choose it."""

    name: str
    options: tuple[str, ...]


def tv(*arguments: str | Path) -> str:
    """Run `tv` and return what it prints."""
    command = [TV, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def neighbours(one: Candidate, gallery: Path, queries: Path, work: Path, k: int) -> Hits:
    """Index the gallery, search with every query, return the hits that are not the query."""
    index = work / f"{one.name}-{gallery.parent.name}-{gallery.name}.tvx"
    if not index.exists():
        tv("index", gallery, "-o", index, "-q", "--engine", "exact", *one.options)
    lines = tv("search", queries, "-i", index, "-k", str(k), "-q", "--format", "jsonl")
    hits: Hits = defaultdict(list)
    for hit in map(json.loads, lines.splitlines()):
        query, image = Path(hit["query"]).resolve(), Path(hit["image"])
        if not same_photo(query, image, gallery):
            hits[str(query)].append(str(image))
    return hits


def same_photo(query: Path, image: Path, gallery: Path) -> bool:
    """Tell whether a hit is the query itself, found in the gallery."""
    return query in ((gallery / image).resolve(), image.resolve())


def hit_at(k: int, hits: Hits, right: Callable[[Path, Path], bool]) -> float:
    """Return the share of queries with a right image among the first k."""
    found = [
        any(right(Path(query), Path(image)) for image in images[:k])
        for query, images in hits.items()
    ]
    return sum(found) / len(found)


def same_class(query: Path, image: Path) -> bool:
    """Tell whether both lie in folders of the same name."""
    return query.parent.name == image.parent.name


def painting_of(image: Path) -> int:
    """Return the number in a gallery file's name, bbdd_00012.jpg."""
    return int(image.stem.split("_")[1])


def shows(paintings: dict[str, list[int]]) -> Callable[[Path, Path], bool]:
    """Return the test whether a gallery's image is one of the paintings that a query shows."""
    return lambda query, image: painting_of(image) in paintings[query.name]


def paintings(one: Candidate, data: Path, work: Path) -> Row:
    """Return hit@1 of each query set, over the queries whose painting is in the gallery."""
    folder, row = data / "paintings", {}
    truth = json.loads((folder / "groundtruth.json").read_text())
    for queries in PAINTINGS:
        shown = {name: t["bbdd"] for name, t in truth[queries].items() if t["in_db"]}
        hits = neighbours(one, folder / "bbdd", folder / queries, work, 1)
        known = {query: found for query, found in hits.items() if Path(query).name in shown}
        row[f"paintings {queries}"] = hit_at(1, known, shows(shown))
    return row


def unpacked(data: Path, work: Path) -> Path:
    """Unpack the 3,000 validation pictures of tiny-imagenet once."""
    if not (work / "tiny" / "val").exists():
        with zipfile.ZipFile(data / TINY) as archive:
            archive.extractall(work / "tiny", members=validation(archive.namelist()))
    return work / "tiny" / "val"


def validation(names: Iterable[str]) -> list[str]:
    """Return the names of the validation pictures in the archive."""
    return [name for name in names if name.startswith("val/")]


def quality(one: Candidate, data: Path, work: Path) -> Row:
    """Return every figure of one backbone."""
    clothing, grocery, tiny = data / "clothing", data / "grocery", unpacked(data, work)
    clothes = neighbours(one, clothing / "train", clothing / "validation", work, 1)
    products = neighbours(one, grocery / "train", grocery / "val", work, 5)
    things = neighbours(one, tiny, tiny, work, 2)
    return {
        "clothing hit@1": hit_at(1, clothes, same_class),
        "grocery hit@1": hit_at(1, products, same_class),
        "grocery hit@5": hit_at(5, products, same_class),
        **paintings(one, data, work),
        "tiny-imagenet hit@1": hit_at(1, things, same_class),
    }


def photos_per_second(one: Candidate, photos: Path, work: Path, pool: str) -> tuple[float, float]:
    """Return photos encoded per second and per CPU-second, start-up included."""
    out = work / f"{one.name}-{pool}.h5"
    out.unlink(missing_ok=True)
    count = sum(path.is_file() for path in photos.rglob("*"))
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    tv("encode", photos, "-o", out, "-q", *one.options, "--pool", pool)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    out.unlink()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return count / wall, count / cpu


def speed(one: Candidate, data: Path, work: Path) -> Row:
    """Return the speeds of one backbone, dense and pooled."""
    row = {}
    for title, pool in (("dense", "none"), ("pooled", "mean")):
        wall, cpu = photos_per_second(one, data / "clothing" / "train", work, pool)
        row[f"{title}: photos/s"], row[f"{title}: photos/CPU-s"] = wall, cpu
    return row


def untrained(work: Path) -> Path:
    """Write the weights of a SqueezeNet as it is before training."""
    import torch
    from torchvision.models import squeezenet1_1

    torch.manual_seed(0)
    path = work / "untrained.pth"
    torch.save(squeezenet1_1().state_dict(), path)
    return path


def candidates(data: Path, work: Path) -> list[Candidate]:
    """Return the three backbones, all pooled by the mean and squashed to their own input size."""
    network = ("--backbone", "squeezenet1_1", "--pool", "mean", "--weights")
    return [
        Candidate("mini", ("--backbone", "mini", "--pool", "mean")),
        Candidate("squeezenet1_1", (*network, str(data / SQUEEZENET))),
        Candidate("untrained", (*network, str(untrained(work)))),
    ]


def table(rows: dict[str, Row], digits: int) -> str:
    """Return a Markdown table with one column for each backbone."""
    lines = ["| | " + " | ".join(rows) + " |", "|---" * (len(rows) + 1) + "|"]
    for measure in next(iter(rows.values())):
        cells = [f"{row[measure]:.{digits}f}" for row in rows.values()]
        lines.append("| " + " | ".join([measure, *cells]) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build/features"))
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    data = given.data.resolve()
    all_of_them = candidates(data, given.work)
    print(table({one.name: quality(one, data, given.work) for one in all_of_them}, 3), "\n")
    print(table({one.name: speed(one, data, given.work) for one in all_of_them}, 1))


if __name__ == "__main__":
    main()
