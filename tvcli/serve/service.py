"""The HTTP interface alone, for the programs of others: searches, health, figures, description."""

import time
from collections.abc import Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from tvcli import __version__
from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.records import Region
from tvcli.core.images.photo import read_photo
from tvcli.core.indexes.older import note_older
from tvcli.core.ranking.calibration import calibration_of
from tvcli.core.reports import Report
from tvcli.core.searching.examples import parse_example
from tvcli.core.searching.hits import Hit, SearchSettings
from tvcli.core.searching.live_searcher import LiveSearcher
from tvcli.core.searching.neighbours import asked_neighbours
from tvcli.core.searching.searcher import Asked as AskedFor
from tvcli.core.searching.searcher import Example, Searcher
from tvcli.serve.answers import Asked, Refused, Work, answer, explain, routes
from tvcli.serve.service_description import description
from tvcli.serve.service_gate import ServiceGate
from tvcli.serve.service_metrics import Figures
from tvcli.serve.service_request import SearchRequest, in_its_words, search_request
from tvcli.serve.storage import Storage, stored
from tvcli.serve.turns import TURNS, pixels_of


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What is served, and to whom: a worker gets it from the process that began."""

    indexes: tuple[Path, ...]
    token: str
    root: Path | None = None
    storages: tuple[Storage, ...] = ()
    weights: Path | None = None


def make_service(settings: ServiceSettings) -> ASGIApp:
    """Return the service, its indexes open until its server ends.

    Raises:
        BadInput: an index that cannot be used, or two of one name.
        Mismatch: an index of a newer version.
    """
    return ServiceGate(_Service(settings).app(), settings.token)


class _Service:
    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._indexes: dict[str, LiveSearcher] = {}
        self._stack = ExitStack()
        for path in settings.indexes:
            name = Path(absolute_path(path)).stem
            if name in self._indexes:
                raise BadInput(f"{path}: another index is called {name}, too; requests name one")
            self._indexes[name] = LiveSearcher(path, root=settings.root, weights=settings.weights)
            self._stack.callback(self._indexes[name].close)

    def app(self) -> Starlette:
        """Return the application."""
        self._figures = Figures()  # by now its folder is known

        @asynccontextmanager
        async def lifespan(app: Starlette) -> Any:
            with self._stack:
                yield

        works: dict[str, Work] = {
            "GET /health": self.health,
            "GET /metrics": self.metrics,
            "GET /openapi.json": lambda asked: description(__version__),
            "GET /v1/indexes": self.indexes,
            "POST /v1/search": self.search,
        }
        handlers: Any = {HTTPException: _refused}
        return Starlette(routes=routes(works), lifespan=lifespan, exception_handlers=handlers)

    def health(self, asked: Asked) -> Any:
        """Tell that the service answers; it says nothing of what is in the indexes."""
        return {"status": "ok", "version": __version__}

    def metrics(self, asked: Asked) -> Response:
        """Return the figures of all workers."""
        text, media_type = self._figures.text()
        return Response(text, headers={"content-type": media_type, "cache-control": "no-store"})

    def indexes(self, asked: Asked) -> Any:
        """Return what is served."""
        told = []
        for name, live in self._indexes.items():
            live.follow()
            with live.using() as searcher:
                manifest = searcher.index.manifest
                told.append(
                    {
                        "index": name,
                        "rows": len(searcher.index),
                        "dimension": manifest.dimension,
                        "engine": manifest.engine,
                        "locates": searcher.index.location_files is not None,
                        "calibrated": calibration_of(searcher.index.settings) is not None,
                    }
                )
        return {"indexes": told}

    def search(self, asked: Asked) -> Response:
        """Answer a search, and count it by how it ended."""
        started, name = time.perf_counter(), ""
        try:
            wanted = search_request(asked)
            name = self._name(wanted.index)
            response = answer(self._search(name, wanted))
        except UsageError as error:
            response = answer({"error": in_its_words(str(error))}, 400)
        except Exception as error:
            response = explain(error)
        self._figures.searched(name, response.status_code, time.perf_counter() - started)
        return response

    def _name(self, name: str | None) -> str:
        if name is None:
            return next(iter(self._indexes))
        if name not in self._indexes:
            raise Refused(404, f"no index {name!r:.80}; there are {', '.join(self._indexes)}")
        return name

    def _search(self, name: str, wanted: SearchRequest) -> Any:
        query = self._query(wanted)
        if query is None and not wanted.like:
            raise Refused(400, "send a photo, or name an image, an item or something to like")
        live, report = self._indexes[name], Report()
        live.follow()
        pixels = pixels_of(query.data) if isinstance(query, Region) and query.data else 0
        with TURNS.turn(pixels), live.using() as searcher:
            if wanted.min_probability is not None and not calibration_of(searcher.index.settings):
                raise Refused(
                    400,
                    f"min_probability: {name} does not know what its similarities mean, until "
                    f"tv eval search --calibrate tells it",
                )
            found = searcher.search(
                None if query is None else [query],
                _settings_of(wanted),
                report,
                likes=[_example("like", text, searcher) for text in wanted.like],
                unlikes=[_example("unlike", text, searcher) for text in wanted.unlike],
            )
            first = next(found, None)
            if first is None:
                raise Refused(422, report.skipped[0].reason)
            return {"index": name, "hits": [_hit(hit, searcher) for hit in first[1]]}

    def _query(self, wanted: SearchRequest) -> AskedFor | None:
        """Return what to search with: an upload, a photo of the storage, or an item by its name."""
        ways = (wanted.item, wanted.image, wanted.data)
        if sum(way is not None for way in ways) > 1:
            raise Refused(400, "search with one of: a photo, an image, an item")
        data = wanted.data
        if wanted.image is not None:
            data = read_photo(stored(self._settings.storages, wanted.image))
        if data is not None:
            return Region("the photo sent", crop=wanted.box, box=wanted.box, data=data)
        if wanted.box is not None:
            raise Refused(400, "box: goes with a photo or an image")
        return wanted.item


def _settings_of(wanted: SearchRequest) -> SearchSettings:
    """Return how to search; where a box is given, it says where the object is."""
    return SearchSettings(
        k=wanted.k,
        min_score=wanted.min_similarity,
        min_probability=wanted.min_probability,
        locate=False if wanted.box else wanted.locate,
        where=wanted.where,
        distinct=wanted.distinct,
        neighbours=asked_neighbours(wanted.query_expansion, k_reciprocal=wanted.k_reciprocal),
    )


def _example(name: str, text: str, searcher: Searcher) -> Example:
    known, weight = parse_example(name, text, lambda item: bool(len(searcher.index.find(item))))
    return Example(known, weight)


def _hit(hit: Hit, searcher: Searcher) -> dict[str, Any]:
    """Return a hit as `tv search` writes it, its photos named as the index has them."""
    names = searcher.index.images
    record = hit.as_record() | {"image": names[hit.row]}
    if hit.same_rows:
        record["same_content"] = [names[row] for row in hit.same_rows]
    return {name: value for name, value in record.items() if name != "query"}


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    reason = "no such address" if status == 404 else "not a method of this address"
    return answer({"error": reason}, status)


def check_settings(settings: ServiceSettings, report: Report) -> Sequence[str]:
    """Open the indexes once, before there are workers; return the names that requests use.

    The report is told of indexes of an older mini.

    Raises:
        BadInput, Mismatch: as `make_service` does.
    """
    service = _Service(settings)
    with service._stack:
        for live in service._indexes.values():
            with live.using() as searcher:
                note_older(searcher.index, report)
        return list(service._indexes)
