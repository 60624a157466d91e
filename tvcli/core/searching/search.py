"""Searching: from queries to hits."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np

from tvcli.core.boxes import Box, parse_box
from tvcli.core.config import default_index
from tvcli.core.engines import Found, Mask, Rows
from tvcli.core.engines.conditions import parse_condition
from tvcli.core.errors import BadInput, Mismatch, UsageError
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.records import Record, Region
from tvcli.core.reports import Report
from tvcli.core.searching.checks import Check
from tvcli.core.searching.euclidean import search_euclidean
from tvcli.core.searching.filters import allowed_rows
from tvcli.core.searching.queries import Queries, Query, Vector, known_box, refine, shown_path
from tvcli.core.searching.verify import Verifier, verifying
from tvcli.core.sources import STDIN, is_encodings, open_sources
from tvcli.core.verification.rules import Verification

if TYPE_CHECKING:  # they bring torch, which most searches do without
    from tvcli.core.encoding.encoder import Encoder
    from tvcli.core.networks.specs import Device
    from tvcli.core.searching.explaining import ExplainedHits

Metric = Literal["cosine", "euclidean"]

BLOCK = 64  # queries searched at a time


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to search for: at least a query, an item of the index, or an example to like."""

    queries: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    likes: list[str] = field(default_factory=list)
    unlikes: list[str] = field(default_factory=list)
    box: str | None = None
    k: int = 10
    min_score: float | None = None
    effort: int | None = None
    rerank: int | None = None
    locate: bool | None = None  # None: as the index's photos were
    root: Path | None = None  # where the photos lie now
    weights: Path | None = None
    device: "Device" = "auto"
    verification: Verification | None = None
    metric: Metric = "cosine"
    where: list[str] = field(default_factory=list)  # conditions, such as label=dress
    explain: Path | None = None  # the folder for the pictures
    cam: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A photo found for a query: `similarity` is the cosine, 1.0 for the same picture.

    `row` is where the index has it; `check` says whether it is the same picture, if asked.
    `explain` is a picture of what made it similar, if asked.
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

    def as_record(self) -> Record:
        """Return the hit as `tv search` writes it; what is not known is left out."""
        record: Record = {
            "query": self.query,
            "rank": self.rank,
            "image": self.image,
            "similarity": self.similarity,
        }
        if self.region is not None:
            record["box"] = list(self.region)
        if self.label:
            record["label"] = self.label
        if self.missing:
            record["missing"] = True
        if self.explain:
            record["explain"] = self.explain
        return record | (self.check.as_record() if self.check else {})


def find_hits(
    request: SearchRequest,
    index_path: Path | None,
    *,
    stdin: IO[bytes] | None = None,
    null: bool = False,
    report: Report,
) -> Iterator[Hit]:
    """Yield the hits of a request, query by query; `index_path` None: the one found by default.

    Raises:
        UsageError: nothing to search for, or a box that is none.
        BadInput: no index, no such item, or not one query that could be used.
        Mismatch: the index and the backbone's weights do not fit together.
    """
    path = index_path or default_index()
    if path is None:
        raise BadInput("no index here or above: name one with -i, or make one: tv index PHOTOS")
    with open_index(path, request.root) as index:
        report.detail(f"{path}: {len(index)} rows, searched by {index.manifest.engine}")
        if request.effort and hasattr(index.engine, "effort"):
            index.engine.effort = request.effort
        queries = Queries(
            index, lambda: load_encoder(index, request), report, maps=request.rerank is not None
        )
        asked = _asked(request, queries, stdin, null, report)
        _check_metric(request)
        allowed = allowed_rows(index, [parse_condition(text) for text in request.where])
        explains = _explainer(index, request)
        with verifying(index, request.verification, report, queries.looks) as verifier:
            yield from search(
                index,
                asked,
                k=request.k,
                min_score=request.min_score,
                rerank=request.rerank,
                verifier=verifier,
                explains=explains,
                metric=request.metric,
                allowed=allowed,
            )


def _check_metric(request: SearchRequest) -> None:
    """Raise UsageError where the distance is asked for beside what is told by the cosine."""
    by_cosine = {
        "--rerank": request.rerank,
        "--verify": request.verification,
        "--where": request.where,
        "--like": request.likes,
        "--unlike": request.unlikes,
        "--explain": request.explain,
    }
    asked = [name for name, value in by_cosine.items() if value]
    if request.metric == "euclidean" and asked:
        raise UsageError(f"--metric euclidean: {asked[0]} goes by the cosine; leave one out")


def _explainer(index: Index, request: SearchRequest) -> "ExplainedHits | None":
    if request.explain is None:
        if request.cam:
            raise UsageError("--cam: goes with --explain DIR")
        return None
    if request.likes or request.unlikes:
        raise UsageError("--explain: goes with photos and --item, not with --like and --unlike")
    from tvcli.core.searching.explaining import ExplainedHits, load_explainer

    explainer = load_explainer(
        index,
        weights=request.weights,
        device=request.device,
        maps=request.rerank is not None,
        classes=request.cam,
    )
    return ExplainedHits(explainer, request.explain)


def load_encoder(index: Index, request: SearchRequest) -> "Encoder":
    """Return the encoder that an index's rows were made with; of maps, to re-rank by them."""
    from tvcli.core.encoding.encoder import encoder_of

    settings = index.settings
    return encoder_of(
        settings["encoder"] | ({"pool": "none"} if request.rerank else {}),
        settings["weights_file"],
        weights=request.weights,
        device=request.device,
        graph=index.graph,
    )


def _asked(
    request: SearchRequest,
    queries: Queries,
    stdin: IO[bytes] | None,
    null: bool,
    report: Report,
) -> Iterator[Query]:
    if request.rerank and (request.likes or request.unlikes):
        raise UsageError("--rerank: goes with photos and --item, not with --like and --unlike")
    likes = {name: queries.example(name) for name in request.likes}
    unlikes = {name: queries.example(name) for name in request.unlikes}
    if not (request.queries or request.items):
        yield refine(None, likes, unlikes)
        return
    for item in request.items:
        yield refine(queries.of_item(item), likes, unlikes)
    if request.queries:
        yield from _asked_photos(request, queries, likes, unlikes, stdin, null, report)


def _asked_photos(
    request: SearchRequest,
    queries: Queries,
    likes: dict[str, Vector],
    unlikes: dict[str, Vector],
    stdin: IO[bytes] | None,
    null: bool,
    report: Report,
) -> Iterator[Query]:
    if is_encodings(request.queries, stdin) and request.queries[0] != STDIN:
        yield from queries.of_encodings(Path(request.queries[0]))
        return
    source = open_sources(request.queries, stdin=stdin, null=null, on_unreadable=report.unreadable)
    regions: Iterator[Region] = (_cropped(r, request.box) for r in source.regions)
    heads = _location_heads(queries.index, request)
    if heads is not None:
        from tvcli.core.location.locating import load_locator, located_regions  # brings torch

        locator = load_locator(*heads, weights=request.weights, device=request.device)
        regions = located_regions(replace(source, regions=regions), locator, report)
    asked = 0
    for query in queries.of_photos(regions, source.root):
        asked += 1
        yield refine(query, likes, unlikes)
    if not asked:
        first = report.skipped[0] if report.skipped else None
        raise BadInput(f"{first.image}: {first.reason}" if first else "no query photo found")


def _location_heads(index: Index, request: SearchRequest) -> tuple[Path, Path] | None:
    """Return the heads to locate queries by, as the index's photos were; None if not to.

    Raises:
        UsageError: locating is asked for, but the index keeps no heads.
    """
    heads = index.location_files
    if request.locate and heads is None:
        raise UsageError(
            f"--locate: {index.path} keeps no heads; make it again: "
            f"tv index PHOTOS --classifier FILE.h5 --boxes FILE.h5 -o {index.path}"
        )
    return None if request.locate is False or request.box else heads


def _cropped(region: Region, box: str | None) -> Region:
    if box is None:
        return region
    try:
        return replace(region, crop=parse_box(box))
    except ValueError as error:
        raise UsageError(f"--box: {error}") from None


def search(
    index: Index,
    queries: Iterator[Query],
    *,
    k: int = 10,
    min_score: float | None = None,
    rerank: int | None = None,
    verifier: Verifier | None = None,
    explains: "ExplainedHits | None" = None,
    metric: Metric = "cosine",
    allowed: Mask | None = None,
) -> Iterator[Hit]:
    """Yield the hits of each query, the most similar first.

    With `rerank` the first of that many by vector are put in order by the similarity of their maps.
    With a `verifier` only those of its shortlist that show the same picture are hits. `explains`
    writes a picture for each hit. Only rows `allowed` (N,) are hits.
    By the metric `euclidean` a similarity is 1 / (1 + distance).

    Raises:
        UsageError: k is less than 1, or an index without maps is to re-rank.
        Mismatch: a query is of another dimension than the index.
    """
    if k < 1:
        raise UsageError(f"-k {k}: at least 1")
    for block in _blocks(queries):
        vectors = np.stack([query.vector for query in block])
        look_at = verifier.verification.shortlist if verifier else 0
        wanted = max(k, rerank or 0, look_at)
        if metric == "euclidean":
            similarities, rows = search_euclidean(index, vectors, wanted)
        else:
            similarities, rows = index.search(vectors, wanted, allowed)
        if rerank:
            similarities, rows = reordered(index, [query.map for query in block], rows)
        for query, values, found in zip(block, similarities, rows, strict=True):
            values, found = values[found >= 0], found[found >= 0]
            if verifier:
                values, found, checks = verifier.chosen(query, values, found)
                yield from _hits(index, query, values[:k], found[:k], min_score, checks, explains)
            else:
                yield from _hits(index, query, values[:k], found[:k], min_score, None, explains)


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
    min_score: float | None,
    checks: list[Check] | None = None,
    explains: "ExplainedHits | None" = None,
) -> Iterator[Hit]:
    known = index.columns(rows)
    for place, similarity in enumerate(similarities):
        if min_score is not None and similarity < min_score:
            return
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
        )


def _blocks(queries: Iterator[Query]) -> Iterator[list[Query]]:
    block: list[Query] = []
    for query in queries:
        block.append(query)
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block
