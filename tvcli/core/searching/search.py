"""Searching: from what a command line asks for to hits."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tvcli.core.boxes import parse_box
from tvcli.core.engines.conditions import Condition, parse_condition
from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.pipes import is_pipe
from tvcli.core.files.project_settings import default_index
from tvcli.core.files.records import Region
from tvcli.core.files.sources import STDIN, is_encodings, open_sources
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.matching.decision import Verification
from tvcli.core.reports import Report
from tvcli.core.searching.hits import Hit, Metric, search
from tvcli.core.searching.queries import Queries, Query, Vector, refine
from tvcli.core.searching.verifier import verifying

if TYPE_CHECKING:  # they bring torch, which most searches do without
    from tvcli.core.backbones.specs import Device
    from tvcli.core.encoding.encoder import Encoder
    from tvcli.core.searching.explaining import ExplainedHits


SAMPLED = 100  # rows that are looked at for an example of a column
LEAST_SIDE = 8  # pixels of a box; fewer have a colour, and no picture


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
    budget: int | None = None
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
        _check_budget(index, request, report)
        queries = Queries(
            index, lambda: load_encoder(index, request), report, maps=request.rerank is not None
        )
        asked = _asked(request, queries, stdin, null, report)
        _check_metric(request)
        where = [parse_condition(text) for text in request.where]
        explains = _explainer(index, request)
        found = partial(index.search, where=where, budget=request.budget)
        with verifying(index, request.verification, report, queries.looks, found) as verifier:
            hits = search(
                index,
                asked,
                k=request.k,
                min_score=request.min_score,
                rerank=request.rerank,
                verifier=verifier,
                explains=explains,
                metric=request.metric,
                where=where,
                budget=request.budget,
            )
            nothing = True
            for hit in hits:
                nothing = False
                yield hit
        if nothing and where and not index.has_row(where):
            report.note(_no_row_meets(index, where, request.where))


def _no_row_meets(index: Index, where: Sequence[Condition], texts: Sequence[str]) -> str:
    """Return what to say where no row meets conditions, with what its rows have."""
    shown = []
    for column in sorted({condition.column for condition in where}):
        example = next((value for value in index.read(column, slice(0, SAMPLED)) if value), None)
        relative = f" is relative to {index.root}," if column == "image" else ""
        has = f"such as {example}" if example else "and no row has one"
        shown.append(f"{column}{relative} {has}")
    return f"no row meets --where {' and '.join(texts)}: {'; '.join(shown)}"


def _check_budget(index: Index, request: SearchRequest, report: Report) -> None:
    """Tell of a search budget that changes nothing."""
    if request.budget and request.metric == "euclidean":
        report.note("--effort: --metric euclidean compares every row, whatever the budget")
    elif request.budget and not index.store.takes_budget:
        report.note(f"--effort: {index.store.engine_name} compares every row, whatever the budget")


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
    through_pipe = request.queries[0] == STDIN or is_pipe(request.queries[0])
    if not through_pipe and is_encodings(request.queries, stdin):
        yield from queries.of_encodings(Path(request.queries[0]))
        return
    source = open_sources(
        request.queries,
        stdin=stdin,
        null=null,
        on_unreadable=report.unreadable,
        on_left_out=report.leave_out,
    )
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
            f"tv index PHOTOS --classifier FILE.h5 --boxes FILE.h5 "
            f"-o {shlex.quote(str(index.path))}"
        )
    return None if request.locate is False or request.box else heads


def _cropped(region: Region, box: str | None) -> Region:
    if box is None:
        return region
    try:
        x0, y0, x1, y1 = crop = parse_box(box)
    except ValueError as error:
        raise UsageError(f"--box: {error}") from None
    if min(x1 - x0, y1 - y0) < LEAST_SIDE:
        raise UsageError(
            f"--box {box}: {x1 - x0:g}x{y1 - y0:g} pixels show nothing to search with; at least "
            f"{LEAST_SIDE}x{LEAST_SIDE} are needed"
        )
    return replace(region, crop=crop)
