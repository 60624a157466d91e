"""Clicks: what a person said of hits or of triplets, read as triplets of items."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, product
from pathlib import Path

from tvcli.core.errors import BadInput
from tvcli.core.files.paths import folder_of
from tvcli.core.files.records import Record, read_record_file
from tvcli.core.ranking.triplets import Item, Items, Triplet, item_of


@dataclass(slots=True)
class Judged:
    """What was said of one query's hits."""

    likes: list[Item] = field(default_factory=list)
    unlikes: list[Item] = field(default_factory=list)


def read_clicks(path: Path, per_query: int) -> tuple[list[Triplet], dict[Item, Judged]]:
    """Return the triplets of a file of clicks, and the queries that have likes alone.

    A line is a triplet {"anchor","positive","negative"}, or a judgement of a hit
    {"query","image","relevant": true|false}; a query's likes and unlikes make up to `per_query`
    triplets. Paths are relative to the file's folder.

    Raises:
        BadInput: not there, empty, or a line that is neither; the message gives it.
    """
    folder = folder_of(path)
    items = Items(folder)
    triplets: list[Triplet] = []
    judged: dict[Item, Judged] = {}
    for record, where in read_record_file(path):
        if "query" in record:
            _judge(judged, record, where, str(folder))
        else:
            triplets.append(items.triplet_of(record, where))
    for query, said in judged.items():
        triplets += islice(_pairs(query, said), per_query)
    if not triplets and not judged:
        raise BadInput(f"{path}: no clicks in it")
    return triplets, {q: said for q, said in judged.items() if said.likes and not said.unlikes}


def _judge(judged: dict[Item, Judged], record: Record, where: str, folder: str) -> None:
    query = item_of(record["query"], "query", where, folder)
    hit = item_of({"image": record.get("image"), "box": record.get("box")}, "hit", where, folder)
    relevant = record.get("relevant")
    if not isinstance(relevant, bool):
        raise BadInput(f'{where}: a judgement needs "relevant": true or false')
    said = judged.setdefault(query, Judged())
    (said.likes if relevant else said.unlikes).append(hit)


def _pairs(query: Item, said: Judged) -> Iterator[Triplet]:
    for positive, negative in product(said.likes, said.unlikes):
        yield Triplet(query, positive, negative)
