"""Hits: what an index has for queries, in order, checked and explained."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tvcli.core.boxes import Box, in_record
from tvcli.core.engines import Found, Rows
from tvcli.core.engines.conditions import Condition
from tvcli.core.errors import Mismatch, UsageError
from tvcli.core.files.artifacts import Columns
from tvcli.core.files.fields import Value, as_json, shown
from tvcli.core.files.paths import shown_path
from tvcli.core.files.records import Record
from tvcli.core.images.photo import BadImage
from tvcli.core.indexes.index import Index
from tvcli.core.matching.decision import Verification
from tvcli.core.ranking.calibration import Calibration, calibration_of
from tvcli.core.reports import Report
from tvcli.core.searching.checks import Check
from tvcli.core.searching.distinct import by_content, enough_distinct
from tvcli.core.searching.euclidean import search_euclidean
from tvcli.core.searching.neighbours import (
    NO_NEIGHBOURS,
    ByNeighbours,
    expanded_queries,
    order_by_neighbours,
)
from tvcli.core.searching.queries import Query, Vector, known_box
from tvcli.core.searching.verifier import Verifier

if TYPE_CHECKING:  # it brings torch, which most searches do without
    from tvcli.core.searching.explaining import ExplainedHits

Metric = Literal["cosine", "euclidean"]


@dataclass(frozen=True, slots=True)
class Hit:
    """A photo found for a query: `similarity` is the cosine, 1.0 for the same picture.

    `probability` is that it belongs with the query, where the index was calibrated.
    `query_box` is the part of the query's photo that was searched with: the object found in it, or
    the box given; None for the whole. `row` is where the index has it; `check` says whether it is
    the same picture, if asked.
    `explain` is a picture of what made it similar, if asked. `root` is where the index says that
    its photos lie. `fields` are what else is known of it, such as a price.
    `same_content` are other files of the same content, if they are listed rather than hits;
    `same_rows` is where the index has them.
    """

    query: str
    rank: int
    image: str
    similarity: float
    region: Box | None = None
    label: str = ""
    missing: bool = False
    row: int = -1
    check: Check | None = None
    explain: str = ""
    root: Path | None = None
    fields: Mapping[str, Value] = field(default_factory=dict)
    probability: float | None = None
    same_content: tuple[str, ...] = ()
    same_rows: tuple[int, ...] = ()
    query_box: Box | None = None

    @property
    def asked(self) -> tuple[str, Box | None]:
        """What it was found for: a photo, or one of the objects in it."""
        return self.query, self.query_box

    @property
    def shown_fields(self) -> dict[str, str]:
        """The fields as texts: whole numbers without a point, true and false as JSON has them."""
        return {name: shown(value) for name, value in self.fields.items()}

    def as_record(self) -> Record:
        """Return the hit as `tv search` writes it; what is not known is left out."""
        record: Record = {"query": self.query}
        if self.query_box is not None:
            record["query_box"] = in_record(self.query_box)
        record |= {"rank": self.rank, "image": self.image, "similarity": self.similarity}
        if self.probability is not None:
            record["probability"] = self.probability
        if self.region is not None:
            record["box"] = in_record(self.region)
        if self.label:
            record["label"] = self.label
        record |= as_json(self.fields)
        if self.missing:
            record["missing"] = True
        if self.same_content:
            record["same_content"] = list(self.same_content)
        if self.explain:
            record["explain"] = self.explain
        return record | (self.check.as_record() if self.check else {})


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How queries are answered.

    Hits are at least `min_score` similar, and belong with the query from `min_probability` on,
    where the index is calibrated. `budget` is how hard the index's engine searches. The first
    `rerank` by vector are put in order by the similarity of their maps; `neighbours` expand the
    query and put hits in order, which keep their cosines. By the metric `euclidean` a similarity is
    1 / (1 + distance). Only rows that meet all conditions (`where`) are hits; with a `verification`
    only those that show the same picture. `explain` is a folder for pictures of what made each hit
    similar; with `cam` they have class activation maps. `distinct` hits have other contents: files
    of the same content, and boxes of it, are one.
    """

    k: int = 10
    min_score: float | None = None
    budget: int | None = None
    rerank: int | None = None
    locate: bool | None = None  # None: as the index's photos were
    metric: Metric = "cosine"
    where: Sequence[str] = ()  # such as label=dress
    verification: Verification | None = None
    explain: Path | None = None
    cam: bool = False
    distinct: bool = False
    neighbours: ByNeighbours = NO_NEIGHBOURS
    min_probability: float | None = None


def hits_of(
    index: Index,
    queries: Sequence[Query],
    settings: SearchSettings,
    where: Sequence[Condition],
    verifier: Verifier | None,
    explains: "ExplainedHits | None",
    report: Report,
) -> Iterator[tuple[Query, list[Hit]]]:
    """Yield each query with its hits, the most similar first; all are searched for together.

    `where`, `verifier` and `explains` are what the settings say of that, made for the index. A
    query whose photo cannot be verified is skipped, and the report is told.

    Raises:
        UsageError: k is less than 1, or an index without maps is to re-rank.
        Mismatch: a query is of another dimension than the index.
    """
    k, rerank, distinct = settings.k, settings.rerank, settings.distinct
    if k < 1:
        raise UsageError(f"-k {k}: at least 1")
    expansion, reciprocal = settings.neighbours.expansion, settings.neighbours.reciprocal
    reordering = rerank or (reciprocal.shortlist if reciprocal else 0)
    wanted = max(k, reordering, verifier.verification.shortlist if verifier else 0)

    def closest(vectors: Vector, count: int) -> Found:
        if settings.metric == "euclidean":
            return search_euclidean(index, vectors, count)
        return index.search(vectors, count, where=where, budget=settings.budget)

    plain = settings.metric == "cosine" and not (rerank or expansion)
    calibration = calibration_of(index.settings) if plain else None  # it is of plain cosines
    if expansion:
        queries = expanded_queries(index, queries, expansion, closest, distinct=distinct)
    vectors = np.stack([query.vector for query in queries])
    similarities, rows = closest(vectors, wanted)
    if distinct and not (rerank or verifier):
        more = partial(closest, vectors)
        similarities, rows = enough_distinct(index, wanted, similarities, rows, more)
    if rerank:
        similarities, rows = reordered(index, [query.map for query in queries], rows)
    verified = verifier.chosen(queries, similarities, rows) if verifier else None
    for query, values, found in zip(queries, similarities, rows, strict=True):
        checks: list[Check] = []
        if verified:
            chosen = next(verified)
            if isinstance(chosen, BadImage):
                report.skip(query.name, "verify", str(chosen))
                continue
            values, found, checks = chosen
        else:
            values, found = values[found >= 0], found[found >= 0]
        kept, same = np.arange(len(found)), {}
        if distinct:
            first, others = by_content(index, found, len(found))
            kept, same = np.array(first, np.intp), dict(zip(first, others, strict=True))
        if reciprocal:
            kept = kept[order_by_neighbours(index, query, found[kept], reciprocal)]
        if settings.min_score is not None:
            kept = kept[values[kept] >= settings.min_score]
        if settings.min_probability is not None and calibration:
            kept = kept[calibration.probability(values[kept]) >= settings.min_probability]
        kept = kept[:k]
        hits = _hits(index, query, values[kept], found[kept], calibration)
        places = kept.tolist()
        if checks:
            hits = [replace(h, check=checks[p]) for h, p in zip(hits, places, strict=True)]
        if explains:
            hits = [replace(hit, explain=explains(query, hit.row, hit.rank)) for hit in hits]
        if distinct:
            hits = [_listing(index, h, same[p]) for h, p in zip(hits, places, strict=True)]
        yield query, hits


def reordered(index: Index, maps: list[Vector | None], rows: Rows) -> Found:
    """Return similarities (Q, n) of maps (D, H, W) and shortlists (Q, n) in their order.

    Only the maps of the shortlists are read from disk.

    Raises:
        UsageError: the index keeps no maps.
        Mismatch: a query's map is of another size than the index's.
    """
    similarities, ordered = np.empty(rows.shape, np.float32), rows.copy()
    with index.maps() as kept:
        for place, (own, shortlist) in enumerate(zip(maps, rows, strict=True)):
            if own is None or own.shape != kept.row_shape:
                raise Mismatch(f"{index.path}: its maps are {kept.row_shape}: encode as it was")
            others = kept.read("encodings", shortlist).astype(np.float32)  # (n, D, H, W)
            values = others.reshape(len(others), -1) @ own.ravel()
            order = np.lexsort((shortlist, -values))
            similarities[place], ordered[place] = values[order], shortlist[order]
    return similarities, ordered


def _hits(
    index: Index, query: Query, similarities: Vector, rows: Rows, calibration: Calibration | None
) -> list[Hit]:
    """Return rows (n,) of the index as the hits of a query, in this order."""
    known = index.columns(rows)
    cosines = [round(float(np.clip(similarity, -1, 1)), 6) for similarity in similarities]
    hits = [
        Hit(
            query=query.name,
            rank=place + 1,
            similarity=similarity,
            row=int(rows[place]),
            root=index.root,
            query_box=query.box,
            **_of_row(index, known, place),
        )
        for place, similarity in enumerate(cosines)
    ]
    if calibration is None:
        return hits
    probabilities = calibration.probability(cosines)
    return [
        replace(hit, probability=round(float(value), 4))
        for hit, value in zip(hits, probabilities, strict=True)
    ]


def _of_row(index: Index, known: Columns, place: int) -> dict[str, Any]:
    """Return what a hit has of the row at a place of columns."""
    name = known["image"][place]
    return {
        "image": shown_path(index.root, name),
        "region": known_box(known["box"][place]),
        "label": known["label"][place],
        "missing": not (index.root / name).exists(),
        "fields": known["fields"][place],
    }


def _listing(index: Index, hit: Hit, rows: list[int]) -> Hit:
    """Return a hit that lists other rows, of the same content."""
    names = index.read("image", np.array(rows, np.intp)) if rows else []
    shown_names = tuple(shown_path(index.root, name) for name in names)
    return replace(hit, same_content=shown_names, same_rows=tuple(rows))


def narrowed(index: Index, hit: Hit, keeps: Callable[[int], bool]) -> Hit | None:
    """Return a hit as it is where only some rows count, of which it may list several; None: none.

    What it lists first becomes the hit where its own row does not count.
    """
    every = (hit.row, *hit.same_rows)
    rows = [row for row in every if keeps(row)]
    if len(rows) == len(every):
        return hit
    if not rows:
        return None
    first = _of_row(index, index.columns(np.array(rows[:1], np.intp)), 0)
    return _listing(index, replace(hit, row=rows[0], **first), rows[1:])
