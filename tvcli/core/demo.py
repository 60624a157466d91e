"""The demo: a drawn collection, and the chain of commands that makes it searchable."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tvcli.core.drawing import draw_collection
from tvcli.core.errors import BadInput
from tvcli.core.records import Record, read_record_file, write_records
from tvcli.core.reports import Report

GARMENTS, PHOTOS_EACH = 60, 4
SHOWN_OF_EACH_KIND = 3  # queries on the page
NEIGHBOURS = 6


@dataclass(frozen=True, slots=True)
class Step:
    """A command of the chain: why, its arguments, and the file its output goes to."""

    why: str
    arguments: tuple[str, ...]
    output: str | None = None

    def __str__(self) -> str:
        """The command as one would type it."""
        redirect = f" > {shlex.quote(self.output)}" if self.output else ""
        return f"tv {shlex.join(self.arguments)}{redirect}"


def draw(folder: Path, seed: int, report: Report) -> list[Record]:
    """Draw the demo's photos with `boxes.jsonl` and lists of gallery and queries; return records.

    The last photo of each garment is a query, the others are the gallery.

    Raises:
        BadInput: the folder cannot be written.
    """
    report.start("drawing", "photos", GARMENTS * PHOTOS_EACH)
    records: list[Record] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for record in draw_collection(
            folder, garments=GARMENTS, photos_each=PHOTOS_EACH, seed=seed
        ):
            records.append(dict(record))
            report.advance()
        write_records(folder / "boxes.jsonl", records)
        for name, chosen in (("gallery", _gallery), ("queries", _queries), ("shown", _shown)):
            lines = (f"{record['image']}\n" for record in chosen(records))
            (folder / f"{name}.txt").write_text("".join(lines), "utf-8")
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written: {error.strerror}") from error
    return records


def chain() -> list[Step]:
    """Return the commands of the demo, to be run in its folder."""
    return [
        Step("make the photos searchable", ("index", "gallery.txt", "-o", "photos.tvx")),
        Step(
            "find the photos most like each query",
            ("search", "queries.txt", "-i", "photos.tvx", "-k", str(NEIGHBOURS)),
            "hits.jsonl",
        ),
        Step(
            "the same as a page to look at",
            ("search", "shown.txt", "-i", "photos.tvx", "-k", str(NEIGHBOURS), "--format", "html"),
            "hits.html",
        ),
    ]


def count_found(hits: Path, records: list[Record]) -> tuple[int, int]:
    """Return for how many queries the first hit shows the same garment, and of how many."""
    garments = {Path(record["image"]).name: record["garment"] for record in records}
    first = [hit for hit, _ in read_record_file(hits) if hit["rank"] == 1]
    same = [garments[Path(h["query"]).name] == garments[Path(h["image"]).name] for h in first]
    return sum(same), len(same)


Choose = Callable[[list[Record]], list[Record]]


def _gallery(records: list[Record]) -> list[Record]:
    return [record for record in records if record["split"] == "train"]


def _queries(records: list[Record]) -> list[Record]:
    return [record for record in records if record["split"] == "test"]


def _shown(records: list[Record]) -> list[Record]:
    shown: dict[str, list[Record]] = {}
    for record in _queries(records):
        shown.setdefault(record["label"], []).append(record)
    return [record for of_kind in shown.values() for record in of_kind[:SHOWN_OF_EACH_KIND]]
