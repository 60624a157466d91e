"""The similarity editor's HTTP interface: a reference, its neighbours, and the triplets chosen."""

from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from tvcli.core.files.paths import absolute_path
from tvcli.core.ranking.triplets import ROLES
from tvcli.serve.answers import Asked, Refused
from tvcli.serve.clicks import item_record
from tvcli.serve.files import application
from tvcli.serve.finder import Finder, GalleryQuery
from tvcli.serve.pictures import picture_route
from tvcli.serve.record_file import RecordFile
from tvcli.serve.references import Order, references
from tvcli.serve.shown import shown_hits, shown_photo
from tvcli.serve.thumbnails import Thumbnails


class TripletEditor:
    """What the similarity editor's page can ask for."""

    def __init__(self, finder: Finder, output: Path, order: Order, seed: int) -> None:
        self._finder, self._file, self._order = finder, RecordFile(output), order
        self._added: list[tuple[int, dict[str, Any]]] = []  # what undo takes back: where, what
        self._references = references(finder.index, order, seed, self._asked_before())

    def about(self, asked: Asked) -> dict[str, Any]:
        """Return the names of index and file, the order, and how many triplets there are."""
        return {
            "index": self._finder.index.path.name,
            "file": self._file.path.name,
            "order": self._order,
            "changed": self._file.is_changed(),
            **self._counts(),
        }

    def reference(self, asked: Asked) -> dict[str, Any]:
        """Return the reference at a place in the order, and its nearest other photos."""
        at = asked.number("at", 0, 0, len(self._references) - 1)
        k = asked.number("k", 24, 2, 200)
        row = self._references[at]
        images = self._finder.index.images
        own = images.count(images[row])
        _, hits = self._finder.find(GalleryQuery(row).asking(k + own))
        others = [hit for hit in hits if images[hit.row] != images[row]][:k]
        shown = shown_hits(self._finder, others)
        return {
            "at": at,
            "total": len(self._references),
            "reference": shown_photo(self._finder, row),
            "neighbours": shown,
        }

    def add(self, asked: Asked) -> dict[str, Any]:
        """Add a triplet, and save; raises Refused (400) where two of the three are the same."""
        wanted = asked.json
        rows = [self._finder.row_of(wanted.get(role)) for role in ROLES]
        if len(set(rows)) < len(ROLES):
            raise Refused(400, "the three must be different")
        items = [item_record(self._finder, row, self._file.path) for row in rows]
        record = dict(zip(ROLES, items, strict=True))
        with self._file.lock:
            self._file.save([*self._file.records, record])
            self._added.append((int(wanted.get("at") or 0), record))
        return self._counts()

    def undo(self, asked: Asked) -> dict[str, Any]:
        """Take the triplet back that was added last; return where its reference is."""
        with self._file.lock:
            if not self._added:
                raise Refused(409, "nothing to undo")
            at, record = self._added[-1]
            kept = list(self._file.records)
            if record in kept:
                del kept[len(kept) - 1 - kept[::-1].index(record)]
            self._file.save(kept)
            self._added.pop()
        return {"at": at, **self._counts()}

    def reload(self, asked: Asked) -> dict[str, Any]:
        """Read the file again, after another program changed it."""
        self._file.load()
        self._added.clear()
        return self._counts()

    def _counts(self) -> dict[str, int]:
        triplets = sum("anchor" in record for record in self._file.records)
        return {"triplets": triplets, "undoable": len(self._added), "rows": len(self._references)}

    def _asked_before(self) -> set[int]:
        folder = self._file.path.absolute().parent
        anchors = [record["anchor"] for record in self._file.records if "anchor" in record]
        names = [str(a["image"] if isinstance(a, dict) else a) for a in anchors]
        rows = (self._finder.row_at(absolute_path(folder / name)) for name in names)
        return {row for row in rows if row is not None}

    def app(self) -> Starlette:
        """Return the application that answers all this."""
        works = {
            "GET /api/about": self.about,
            "GET /api/reference": self.reference,
            "POST /api/triplets": self.add,
            "POST /api/undo": self.undo,
            "POST /api/reload": self.reload,
        }
        pictures = picture_route(lambda request: self._finder.collection, Thumbnails())
        return application("triplets.html", pictures, works)
