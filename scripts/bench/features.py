"""What backbones are worth, measured with `tv` itself: nearest neighbours on four sets, and speed.

    python -m scripts.bench.features --data ../shared/data
    python -m scripts.bench.features --scenes SCENES --groceries GROCERIES --clothes CLOTHES \\
        --backbone mini --backbone mini-1 --backbone 'squeezenet1_1 --weights FILE'

With --data it prints two Markdown tables, of its sets and of speed: `mini` beside SqueezeNet 1.1
(ImageNet weights) and one untrained, or the backbones named. With folders of pictures kept apart,
which have a folder for each class, it prints one of hit@1 and precision@20, with 95 % bootstrap
intervals over the queries. Of scenes half of each class is the gallery and the others are queries;
of groceries and clothes each photo is a query to all others. Backbones named are as
`tv index --backbone NAME` has them by default.
"""

import argparse
import json
import re
import resource
import shlex
import subprocess
import sys
import time
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from tvcli.core.files.sources import walk_photos
from tvcli.core.ranking.metrics import bootstrap

TV = str(Path(sys.executable).with_name("tv"))
SQUEEZENET = "weights/squeezenet1_1-torchvision-fp16src.pth"
TINY = "tiny-imagenet/tiny-imagenet-35k.zip"
KEPT_APART = ("scenes", "groceries", "clothes")
FIRST = 20  # hits whose precision is measured
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
    index = indexed(one, gallery, work / f"{one.name}-{gallery.parent.name}-{gallery.name}.tvx")
    lines = tv("search", queries, "-i", index, "-k", str(k), "-q", "--format", "jsonl")
    hits: Hits = defaultdict(list)
    for hit in map(json.loads, lines.splitlines()):
        query, image = Path(hit["query"]).resolve(), Path(hit["image"])
        if not same_photo(query, image, gallery):
            hits[str(query)].append(str(image))
    return hits


@cache
def indexed(one: Candidate, gallery: Path, index: Path) -> Path:
    """Index photos, once in a run: what lies there from another may be of other weights."""
    tv("index", gallery, "-o", index, "-q", "--engine", "exact", *one.options)
    return index


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
    """Return the three backbones: mini by its default, the others pooled by the mean."""
    network = ("--backbone", "squeezenet1_1", "--pool", "mean", "--weights")
    return [
        Candidate("mini", ("--backbone", "mini")),
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


def photos_by_class(folder: Path) -> dict[str, list[Path]]:
    """Return the photos of a folder by the folder in it that they lie in, both in order."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in walk_photos(folder):
        found[class_of(path, folder)].append(path)
    return dict(sorted(found.items()))


def class_of(photo: Path, folder: Path) -> str:
    """Return the name of the folder in a folder that a photo lies in."""
    return photo.absolute().relative_to(folder.absolute()).parts[0]


def halves(classes: dict[str, list[Path]], seed: int) -> tuple[list[Path], list[Path]]:
    """Return a random half of the photos of each class, rounded up, and the others."""
    random = np.random.default_rng(seed)
    gallery, queries = list[Path](), list[Path]()
    for photos in classes.values():
        order = random.permutation(len(photos))
        first = (len(photos) + 1) // 2
        gallery += [photos[place] for place in sorted(order[:first])]
        queries += [photos[place] for place in sorted(order[first:])]
    return gallery, queries


def listed(photos: list[Path], file: Path) -> Path:
    """Write photos as records, and return the file."""
    lines = (json.dumps({"image": str(photo.absolute())}) + "\n" for photo in photos)
    file.write_text("".join(lines), "utf-8")
    return file


def right_hits(
    one: Candidate, gallery: list[Path], queries: list[Path], folder: Path, work: Path
) -> list[list[bool]]:
    """Return of each query which of its first hits, itself left out, are of its class."""
    index, first = work / "kept-apart.tvx", str(FIRST + 1)
    records = listed(gallery, work / "gallery.jsonl")
    tv("index", records, "-o", index, "-q", "--engine", "exact", *one.options)
    asked = listed(queries, work / "queries.jsonl")
    lines = tv("search", asked, "-i", index, "-k", first, "-q", "--format", "jsonl")
    found: dict[Path, list[bool]] = {query.absolute(): [] for query in queries}
    for hit in map(json.loads, lines.splitlines()):
        query, image = Path(hit["query"]).absolute(), Path(hit["image"]).absolute()
        if query != image:
            found[query].append(class_of(query, folder) == class_of(image, folder))
    return [hits[:FIRST] for hits in found.values() if hits]  # none of a photo that is unreadable


def kept_apart(
    one: Candidate, sets: dict[str, Path], work: Path, seed: int
) -> dict[str, tuple[float, float, float]]:
    """Return hit@1 and precision@20 of a backbone on each set, with the bounds of the interval."""
    row = {}
    for title, folder in sets.items():
        classes = photos_by_class(folder)
        if title == "scenes":
            gallery, queries = halves(classes, seed)
        else:  # one photo alone has nothing to find
            gallery = [photo for photos in classes.values() for photo in photos]
            queries = [one for photos in classes.values() if len(photos) > 1 for one in photos]
        found = right_hits(one, gallery, queries, folder, work)
        values = np.array([(hits[0], np.mean(hits)) for hits in found], np.float64)  # (Q, 2)
        means, (low, high) = values.mean(axis=0), bootstrap(values, seed)
        for place, measure in enumerate(("hit@1", f"precision@{FIRST}")):
            name = f"{title} ({len(found)} queries, {len(classes)} classes) {measure}"
            row[name] = (float(means[place]), float(low[place]), float(high[place]))
    return row


def table_with_intervals(rows: dict[str, dict[str, tuple[float, float, float]]]) -> str:
    """Return a Markdown table with one column for each backbone."""
    lines = ["| | " + " | ".join(rows) + " |", "|---" * (len(rows) + 1) + "|"]
    for measure in next(iter(rows.values())):
        cells = ("{:.3f} ({:.3f} to {:.3f})".format(*row[measure]) for row in rows.values())
        lines.append("| " + " | ".join([measure, *cells]) + " |")
    return "\n".join(lines)


def named(text: str) -> Candidate:
    """Return a backbone by its name and perhaps more options, as `tv index` takes them."""
    shown = re.sub(r" --weights \S+", "", text)
    return Candidate(shown, ("--backbone", *shlex.split(text)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of the four sets")
    for name in KEPT_APART:
        parser.add_argument(f"--{name}", type=Path, help="folder with a folder for each class")
    parser.add_argument("--backbone", action="append", type=named, help="repeatable", default=[])
    parser.add_argument("--seed", type=int, default=0, help="of the halves and the resampling")
    parser.add_argument("--work", type=Path, default=Path("build/features"))
    given = parser.parse_args()
    sets = {name: getattr(given, name) for name in KEPT_APART if getattr(given, name)}
    if not (given.data or sets):
        parser.error(f"name --data, or folders: {', '.join(f'--{name}' for name in KEPT_APART)}")
    given.work.mkdir(parents=True, exist_ok=True)
    if sets:
        found = given.backbone or [named("mini")]
        rows = {one.name: kept_apart(one, sets, given.work, given.seed) for one in found}
        print(table_with_intervals(rows), "\n")
    if given.data:
        data = given.data.resolve()
        found = given.backbone or candidates(data, given.work)
        print(table({one.name: quality(one, data, given.work) for one in found}, 3), "\n")
        print(table({one.name: speed(one, data, given.work) for one in found}, 1))


if __name__ == "__main__":
    main()
