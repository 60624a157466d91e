"""Hits: photos found for a query, as a program and a notebook see them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tvcli.api.matching import SamePicture, same_of
from tvcli.api.notebook import Card, cards
from tvcli.api.records import Readable, Results
from tvcli.core.boxes import Box
from tvcli.core.files.fields import Value, as_json
from tvcli.core.files.records import Record
from tvcli.core.searching.hits import Hit as CoreHit
from tvcli.core.searching.queries import Query


@dataclass(frozen=True, slots=True, repr=False)
class Hit(Readable):
    """A photo found: `rank` counts from 1, `similarity` is the cosine, 1.0 for the same picture.

    `image` is its path from the current folder, `path` the absolute one. `box` is the object in it,
    in pixels of the photo as displayed, None where the whole photo was indexed. `missing` tells
    that it is not there any more. `same` says whether it is the same picture, if that was asked.
    `fields` are what else the index knows of it, such as a price. `probability` is that it belongs
    with the query, where the index knows what its similarities mean. `same_content` are other
    files of the same content, where `distinct` hits were asked for. `query_box` is the part of the
    query's photo that was searched with, None for the whole.
    """

    rank: int
    image: str
    similarity: float
    box: Box | None = None
    label: str = ""
    missing: bool = False
    same: SamePicture | None = None
    query: str = field(default="", repr=False)
    fields: Mapping[str, Value] = field(default_factory=dict, repr=False)
    probability: float | None = None
    same_content: tuple[str, ...] = field(default=(), repr=False)
    query_box: Box | None = field(default=None, repr=False)

    @property
    def path(self) -> Path:
        """The absolute path of the photo."""
        return Path(os.path.abspath(self.image))  # noqa: PTH100 - links stay as they are

    def as_record(self) -> Record:
        """Return the photo, or the object in it, as a record that `encode` takes."""
        record: Record = {"image": self.image, "rank": self.rank, "similarity": self.similarity}
        if self.box is not None:
            record["box"] = list(self.box)
        return record | ({"label": self.label} if self.label else {}) | dict(self.fields)

    def _repr_html_(self) -> str:
        return cards(self.query, [_card(self)])


class Hits(Results[Hit]):
    """The hits of one query, the most similar first."""

    __slots__ = ("query",)

    def __init__(self, items: Sequence[Hit], query: str) -> None:
        super().__init__(items)
        self.query = query

    def _repr_html_(self) -> str:
        return cards(f"{len(self)} hits for {self.query}", [_card(hit) for hit in self])


def hits_of(query: Query, found: list[CoreHit]) -> Hits:
    """Return what was found for a query."""
    return Hits([_hit(hit) for hit in found], query.name)


def _hit(hit: CoreHit) -> Hit:
    same = None if hit.check is None else same_of(hit.check.verified, hit.check.match)
    return Hit(
        hit.rank,
        hit.image,
        hit.similarity,
        hit.region,
        hit.label,
        hit.missing,
        same,
        hit.query,
        as_json(hit.fields),
        hit.probability,
        hit.same_content,
        hit.query_box,
    )


def _card(hit: Hit) -> Card:
    name = Path(hit.image).name
    return Card(hit.path, (f"{hit.rank}. {name}", f"{hit.similarity:.3f} {hit.label}"), hit.box)
