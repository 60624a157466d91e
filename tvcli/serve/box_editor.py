"""The box editor's HTTP interface: photos in pages, and the boxes of each."""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from starlette.applications import Starlette

from tvcli.core.files.paths import shown_path
from tvcli.core.images.photo import BadImage
from tvcli.serve.answers import Asked, Refused, whole
from tvcli.serve.box_file import BoxFile
from tvcli.serve.collection import Collection
from tvcli.serve.files import application
from tvcli.serve.pictures import picture_route
from tvcli.serve.proposals import Proposals
from tvcli.serve.readable import Readable
from tvcli.serve.thumbnails import Thumbnails

FILTERS = ("all", "boxed", "unboxed", "empty")
ORDERS = ("name", "uncertain")
MOST_TILES = 60  # photos of a sheet


class BoxEditor:
    """What the box editor's page can ask for."""

    def __init__(self, collection: Collection, file: BoxFile, proposals: Proposals | None) -> None:
        self._collection, self._file, self._proposals = collection, file, proposals
        self._thumbnails = Thumbnails()
        self._readable = Readable(collection, self._thumbnails)

    def about(self, asked: Asked) -> dict[str, Any]:
        """Return the progress, the labels in use, where one stopped, what became of the file.

        With `photo`, a list of places, their `versions` too: another one than a page has means that
        the photo was changed.
        """
        proposed = self._proposals.count() if self._proposals else None
        last, label = self._file.last()
        return {
            "file": self._file.file.path.name,
            "changed": self._file.file.is_changed(),
            "gone": self._file.file.is_gone(),
            "labels": self._file.labels(),
            "last": {"place": last, "label": label},
            "proposed": proposed,
            "learns": bool(self._proposals and self._proposals.learns),
            "versions": {place: self._file.version(place) for place in self._asked_for(asked)},
            **self._progress(),
        }

    def photos(self, asked: Asked) -> dict[str, Any]:
        """Return a page of photos, in an order, filtered by boxes and by a text in the name."""
        offset = asked.number("offset", 0, 0, 10**9)
        limit = asked.number("limit", 60, 1, 500)
        places = self._places(asked)
        shown = [self._listed(place) for place in places[offset : offset + limit]]
        return {"total": len(places), "offset": offset, "photos": shown, **self._progress()}

    def sheet(self, asked: Asked) -> dict[str, Any]:
        """Return the first photos `after` one that were not looked at and can be shown."""
        after = asked.number("after", -1, -1, len(self._collection) - 1)
        limit = asked.number("limit", 12, 1, MOST_TILES)
        order = self._ordered(asked)
        keep = self._keeper(asked, "unboxed")
        rest = order[order.index(after) + 1 if after >= 0 else 0 :]
        shown = (place for place in rest if keep(place) and self._can_be_shown(place))
        return {"photos": [self._listed(place) for place in islice(shown, limit)]}

    def _can_be_shown(self, place: int) -> bool:
        try:
            self._readable.size(place)
        except (BadImage, Refused):
            return False
        return True

    def next(self, asked: Asked) -> dict[str, Any]:
        """Return the photo after (or with `step=-1` before) another one; None: there is none.

        `extended`: the order goes on, with photos that were looked at meanwhile.
        """
        place = asked.number("from", -1, -1, len(self._collection) - 1)
        step = asked.number("step", 1, -1, 1)
        by_doubt = self._proposals and asked.query.get("order", "name") != "name"
        extended = bool(self._proposals and by_doubt and step > 0 and self._proposals.extend(place))
        order = self._ordered(asked)
        start = order.index(place) + step if place >= 0 else 0
        keep = self._keeper(asked)
        rest = order[start:] if step >= 0 else order[max(start, -1) :: -1] if start >= 0 else []
        listed = next((other for other in rest if keep(other)), None)
        return {"place": listed, "extended": extended}

    def place(self, asked: Asked) -> dict[str, Any]:
        """Return where a photo (`of`, or `name`) is in the list of `photos`; None: nowhere."""
        of, places = asked.number("of", 0, 0, 10**9), self._places(asked)
        if (name := asked.query.get("name")) is not None:
            found = (p for p in range(len(self._collection)) if self._name(p) == name)
            of = next(found, -1)
        return {"place": of if of >= 0 else None, "at": places.index(of) if of in places else None}

    def photo(self, asked: Asked) -> dict[str, Any]:
        """Return a photo with its boxes and what is proposed; or why it cannot be read."""
        place = asked.path["place"]
        if not 0 <= place < len(self._collection):
            raise Refused(404, f"no photo {place}")
        self._file.refresh()
        shown = self._listed(place) | {"version": self._file.version(place)}
        try:
            width, height = self._readable.size(place)
        except (BadImage, Refused) as error:
            return shown | {"unreadable": str(error), "boxed": [], "proposals": []}
        boxes = self._file.boxes(place)
        size = {"width": width, "height": height}
        return shown | size | {"boxed": boxes, "proposals": self._proposed(place)}

    def _proposed(self, place: int) -> list[dict[str, Any]]:
        if self._proposals is None:
            return []
        done = self._file.count(place) or self._file.is_empty(place)
        return self._proposals.left(place) if done else self._proposals.of(place)

    def put(self, asked: Asked) -> dict[str, Any]:
        """Replace the boxes of a photo, and save; `proposals` are those that are left.

        `empty`: it was looked at and shows no object. `name`, if given, must be the photo's.
        """
        place, wanted = asked.path["place"], asked.json
        boxes, left = wanted.get("boxes"), wanted.get("proposals")
        if not isinstance(boxes, list) or not isinstance(left, list | None):
            raise Refused(400, '"boxes" must be a list')
        if wanted.get("name") not in (None, self._name(place)):
            raise Refused(409, "the photos are not those that this page was opened with")
        self._readable.size(place)  # what nobody has seen takes no boxes
        empty = wanted.get("empty") is True
        version = self._file.put(place, str(wanted.get("version")), boxes, empty=empty)
        if self._proposals:
            if left is not None:
                self._proposals.put(place, left)
            self._proposals.saved(place)
        return {"version": version, **self._progress()}

    def reload(self, asked: Asked) -> dict[str, Any]:
        """Read the file again, after another program changed it."""
        self._file.reload()
        return self._progress()

    def restore(self, asked: Asked) -> dict[str, Any]:
        """Write the file again as it was, after another program removed it."""
        self._file.file.restore()
        return self._progress()

    def _progress(self) -> dict[str, Any]:
        places = range(len(self._collection))
        boxed = sum(1 for place in places if self._file.count(place))
        empty = sum(1 for place in places if self._file.is_empty(place))
        unreadable = self._readable.unreadable()
        done = {"done": boxed + empty, "empty": empty, "unreadable": unreadable}
        quality = self._proposals.quality() if self._proposals else None
        learning = self._proposals.learning() if self._proposals else None
        return {"count": len(places), **done, "quality": quality, "learning": learning}

    def _listed(self, place: int) -> dict[str, Any]:
        listed: dict[str, Any] = {"place": place, "name": self._name(place)}
        listed["image"] = shown_path(self._collection.root, self._collection.names[place])
        return listed | {"boxes": self._file.count(place), "empty": self._file.is_empty(place)}

    def _asked_for(self, asked: Asked) -> list[int]:
        """Return the places that `photo` lists."""
        listed = filter(None, asked.query.get("photo", "").split(","))
        return [whole(text, "photo", 0, len(self._collection) - 1) for text in listed]

    def _name(self, place: int) -> str:
        if not 0 <= place < len(self._collection):
            raise Refused(404, f"no photo {place}")
        return self._collection.names[place].encode("utf-8", "replace").decode()

    def _places(self, asked: Asked) -> list[int]:
        keep = self._keeper(asked)
        return [place for place in self._ordered(asked) if keep(place)]

    def _ordered(self, asked: Asked) -> Sequence[int]:
        order = asked.query.get("order", "name")
        if order not in ORDERS:
            raise Refused(400, f"order is one of {', '.join(ORDERS)}")
        if self._proposals and order != "name":
            return self._proposals.order(fresh=asked.query.get("fresh") == "1")
        return range(len(self._collection))

    def _keeper(self, asked: Asked, filter: str | None = None) -> Callable[[int], bool]:
        filter = filter or asked.query.get("filter", "all")
        text = asked.query.get("text", "").lower()
        if filter not in FILTERS:
            raise Refused(400, f"filter is one of {', '.join(FILTERS)}")

        def keep(place: int) -> bool:
            if text and text not in self._collection.names[place].lower():
                return False
            return filter == "all" or filter == self._kind(place)

        return keep

    def _kind(self, place: int) -> str:
        if self._file.count(place):
            return "boxed"
        return "empty" if self._file.is_empty(place) else "unboxed"

    def app(self) -> Starlette:
        """Return the application that answers all this."""
        works = {
            "GET /api/about": self.about,
            "GET /api/photos": self.photos,
            "GET /api/sheet": self.sheet,
            "GET /api/next": self.next,
            "GET /api/place": self.place,
            "GET /api/photos/{place:int}": self.photo,
            "PUT /api/photos/{place:int}/boxes": self.put,
            "POST /api/reload": self.reload,
            "POST /api/restore": self.restore,
        }
        pictures = picture_route(lambda request: self._collection, self._thumbnails)
        return application("boxes.html", pictures, works)
