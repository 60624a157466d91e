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
from tvcli.core.files.fields import Value, as_json, shown
from tvcli.core.files.records import Record
from tvcli.core.images.photo import BadImage
from tvcli.core.indexes.index import Index
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
from tvcli.core.searching.queries import Query, Vector, known_box, shown_path
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


def hits_of(
    index: Index,
    queries: Sequence[Query],
    *,
    k: int = 10,
    min_score: float | None = None,
    min_probability: float | None = None,
    rerank: int | None = None,
    neighbours: ByNeighbours = NO_NEIGHBOURS,
    verifier: Verifier | None = None,
    explains: "ExplainedHits | None" = None,
    metric: Metric = "cosine",
    where: Sequence[Condition] = (),
    budget: int | None = None,
    distinct: bool = False,
    report: Report,
) -> Iterator[tuple[Query, list[Hit]]]:
    """Yield each query with its hits, the most similar first; all are searched for together.

    A query whose photo cannot be verified is skipped, and the report is told.

    With `rerank` the first of that many by vector are put in order by the similarity of their maps.
    By their `neighbours` queries are expanded, and hits put in order, which keep their cosines.
    With a `verifier` only those of its shortlist that show the same picture are hits. `explains`
    writes a picture for each hit. Only rows that meet all conditions (`where`) are hits, and only
    those from `min_score` on, and from `min_probability` on where the index tells probabilities.
    With a `budget` the index's engine looks as hard as that.
    `distinct` hits have other contents: files of the same content, and boxes of it, are one.
    By the metric `euclidean` a similarity is 1 / (1 + distance).

    Raises:
        UsageError: k is less than 1, or an index without maps is to re-rank.
        Mismatch: a query is of another dimension than the index.
    """
    if k < 1:
        raise UsageError(f"-k {k}: at least 1")
    reciprocal = neighbours.reciprocal
    reordering = rerank or (reciprocal.shortlist if reciprocal else 0)
    wanted = max(k, reordering, verifier.verification.shortlist if verifier else 0)

    def closest(vectors: Vector, count: int) -> Found:
        if metric == "euclidean":
            return search_euclidean(index, vectors, count)
        return index.search(vectors, count, where=where, budget=budget)

    plain = metric == "cosine" and not (rerank or neighbours.expansion)
    calibration = calibration_of(index.settings) if plain else None  # it is of plain cosines
    if neighbours.expansion:
        how = neighbours.expansion
        queries = expanded_queries(index, queries, how, closest, distinct=distinct)
    vectors = np.stack([query.vector for query in queries])
    similarities, rows = closest(vectors, wanted)
    if distinct and not (rerank or verifier):
        more = partial(closest, vectors)
        similarities, rows = enough_distinct(index, wanted, similarities, rows, more)
    if rerank:
        similarities, rows = reordered(index, [query.map for query in queries], rows)
    for query, values, found in zip(queries, similarities, rows, strict=True):
        values, found = values[found >= 0], found[found >= 0]
        checks = None
        if verifier:
            try:
                values, found, checks = verifier.chosen(query, values, found)
            except BadImage as error:
                report.skip(query.name, "verify", str(error))
                continue
        kept, same = np.arange(len(found)), {}
        if distinct:
            first, others = by_content(index, found, len(found))
            kept, same = np.array(first, np.intp), dict(zip(first, others, strict=True))
        if reciprocal:
            kept = kept[order_by_neighbours(index, query, found[kept], reciprocal)]
        if min_score is not None:
            kept = kept[values[kept] >= min_score]
        if min_probability is not None and calibration:
            kept = kept[calibration.probability(values[kept]) >= min_probability]
        kept = kept[:k]
        hits = _hits(
            index,
            query,
            values[kept],
            found[kept],
            [checks[place] for place in kept] if checks else None,
            explains,
            [same[place] for place in kept.tolist()] if distinct else None,
        )
        yield query, _calibrated(calibration, list(hits))


def _calibrated(calibration: Calibration | None, hits: list[Hit]) -> list[Hit]:
    """Return hits with the probabilities of their similarities, where there is a calibration."""
    if calibration is None:
        return hits
    found = calibration.probability([hit.similarity for hit in hits])
    return [
        replace(hit, probability=round(float(value), 4))
        for hit, value in zip(hits, found, strict=True)
    ]


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
    index: Index,
    query: Query,
    similarities: Vector,
    rows: Any,
    checks: list[Check] | None = None,
    explains: "ExplainedHits | None" = None,
    same: list[list[int]] | None = None,
) -> Iterator[Hit]:
    known = index.columns(rows)
    others = [index.read("image", np.array(some, np.intp)) for some in same] if same else []
    for place, similarity in enumerate(similarities):
        image = index.root / known["image"][place]
        yield Hit(
            query=query.name,
            rank=place + 1,
            image=shown_path(index.root, known["image"][place]),
            similarity=round(float(np.clip(similarity, -1, 1)), 6),
            region=known_box(known["box"][place]),
            label=known["label"][place],
            missing=not image.exists(),
            row=int(rows[place]),
            check=checks[place] if checks else None,
            explain=explains(query, int(rows[place]), place + 1) if explains else "",
            root=index.root,
            fields=known["fields"][place],
            same_content=tuple(shown_path(index.root, name) for name in others[place])
            if others
            else (),
            same_rows=tuple(same[place]) if same else (),
            query_box=query.box,
        )


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
    known = index.columns(np.array(rows, np.intp))
    first, *others = (shown_path(index.root, name) for name in known["image"])
    return replace(
        hit,
        image=first,
        region=known_box(known["box"][0]),
        label=known["label"][0],
        missing=not (index.root / known["image"][0]).exists(),
        row=rows[0],
        fields=known["fields"][0],
        same_content=tuple(others),
        same_rows=tuple(rows[1:]),
    )
