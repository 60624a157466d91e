"""One open index with its encoder, searched by many requests at once."""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from tvcli.core.boxes import Box
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.records import Region
from tvcli.core.files.sources import Source
from tvcli.core.images.photo import read_photo
from tvcli.core.indexes.index import Index
from tvcli.core.reports import Report
from tvcli.core.searching.hits import Hit, search
from tvcli.core.searching.queries import Queries, Query, Vector, refine
from tvcli.serve.answers import Refused
from tvcli.serve.collection import Collection
from tvcli.serve.folders import Folders
from tvcli.serve.turns import TURNS, pixels_of

if TYPE_CHECKING:  # it brings torch: loaded when first needed
    from PIL.Image import Image

    from tvcli.core.encoding.encoder import Encoder
    from tvcli.core.location.locate import Locator
    from tvcli.core.searching.explaining import Explainer


@dataclass(frozen=True, slots=True)
class GalleryQuery:
    """What to search with: a row or a file, whole or in a box, drawn to and away from rows."""

    row: int | None = None
    data: bytes | None = None
    box: Box | None = None
    likes: list[int] = field(default_factory=list)
    unlikes: list[int] = field(default_factory=list)
    k: int = 24
    min_score: float | None = None
    locate: bool = True


Found = tuple[Box | None, list[Hit]]


class Finder:
    """Answers searches as `tv search` does; the index stays open, the encoder is loaded once."""

    def __init__(
        self,
        index: Index,
        load_encoder: "Callable[[], Encoder] | None" = None,
        folders: Folders | None = None,
    ) -> None:
        self.index = index
        self.collection = Collection(index.root, index.images, folders)
        self._load = load_encoder or (lambda: _encoder_of(index))
        self._encoder: Encoder | None = None
        self._locator: Locator | None = None
        self._explainer: Explainer | None = None
        self._lock = threading.Lock()
        self._rows: dict[str, int] = {}
        for row, name in enumerate(index.images):
            self._rows.setdefault(name, row)

    def warm(self) -> None:
        """Load what the first search will need, on a thread of its own."""
        threading.Thread(target=self._warm, daemon=True).start()

    def row_of(self, key: object) -> int:
        """Return the row that a key names: `#12`, or a photo's name; raises Refused (404)."""
        text = str(key)
        number = text[1:] if len(text) < 20 else ""  # int() refuses thousands of digits
        if text.startswith("#") and number.isdecimal() and int(number) < len(self.index):
            return int(number)
        if text in self._rows:
            return self._rows[text]
        found = [] if "\0" in text else self.index.find(text).tolist()
        if not found:
            raise Refused(404, f"{text:.200}: not in {self.index.path.name}")
        return int(found[0])

    def key_of(self, row: int) -> str:
        """Return the key of a row: its photo's name where that can stand in an address."""
        name = self.index.images[row]
        alone = self._rows[name] == row and not name.startswith("#")
        return name if alone and name.isprintable() else f"#{row}"

    def place(self, row: int) -> str:
        """Return the absolute path of a row's photo, as any index would know it."""
        return absolute_path(self.index.root / self.index.images[row])

    def row_at(self, place: str) -> int | None:
        """Return the first row of a photo by its absolute path, or None."""
        return self._places.get(place)

    def matching(self, text: str) -> Sequence[int]:
        """Return the rows whose name or label holds a text (lower case); all for no text."""
        if not text:
            return range(len(self.index))
        return [row for row, known in enumerate(self._texts) if text in known]

    def find(self, asked: GalleryQuery) -> Found:
        """Return the object located in a query's photo, and the hits, best first.

        A photo is located as the index's photos were, if they were. Raises Refused, or as
        `tv search` does.
        """
        located, query = self._query(asked)
        likes, unlikes = self._examples(asked.likes), self._examples(asked.unlikes)
        if query is None and not likes:
            raise Refused(400, "name an item, a file, or something to like")
        if query is None or asked.row is not None or likes or unlikes:
            query = refine(query, likes, unlikes)
        hits = search(self.index, iter([query]), k=asked.k, min_score=asked.min_score)
        return located, list(hits)

    def explain(self, asked: GalleryQuery, row: int) -> "Image":
        """Return a picture of which places of a wish's photo and of a row make them similar.

        Raises Refused where there is no photo, or as `tv search --explain` does.
        """
        if asked.data is None and asked.row is None:
            raise Refused(400, "what you like has no photo of its own: search with one photo")
        for known in (row, asked.row):
            if known is not None:
                self.collection.path(known)  # refuses what must not be read
        crop = asked.box if asked.data is None else self._wished(asked).crop
        seen = [self.collection.pixels(known) for known in (row, asked.row) if known is not None]
        seen += [] if asked.data is None else [pixels_of(asked.data)]
        with TURNS.turn(sum(seen)), self._lock:
            self._explainer = explainer = self._explainer or _explainer_of(self.index)
            data = asked.data
            if data is None and asked.row is not None and crop is not None:
                data = read_photo(self.collection.path(asked.row))
            query = (
                explainer.row(asked.row or 0)[1] if data is None else explainer.photo(data, crop)
            )
            return explainer.draw(query, explainer.row(row)[1])

    @cached_property
    def _places(self) -> dict[str, int]:
        return {self.place(row): row for row in range(len(self.index) - 1, -1, -1)}

    @cached_property
    def _texts(self) -> list[str]:
        pairs = zip(self.index.images, self.index.labels, strict=True)
        return [f"{image} {label}".lower() for image, label in pairs]

    def _query(self, asked: GalleryQuery) -> tuple[Box | None, Query | None]:
        if asked.data is not None:
            region = self._wished(asked)
            return region.box, self._encode(region)
        if asked.row is None:
            return None, None
        name = self.index.images[asked.row]
        if asked.box is None:
            return None, Query(name, self.index.vectors(slice(asked.row, asked.row + 1))[0])
        self.collection.path(asked.row)  # refuses what must not be read
        return None, self._encode(Region(name, crop=asked.box))

    def _wished(self, asked: GalleryQuery) -> Region:
        """Return the photo of a wish, what is in it located if that is wanted."""
        region = Region("-", crop=asked.box, data=asked.data)
        return self._located(region) if asked.locate and asked.box is None else region

    def _located(self, region: Region) -> Region:
        """Return the object in a photo, found by the heads of the index; the photo without."""
        heads = self.index.location_files
        if heads is None:
            return region
        from tvcli.core.location.locating import load_locator, located_regions

        report = Report()
        with self._decoding(region), self._lock:
            self._locator = self._locator or load_locator(*heads)
            source = Source(self.collection.root, iter([region]))
            found = next(located_regions(source, self._locator, report), None)
        if found is None:
            raise Refused(422, report.skipped[0].reason)
        return found

    def _encode(self, region: Region) -> Query:
        report, encoder = Report(), self.encoder()
        with (
            self._decoding(region),
            self._lock,
        ):  # one network, one photo at a time
            queries = Queries(self.index, lambda: encoder, report)
            query = next(queries.of_photos([region], self.collection.root), None)
        if query is None:
            raise Refused(422, report.skipped[0].reason)
        return query

    def _decoding(self, region: Region) -> AbstractContextManager[None]:
        """Return the turn of a region's photo to be decoded."""
        if region.data is not None:
            return TURNS.turn(pixels_of(region.data))
        return TURNS.turn(self.collection.pixels(self._rows[region.image]))

    def _examples(self, rows: list[int]) -> dict[str, Vector]:
        return {f"#{row}": self.index.vectors(slice(row, row + 1))[0] for row in rows}

    def encoder(self) -> "Encoder":
        """Return the encoder of the index, loaded on first use; raises as `encoder_of` does."""
        with self._lock:
            if self._encoder is None:
                self._encoder = self._load()
            return self._encoder

    def _warm(self) -> None:
        with suppress(Exception):  # the search that needs it says what is wrong
            self.index.search(self.index.vectors(slice(0, 1)), 1)
            self.encoder()


def _explainer_of(index: Index) -> "Explainer":
    from tvcli.core.searching.explaining import load_explainer

    return load_explainer(index)


def _encoder_of(index: Index) -> "Encoder":
    from tvcli.core.encoding.encoder import encoder_of

    return encoder_of(index.settings["encoder"], index.settings["weights_file"], graph=index.graph)
