"""Searching: from what a command line asks for to hits."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tvcli.core.boxes import parse_box
from tvcli.core.errors import UsageError
from tvcli.core.files.pipes import STDIN, is_pipe
from tvcli.core.files.project_settings import index_or_default
from tvcli.core.files.records import Region
from tvcli.core.files.sources import Source, is_rows, open_sources
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.indexes.older import note_older
from tvcli.core.reports import Report, nothing_found
from tvcli.core.searching.examples import parse_example
from tvcli.core.searching.hits import Hit, SearchSettings
from tvcli.core.searching.searcher import Asked, Example, Searcher

if TYPE_CHECKING:  # it brings torch, which most searches do without
    from tvcli.core.backbones.specs import Device

ONLY_PHOTOS = "goes with photos to search with"
LEAST_SIDE = 8  # pixels of a box; fewer have a colour, and no picture


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """What to search for: at least a query, an item of the index, or an example to like."""

    queries: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    likes: list[str] = field(default_factory=list)
    unlikes: list[str] = field(default_factory=list)
    box: str | None = None
    settings: SearchSettings = field(default_factory=SearchSettings)
    root: Path | None = None  # where the photos lie now
    weights: Path | None = None
    device: "Device" = "auto"


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
    path = index_or_default(index_path, "name one with -i")
    settings = request.settings
    if request.box is not None:
        if request.items or request.likes or request.unlikes:
            raise UsageError(f"--box: {ONLY_PHOTOS}, not with --item, --like or --unlike")
        if not settings.locate:
            settings = replace(settings, locate=False)  # the box says where the object is
    with open_index(path, request.root) as index:
        report.detail(f"{path}: {len(index)} rows, searched by {index.manifest.engine}")
        note_older(index, report)
        searcher = Searcher(index, weights=request.weights, device=request.device)
        asked, root = _asked(request, searcher, stdin, null, report)
        answered = 0
        for _, hits in searcher.search(
            asked,
            settings,
            report,
            likes=[_example("--like", text, index) for text in request.likes],
            unlikes=[_example("--unlike", text, index) for text in request.unlikes],
            root=root,
        ):
            answered += 1
            yield from hits
    if not answered or (request.queries and answered == len(request.items)):
        raise nothing_found(report, request.queries)


def _asked(
    request: SearchRequest,
    searcher: Searcher,
    stdin: IO[bytes] | None,
    null: bool,
    report: Report,
) -> tuple[Iterator[Asked] | None, Path]:
    """Return what is asked for, None for examples alone, and what its photos are relative to."""
    if not request.queries:
        return (iter(request.items) if request.items else None), Path()
    through_pipe = request.queries[0] == STDIN or is_pipe(request.queries[0])
    if not through_pipe and is_rows(request.queries, stdin):
        if request.box is not None:
            raise UsageError(f"--box: {ONLY_PHOTOS}, not with encodings: they are of whole photos")
        queries = searcher.queries(request.settings, report)
        return chain(request.items, queries.of_encodings(Path(request.queries[0]))), Path()
    source: Source = open_sources(
        request.queries,
        stdin=stdin,
        null=null,
        on_unreadable=report.unreadable,
        on_left_out=report.leave_out,
        on_empty=report.empty_folder,
    )
    regions = (_cropped(region, request.box) for region in source.regions)
    return chain(request.items, regions), source.root


def _example(option: str, text: str, index: Index) -> Example:
    """Return an example and its weight, `NAME` or `NAME:WEIGHT`; a photo of the whole name wins.

    Raises:
        UsageError: a weight that is none.
    """

    def is_known(name: str) -> bool:
        return bool(len(index.find(name))) or os.path.exists(name)  # noqa: PTH110 - false for none

    name, weight = parse_example(option, text, is_known)
    return Example(Region(name), weight)


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
    return replace(region, crop=crop, box=crop)
