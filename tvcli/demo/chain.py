"""The chain of the demo: commands, run on a drawn collection, and what came of them."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tvcli.core.boxes import as_box
from tvcli.core.errors import BadInput
from tvcli.core.files.records import Record, read_record_file, write_records
from tvcli.core.reports import Report
from tvcli.core.searching.hits import Hit
from tvcli.demo.drawing import draw_collection


class Collection(NamedTuple):
    """How many garments are drawn, and in how many photos each is seen."""

    garments: int
    photos_each: int


FULL, SMALL = Collection(60, 4), Collection(18, 3)
PATTERNS = "patterns.jsonl"  # by which a folder of a demo is known
SHOWN_OF_EACH_KIND = 3  # queries on the page


# Names of the searches that the page compares, and the files of their hits.
SEARCHES = {
    "the whole photo": "whole.jsonl",
    "the object found": "object.jsonl",
    "the object, by what was learned": "learned.jsonl",
}


@dataclass(frozen=True, slots=True)
class Step:
    """A command of the chain: why, the command as one would type it, where its output goes.

    One that is `beside` needs nothing of the command before it, and may run at the same time.
    """

    why: str
    command: str
    output: str | None = None
    beside: bool = False

    def __str__(self) -> str:
        """The command as one would type it."""
        return f"tv {self.command}" + (f" > {self.output}" if self.output else "")

    @property
    def arguments(self) -> list[str]:
        """The words of the command."""
        return shlex.split(self.command)


HEADS = "--classifier classifier.h5 --boxes boxes.h5"
CHAIN = (
    Step("make the photos searchable", "index gallery.txt -o whole.tvx"),
    Step(
        "find the photos most like each query",
        "search queries.txt -i whole.tvx -k 6",
        SEARCHES["the whole photo"],
    ),
    Step(
        "learn what a garment is, from the boxes around some",
        "crops boxes.jsonl -o crops.jsonl --per-photo 2 --looks 6 --test 0.1",
    ),
    Step("", "encode crops.jsonl -o crops.h5"),
    Step("", "train-classifier crops.h5 -o classifier.h5"),
    Step("", "train-boxes crops.h5 -o boxes.h5", beside=True),
    Step("find the garment in each photo", f"locate gallery.txt {HEADS} -o located.jsonl"),
    Step("and in the queries, and measure how well", f"locate queries.txt {HEADS} -o found.jsonl"),
    Step("", "eval boxes found.jsonl truth.jsonl --format table"),
    Step("search by the garment alone", "encode located.jsonl -o located.h5"),
    Step("", f"index located.h5 {HEADS} -o object.tvx"),
    Step("", "search found.jsonl -i object.tvx -k 6", SEARCHES["the object found"]),
    Step(
        "learn what similar means: here, the same pattern on the cloth",
        "triplets located.h5 --labels patterns.jsonl -o triplets.jsonl",
    ),
    # Every pattern is taught: what becomes of others, which --start auto minds, is not asked here.
    Step("", "train-rank located.h5 triplets.jsonl -o rank.h5 --start blend"),
    Step("", f"index located.h5 --rank rank.h5 {HEADS} -o learned.tvx"),
    Step("", "search found.jsonl -i learned.tvx -k 6", SEARCHES["the object, by what was learned"]),
)


def draw(folder: Path, collection: Collection, seed: int, report: Report) -> list[Record]:
    """Draw the demo's photos, with truth and lists beside them; return a record of each.

    The last photo of each garment is a query. `boxes.jsonl` has the gallery's boxes, `truth.jsonl`
    the queries', `patterns.jsonl` says which pattern the cloth in each photo has.

    Raises:
        BadInput: the folder cannot be written.
    """
    report.start("drawing", "photos", collection.garments * collection.photos_each)
    records: list[Record] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for record in draw_collection(folder, **collection._asdict(), seed=seed):
            records.append(dict(record))
            report.advance()
        _write_truth(folder, records)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written: {error.strerror}") from error
    return records


def _write_truth(folder: Path, records: list[Record]) -> None:
    gallery = [record for record in records if record["split"] == "train"]
    queries = [record for record in records if record["split"] == "test"]
    write_records(folder / "boxes.jsonl", map(_without_split, gallery))
    write_records(folder / "truth.jsonl", map(_without_split, queries))
    patterns = ({"image": r["image"], "label": r["pattern"]} for r in records)
    write_records(folder / PATTERNS, patterns)
    for name, chosen in (("gallery", gallery), ("queries", queries)):
        lines = (f"{record['image']}\n" for record in chosen)
        (folder / f"{name}.txt").write_text("".join(lines), "utf-8")


def _without_split(record: Record) -> Record:
    """Leave it to `tv crops` which of the gallery's photos are held out."""
    return {name: value for name, value in record.items() if name != "split"}


def shown_queries(records: list[Record]) -> set[str]:
    """Return the queries worth a place on the page: some of each kind."""
    shown: dict[str, list[str]] = {}
    for record in records:
        if record["split"] == "test":
            shown.setdefault(record["label"], []).append(record["image"])
    return {image for images in shown.values() for image in images[:SHOWN_OF_EACH_KIND]}


def read_hits(path: Path) -> list[Hit]:
    """Read what `tv search` wrote."""
    return [
        Hit(
            query=record["query"],
            rank=record["rank"],
            image=record["image"],
            similarity=record["similarity"],
            region=as_box(record["box"]) if "box" in record else None,
            query_box=as_box(record["query_box"]) if "query_box" in record else None,
        )
        for record, _ in read_record_file(path)
    ]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many first hits show the query's garment, and what part of all hits has its pattern.

    A query without any hit, as one in which no object is found, counts as one of the queries.
    """

    queries: int
    same_garment: int
    same_pattern: float


def outcome(hits: list[Hit], records: list[Record]) -> Outcome:
    """Return what a search came to, by the truth in the records."""
    truth = {record["image"]: record for record in records}
    pairs = [(hit.rank, truth[hit.query], truth[hit.image]) for hit in hits]
    first = [query["garment"] == image["garment"] for rank, query, image in pairs if rank == 1]
    patterns = [query["pattern"] == image["pattern"] for _, query, image in pairs]
    queries = sum(record["split"] == "test" for record in records)
    return Outcome(queries, sum(first), sum(patterns) / max(1, len(patterns)))
