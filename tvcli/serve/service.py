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
from starlette.routing import Route
from starlette.types import ASGIApp

from tvcli import __version__
from tvcli.core.errors import BadInput
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.records import Region
from tvcli.core.images.photo import read_photo
from tvcli.core.reports import Report
from tvcli.core.searching.hits import Hit
from tvcli.core.searching.live_searcher import LiveSearcher
from tvcli.core.searching.neighbours import asked_neighbours
from tvcli.core.searching.searcher import Asked as AskedFor
from tvcli.core.searching.searcher import Searcher, SearchSettings
from tvcli.serve.answers import Asked, Refused, answer, answering, box_from, explain, whole
from tvcli.serve.service_description import SEARCH, description
from tvcli.serve.service_gate import ServiceGate
from tvcli.serve.service_metrics import Figures
from tvcli.serve.storage import Storage, stored
from tvcli.serve.turns import TURNS, pixels_of

MOST_HITS = 1000
MOST_EXAMPLES = 100  # items liked or not
MOST_CONDITIONS = 20
MOST_NEIGHBOURS = 100  # that a query is drawn to
MOST_REORDERED = 500  # hits: a tenth of a second
KNOWN = frozenset(SEARCH)
JSON = "application/json"


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

        routes = [
            Route("/health", answering(self.health)),
            Route("/metrics", answering(self.metrics)),
            Route("/openapi.json", answering(lambda asked: description(__version__))),
            Route("/v1/indexes", answering(self.indexes)),
            Route("/v1/search", answering(self.search), methods=["POST"]),
        ]
        handlers: Any = {HTTPException: _refused}
        return Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)

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
                    }
                )
        return {"indexes": told}

    def search(self, asked: Asked) -> Response:
        """Answer a search, and count it by how it ended."""
        started, name = time.perf_counter(), ""
        try:
            wanted, data = _wanted(asked)
            name = self._name(wanted.get("index"))
            response = answer(self._search(name, wanted, data))
        except Exception as error:
            response = explain(error)
        self._figures.searched(name, response.status_code, time.perf_counter() - started)
        return response

    def _name(self, name: Any) -> str:
        if name is None:
            return next(iter(self._indexes))
        if not isinstance(name, str) or name not in self._indexes:
            raise Refused(404, f"no index {name!r:.80}; there are {', '.join(self._indexes)}")
        return name

    def _search(self, name: str, wanted: dict[str, Any], data: bytes | None) -> Any:
        settings = _settings_of(wanted)
        query = self._query(wanted, data)
        likes, unlikes = (_names(wanted, key, MOST_EXAMPLES) for key in ("like", "unlike"))
        if query is None and not likes:
            raise Refused(400, "send a photo, or name an image, an item or something to like")
        live, report = self._indexes[name], Report()
        live.follow()
        pixels = pixels_of(query.data) if isinstance(query, Region) and query.data else 0
        with TURNS.turn(pixels), live.using() as searcher:
            found = searcher.search(
                None if query is None else [query],
                settings,
                report,
                likes=likes,
                unlikes=unlikes,
            )
            first = next(found, None)
            if first is None:
                raise Refused(422, report.skipped[0].reason)
            return {"index": name, "hits": [_hit(hit, searcher) for hit in first[1]]}

    def _query(self, wanted: dict[str, Any], data: bytes | None) -> AskedFor | None:
        """Return what to search with: an upload, a photo of the storage, or an item by its name."""
        ways = [way for way in ("item", "image") if wanted.get(way) is not None]
        if len(ways) + (data is not None) > 1:
            raise Refused(400, "search with one of: a photo, an image, an item")
        box = box_from(wanted.get("box"))
        if wanted.get("image") is not None:
            data = read_photo(stored(self._settings.storages, _text(wanted, "image")))
        if data is not None:
            return Region("the photo sent", crop=box, data=data)
        if box is not None:
            raise Refused(400, "box: goes with a photo or an image")
        return _text(wanted, "item") if ways else None


def _wanted(asked: Asked) -> tuple[dict[str, Any], bytes | None]:
    """Return what a request wants, and the photo that it brings, if it is no JSON."""
    if asked.content_type == JSON:
        wanted = asked.json
        data = None
    else:
        wanted = dict(asked.query) | {"where": asked.query.getlist("where")}
        wanted |= {name: asked.query.getlist(name) for name in ("like", "unlike")}
        data = asked.data or None
    unknown = sorted(wanted.keys() - KNOWN)
    if unknown:
        raise Refused(400, f"{unknown[0]:.80}: unknown; known are {', '.join(sorted(KNOWN))}")
    return wanted, data


def _settings_of(wanted: dict[str, Any]) -> SearchSettings:
    try:
        least = None if wanted.get("min_similarity") is None else float(wanted["min_similarity"])
    except (TypeError, ValueError):
        raise Refused(400, "min_similarity must be a number") from None
    if least is not None and not -1 <= least <= 1:
        raise Refused(400, "min_similarity must be -1 to 1")
    locate = wanted.get("locate")
    if locate not in (None, True, False, "true", "false"):
        raise Refused(400, "locate must be true or false")
    if wanted.get("box") not in (None, ""):
        locate = False  # the box says where the object is
    return SearchSettings(
        k=whole(wanted.get("k", 10), "k", 1, MOST_HITS),
        min_score=least,
        locate=None if locate in (None, True, "true") else False,
        where=_names(wanted, "where", MOST_CONDITIONS),
        neighbours=asked_neighbours(
            _number(wanted, "query_expansion", MOST_NEIGHBOURS),
            k_reciprocal=_number(wanted, "k_reciprocal", MOST_REORDERED),
        ),
    )


def _number(wanted: dict[str, Any], name: str, most: int) -> int | None:
    return None if wanted.get(name) is None else whole(wanted[name], name, 1, most)


def _text(wanted: dict[str, Any], name: str) -> str:
    if not isinstance(wanted[name], str):
        raise Refused(400, f"{name} must be a text")
    return str(wanted[name])


def _names(wanted: dict[str, Any], name: str, most: int) -> list[str]:
    value = wanted.get(name) or []
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise Refused(400, f"{name} must be a list of texts")
    if len(names) > most:
        raise Refused(400, f"{name}: at most {most}")
    return names


def _hit(hit: Hit, searcher: Searcher) -> dict[str, Any]:
    """Return a hit as `tv search` writes it, its photo named as the index has it."""
    record = hit.as_record() | {"image": searcher.index.images[hit.row]}
    return {name: value for name, value in record.items() if name != "query"}


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    reason = "no such address" if status == 404 else "not a method of this address"
    return answer({"error": reason}, status)


def check_settings(settings: ServiceSettings) -> Sequence[str]:
    """Open the indexes once, before there are workers; return the names that requests use.

    Raises:
        BadInput, Mismatch: as `make_service` does.
    """
    service = _Service(settings)
    with service._stack:
        return list(service._indexes)
