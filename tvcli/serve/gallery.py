"""The gallery's HTTP interface: browse an index, search it, keep what was said of hits."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tvcli.core.images.photo import photo_size
from tvcli.core.indexes.previous import previous_of
from tvcli.core.ranking.calibration import calibration_of
from tvcli.core.searching.examples import MOST_WEIGHT
from tvcli.core.searching.hits import Hit, SearchSettings, narrowed
from tvcli.serve.answers import Asked, Refused, box_from, whole
from tvcli.serve.archive import archive
from tvcli.serve.clicks import ClickFile
from tvcli.serve.collection import Collection
from tvcli.serve.compared import Compared
from tvcli.serve.facets import conditions
from tvcli.serve.files import application
from tvcli.serve.finder import Finder, Found, GalleryQuery
from tvcli.serve.learning import Learner
from tvcli.serve.pictures import picture_route
from tvcli.serve.shown import shown_hits, shown_photo, shown_rows
from tvcli.serve.thumbnails import Thumbnails
from tvcli.serve.uploads import Uploads

MOST_HITS = 1000
MOST_NAMED = 1000  # items that are asked for by name at a time
PAGE = 60
GROWTH = 8  # times as many hits are looked at where a text leaves too few of them
LISTS = ("like", "unlike", "label", "folder")  # of a search: each may be there several times


class Gallery:
    """What the gallery's page can ask for; `finders` are the indexes to compare."""

    def __init__(self, finders: Sequence[Finder], clicks: ClickFile, learner: Learner) -> None:
        self._indexes, self._clicks, self._uploads = Compared(finders), clicks, Uploads()
        self._learner = learner

    def about(self, asked: Asked) -> dict[str, Any]:
        """Return the indexes that are open, and where clicks are saved."""
        indexes = [
            {
                "name": finder.index.path.name,
                "rows": len(finder.index),
                "calibrated": calibration_of(finder.index.settings) is not None,
            }
            for finder in self._indexes
        ]
        return {"indexes": indexes, "clicks": self._clicks.path.name, "said": len(self._clicks)}

    def items(self, asked: Asked) -> dict[str, Any]:
        """Return a page of rows: those that `text`, `label` and `folder` leave, in an order."""
        finder = self._indexes.at(asked.query.get("index", 0))
        offset = asked.number("offset", 0, 0, 10**9)
        limit = asked.number("limit", PAGE, 1, 500)
        rows = finder.facets.rows(*_filters(asked))
        rows = finder.facets.in_order(rows, asked.query.get("sort", ""))
        shown = shown_rows(finder, list(rows[offset : offset + limit]))
        return {"total": len(rows), "offset": offset, "items": shown}

    def map(self, asked: Asked) -> dict[str, Any]:
        """Return where all photos lie on a map (`layout`), or that this is being computed."""
        finder = self._indexes.at(asked.query.get("index", 0))
        return finder.maps.ask(asked.query.get("layout") or "pca", asked.query.get("known", ""))

    def rows(self, asked: Asked) -> dict[str, Any]:
        """Return the rows that `text`, `label` and `folder` leave."""
        finder = self._indexes.at(asked.query.get("index", 0))
        return {"rows": list(finder.facets.rows(*_filters(asked)))}

    def facets(self, asked: Asked) -> dict[str, Any]:
        """Return the labels and folders that photos can be filtered by, with counts."""
        finder = self._indexes.at(asked.query.get("index", 0))
        return finder.facets.counts(*_filters(asked))

    def items_named(self, asked: Asked) -> dict[str, Any]:
        """Return some items of the first index by their keys (`items`)."""
        return {"items": shown_rows(self._indexes.first, self._named(asked))}

    def zip(self, asked: Asked) -> Response:
        """Return the photos of some items of the first index (`items`) as a zip archive."""
        headers = {"content-disposition": "attachment; filename=photos.zip"}
        parts = archive(self._indexes.first.collection, self._named(asked))
        return StreamingResponse(parts, media_type="application/zip", headers=headers)

    def _named(self, asked: Asked) -> list[int]:
        rows = self._indexes.rows(self._indexes.first, asked.json.get("items"), "items")
        if len(rows) > MOST_NAMED:
            raise Refused(413, f"{len(rows)} items: at most {MOST_NAMED} at a time")
        return rows

    def item(self, asked: Asked) -> dict[str, Any]:
        """Return one item by its `key`, with the photo's size."""
        finder = self._indexes.at(asked.query.get("index", 0))
        return shown_photo(finder, finder.row_of(asked.query.get("key", "")))

    def add_file(self, asked: Asked) -> dict[str, Any]:
        """Keep an uploaded photo for searching; return its name and size."""
        return self._shown_file(self._uploads.add(asked.data))

    def file(self, asked: Asked) -> dict[str, Any]:
        """Return the size of an uploaded photo."""
        return self._shown_file(asked.path["name"])

    def file_picture(self, asked: Asked) -> Response:
        """Return an uploaded photo, upright, as a JPEG."""
        data = self._uploads.picture(asked.path["name"])
        return Response(data, media_type="image/jpeg")

    def search(self, asked: Asked) -> dict[str, Any]:
        """Return the hits of a search: JSON, or a photo as the body with the rest as a query."""
        is_json = asked.content_type in ("application/json", "text/plain", "")
        wanted = asked.json if is_json else _wanted_by_query(asked)
        finder = self._asked_of(wanted)
        gallery_query = self._wish(finder, wanted, None if is_json else asked.data)
        others = wanted.get("without_query") in (True, "true", "1")
        find = _without_query if others else Finder.find
        if text := str(wanted.get("text") or "").strip().lower():
            located, hits = _with_text(finder, gallery_query, text, find)
        else:
            located, hits = find(finder, gallery_query)
        shown = [self._indexes.keyed(finder, hit) for hit in shown_hits(finder, hits)]
        return {"hits": shown} | ({"located": list(located)} if located else {})

    def explain(self, asked: Asked) -> Response:
        """Return why the row `row` is a hit of a search, as a PNG: see `tv search --explain`."""
        wanted = asked.json
        finder = self._asked_of(wanted)
        row = whole(wanted.get("row"), "row", 0, len(finder.index) - 1)
        buffer = BytesIO()
        finder.explain(self._wish(finder, wanted, None), row).save(buffer, "PNG")
        return Response(
            buffer.getvalue(), headers={"cache-control": "no-store"}, media_type="image/png"
        )

    def save_clicks(self, asked: Asked) -> dict[str, Any]:
        """Add what was said of hits to the file of clicks; return how many records it has."""
        wanted, finder = asked.json, self._indexes.first
        item = wanted.get("item")
        row = None if item is None else finder.row_of(item)
        likes, unlikes = self._examples(finder, wanted)
        gone = self._indexes.rows(finder, wanted.get("taken_back", []), "taken_back")
        box = box_from(wanted.get("box"))
        added = self._clicks.add(finder, row, box, likes, unlikes, gone)
        return {"added": added, "total": len(self._clicks), "file": self._clicks.path.name}

    def learn(self, asked: Asked) -> dict[str, Any]:
        """Begin to learn from the file of clicks."""
        return self._learner.start(self._indexes.first, self._clicks.path)

    def learning(self, asked: Asked) -> dict[str, Any]:
        """Return how far learning is, and once it is ready how it does on held-out clicks."""
        return self._learner.state

    def keep(self, asked: Asked) -> dict[str, Any]:
        """Keep what was learned in the index, and as a head beside it."""
        finder, file = self._learner.keep(self._indexes.first, self._clicks.path)
        self._indexes.replace_first(finder)
        return {"state": "kept", "file": file.name, "before": previous_of(finder.index.path).name}

    def undo(self, asked: Asked) -> dict[str, Any]:
        """Put back the index as it was before what was kept last."""
        self._indexes.replace_first(self._learner.undo(self._indexes.first))
        return {"state": "undone"}

    def discard(self, asked: Asked) -> dict[str, Any]:
        """Forget what was learned."""
        return self._learner.discard()

    def _wish(self, finder: Finder, wanted: dict[str, Any], data: bytes | None) -> GalleryQuery:
        row, box = None, box_from(wanted.get("box"))
        if data is None and wanted.get("file"):
            data = self._uploads.get(wanted["file"])
        if data is None and wanted.get("item") is not None:
            row, data = self._indexes.item(finder, wanted["item"])
        likes, unlikes = self._examples(finder, wanted)
        settings = SearchSettings(
            k=whole(wanted.get("k", 10), "k", 1, MOST_HITS),
            min_score=_number(wanted.get("min_score"), "min_score"),
            min_probability=_number(wanted.get("min_probability"), "min_probability"),
            locate=False if wanted.get("locate") in (False, "false", "0") else None,
            where=conditions(*(_texts(wanted.get(name), name) for name in ("label", "folder"))),
            distinct=wanted.get("distinct") in (True, "true", "1"),
        )
        weights = self._weights(finder, wanted.get("weights"))
        return GalleryQuery(row, data, box, likes, unlikes, weights, settings)

    def _weights(self, finder: Finder, value: object) -> dict[int, float]:
        """Return the weights of rows, of an object of them by item; raises Refused (400)."""
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(map(_is_weight, value.values())):
            raise Refused(400, f"weights must be numbers above 0, at most {MOST_WEIGHT}, by item")
        weights = ((self._indexes.rows(finder, [k], "weights"), w) for k, w in value.items())
        return {row: float(weight) for rows, weight in weights for row in rows}

    def _examples(self, finder: Finder, wanted: dict[str, Any]) -> tuple[list[int], list[int]]:
        """Return the rows of what is liked, and of what is not."""
        likes, unlikes = (wanted.get(name, []) for name in ("like", "unlike"))
        return (
            self._indexes.rows(finder, likes, "like"),
            self._indexes.rows(finder, unlikes, "unlike"),
        )

    def _asked_of(self, wanted: dict[str, Any]) -> Finder:
        """Return what answers a search: one of the indexes, or what was learned."""
        finder = self._indexes.at(wanted.get("index", 0))
        return self._learner.finder if wanted.get("learned") else finder

    def _shown_file(self, name: str) -> dict[str, Any]:
        width, height = photo_size(self._uploads.get(name))
        return {"file": name, "width": width, "height": height}

    def app(self) -> Starlette:
        """Return the application that answers all this."""
        works = {
            "GET /api/about": self.about,
            "GET /api/items": self.items,
            "POST /api/items": self.items_named,
            "POST /api/zip": self.zip,
            "GET /api/map": self.map,
            "GET /api/rows": self.rows,
            "GET /api/facets": self.facets,
            "GET /api/item": self.item,
            "POST /api/search": self.search,
            "POST /api/explain": self.explain,
            "POST /api/files": self.add_file,
            "GET /api/files/{name}": self.file,
            "GET /api/files/{name}/picture": self.file_picture,
            "POST /api/clicks": self.save_clicks,
            "GET /api/learn": self.learning,
            "POST /api/learn": self.learn,
            "POST /api/learn/keep": self.keep,
            "POST /api/learn/undo": self.undo,
            "POST /api/learn/discard": self.discard,
        }

        def collection(request: Request) -> Collection:
            return self._indexes.at(request.query_params.get("index", 0)).collection

        return application("gallery.html", picture_route(collection, Thumbnails()), works)


def _is_weight(value: object) -> bool:
    return type(value) in (int, float) and 0 < value <= MOST_WEIGHT  # type: ignore[operator]


def _without_query(finder: Finder, asked: GalleryQuery) -> Found:
    """Return what a search finds besides the row that it searches with."""
    k = asked.settings.k
    located, hits = finder.find(asked.asking(k + 1))
    return located, _kept(finder, hits, lambda row: row != asked.row)[:k]


def _with_text(
    finder: Finder, asked: GalleryQuery, text: str, find: Callable[[Finder, GalleryQuery], Found]
) -> Found:
    """Return the hits whose name or label holds a text: more and more are looked at for them."""
    rows, wanted = set(finder.facets.rows(text)), asked.settings.k
    k = wanted
    while True:
        located, hits = find(finder, asked.asking(k))
        kept = _kept(finder, hits, rows.__contains__)[:wanted]
        if len(kept) == min(wanted, len(rows)) or len(hits) < k:
            return located, kept
        k *= GROWTH


def _kept(finder: Finder, hits: list[Hit], keeps: Callable[[int], bool]) -> list[Hit]:
    """Return hits where only some rows count, ranked anew."""
    kept = filter(None, (narrowed(finder.index, hit, keeps) for hit in hits))
    return [replace(hit, rank=rank) for rank, hit in enumerate(kept, 1)]


def _wanted_by_query(asked: Asked) -> dict[str, Any]:
    wanted: dict[str, Any] = dict(asked.query)
    return wanted | {name: asked.query.getlist(name) for name in LISTS}


def _filters(asked: Asked) -> tuple[str, list[str], list[str]]:
    text = asked.query.get("text", "").strip().lower()
    return text, asked.query.getlist("label"), asked.query.getlist("folder")


def _texts(value: object, name: str) -> list[str]:
    """Return a list of texts; raises Refused (400) for anything else."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
        raise Refused(400, f"{name} must be a list of texts")
    return value


def _number(value: object, name: str) -> float | None:
    """Return a number, None where there is none; raises Refused (400) for anything else."""
    if value in (None, ""):
        return None
    try:
        score = float(str(value))
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise Refused(400, f"{name} must be a number")
    return score
