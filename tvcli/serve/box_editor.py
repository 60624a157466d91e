"""The box editor's HTTP interface: photos in pages, and the boxes of each."""

from collections.abc import Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from tvcli.core.images.photo import BadImage
from tvcli.serve.answers import Asked, Refused, answering
from tvcli.serve.box_file import BoxFile
from tvcli.serve.collection import Collection
from tvcli.serve.files import application
from tvcli.serve.pictures import picture_route
from tvcli.serve.proposals import Proposals
from tvcli.serve.thumbnails import Thumbnails

FILTERS = ("all", "boxed", "unboxed")
ORDERS = ("name", "uncertain")


class BoxEditor:
    """What the box editor's page can ask for."""

    def __init__(self, collection: Collection, file: BoxFile, proposals: Proposals | None) -> None:
        self._collection, self._file, self._proposals = collection, file, proposals

    def about(self, asked: Asked) -> dict[str, Any]:
        """Return the progress, the labels in use, and whether another program changed the file."""
        proposed = self._proposals.count() if self._proposals else None
        return {
            "file": self._file.file.path.name,
            "changed": self._file.file.is_changed(),
            "labels": self._file.labels(),
            "proposed": proposed,
            **self._progress(),
        }

    def photos(self, asked: Asked) -> dict[str, Any]:
        """Return a page of photos, in an order, filtered by boxes and by a text in the name."""
        offset = asked.number("offset", 0, 0, 10**9)
        limit = asked.number("limit", 60, 1, 500)
        places = self._places(asked)
        shown = [self._listed(place) for place in places[offset : offset + limit]]
        return {"total": len(places), "offset": offset, "photos": shown, **self._progress()}

    def next(self, asked: Asked) -> dict[str, Any]:
        """Return the photo after (or with `step=-1` before) another one, and where it is listed."""
        place = asked.number("from", -1, -1, len(self._collection) - 1)
        step = asked.number("step", 1, -1, 1)
        order = self._ordered(asked)
        start = order.index(place) + step if place >= 0 else 0
        keep = self._keeper(asked)
        rest = order[start:] if step >= 0 else order[max(start, -1) :: -1] if start >= 0 else []
        listed = next((other for other in rest if keep(other)), None)
        return {"place": listed}

    def place(self, asked: Asked) -> dict[str, Any]:
        """Return where a photo is in the list that `photos` gives, None if it is not in it."""
        of, places = asked.number("of", 0, 0, 10**9), self._places(asked)
        return {"at": places.index(of) if of in places else None}

    def photo(self, asked: Asked) -> dict[str, Any]:
        """Return a photo with its boxes and what is proposed; or why it cannot be read."""
        place = asked.path["place"]
        if not 0 <= place < len(self._collection):
            raise Refused(404, f"no photo {place}")
        shown = self._listed(place) | {"version": self._file.version(place)}
        try:
            width, height = self._collection.size(place)
        except (BadImage, Refused) as error:
            return shown | {"unreadable": str(error), "boxed": [], "proposals": []}
        boxes = self._file.boxes(place)
        found = self._proposals.of(place) if self._proposals and not boxes else []
        return shown | {"width": width, "height": height, "boxed": boxes, "proposals": found}

    def put(self, asked: Asked) -> dict[str, Any]:
        """Replace the boxes of a photo, and save; `proposals` are those that are left."""
        place, wanted = asked.path["place"], asked.json
        boxes, left = wanted.get("boxes"), wanted.get("proposals")
        if not isinstance(boxes, list) or not isinstance(left, list | None):
            raise Refused(400, '"boxes" must be a list')
        version = self._file.put(place, str(wanted.get("version")), boxes)
        if self._proposals and left is not None:
            self._proposals.put(place, left)
        return {"version": version, **self._progress()}

    def reload(self, asked: Asked) -> dict[str, Any]:
        """Read the file again, after another program changed it."""
        self._file.reload()
        return self._progress()

    def _progress(self) -> dict[str, int]:
        done = sum(1 for place in range(len(self._collection)) if self._file.count(place))
        return {"count": len(self._collection), "done": done}

    def _listed(self, place: int) -> dict[str, Any]:
        name = self._collection.names[place]
        shown = name.encode("utf-8", "replace").decode()
        return {"place": place, "name": shown, "boxes": self._file.count(place)}

    def _places(self, asked: Asked) -> list[int]:
        keep = self._keeper(asked)
        return [place for place in self._ordered(asked) if keep(place)]

    def _ordered(self, asked: Asked) -> Sequence[int]:
        order = asked.query.get("order", "name")
        if order not in ORDERS:
            raise Refused(400, f"order is one of {', '.join(ORDERS)}")
        places = range(len(self._collection))
        return (
            self._proposals.order(list(places)) if self._proposals and order != "name" else places
        )

    def _keeper(self, asked: Asked) -> Any:
        filter, text = asked.query.get("filter", "all"), asked.query.get("text", "").lower()
        if filter not in FILTERS:
            raise Refused(400, f"filter is one of {', '.join(FILTERS)}")

        def keep(place: int) -> bool:
            if text and text not in self._collection.names[place].lower():
                return False
            return filter == "all" or (filter == "boxed") == bool(self._file.count(place))

        return keep

    def app(self, thumbnails: Thumbnails) -> Starlette:
        """Return the application that answers all this."""

        def collection(request: Request) -> Collection:
            return self._collection

        routes = [
            picture_route(collection, thumbnails),
            Route("/api/about", answering(self.about)),
            Route("/api/photos", answering(self.photos)),
            Route("/api/next", answering(self.next)),
            Route("/api/place", answering(self.place)),
            Route("/api/photos/{place:int}", answering(self.photo)),
            Route("/api/photos/{place:int}/boxes", answering(self.put), methods=["PUT"]),
            Route("/api/reload", answering(self.reload), methods=["POST"]),
        ]
        return application("boxes.html", routes)
