"""One open index with its encoder, searched by many requests at once."""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tvcli.core.boxes import Box
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.records import Region
from tvcli.core.images.arrays import unit
from tvcli.core.images.photo import read_photo
from tvcli.core.indexes.index import Index
from tvcli.core.reports import Report
from tvcli.core.searching.hits import Hit, SearchSettings
from tvcli.core.searching.queries import Query, own_share
from tvcli.core.searching.searcher import Example, Searcher
from tvcli.serve.answers import Refused
from tvcli.serve.collection import Collection
from tvcli.serve.facets import Facets
from tvcli.serve.folders import Folders
from tvcli.serve.maps import Maps
from tvcli.serve.turns import TURNS, pixels_of

if TYPE_CHECKING:  # it brings torch: loaded when first needed
    from PIL.Image import Image

    from tvcli.core.encoding.encoder import Encoder


PATIENCE = 20.0  # seconds, of which loading takes one


@dataclass(frozen=True, slots=True)
class GalleryQuery:
    """What to search with: a row or a file, whole or in a box, drawn to and away from rows.

    `weights` are those of rows that count more or less than 1. Rows are as they were indexed: only
    files are located, where the settings leave it to the index.
    """

    row: int | None = None
    data: bytes | None = None
    box: Box | None = None
    likes: list[int] = field(default_factory=list)
    unlikes: list[int] = field(default_factory=list)
    weights: Mapping[int, float] = field(default_factory=dict)
    settings: SearchSettings = field(default_factory=SearchSettings)

    @property
    def locates(self) -> bool:
        """Whether the object is looked for, where the index's photos were located."""
        return self.data is not None and self.settings.locate is not False

    def asking(self, k: int, **changes: Any) -> "GalleryQuery":
        """Return the same with so many hits asked for, and other settings changed."""
        return replace(self, settings=replace(self.settings, k=k, **changes))


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
        self.facets = Facets(index)
        self.maps = Maps(index, self.facets)
        self._searcher = Searcher(index, encoder=load_encoder)
        self._warming: threading.Thread | None = None
        begin = os.path.commonprefix(index.images)  # noqa: RUF071 - by letters, up to the last /
        self.above = begin.rfind("/") + 1  # letters of the folder that all photos are in
        self._rows: dict[str, int] = {}
        for row, name in enumerate(index.images):
            self._rows.setdefault(name, row)

    def warm(self) -> None:
        """Load what the first search will need, on a thread of its own."""
        self._warming = threading.Thread(target=self._warm, daemon=True)
        self._warming.start()

    def settle(self) -> None:
        """Wait for what is being loaded: a process that ends in the midst of it aborts."""
        if self._warming is not None:
            self._warming.join(PATIENCE)
        self.maps.settle()

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

    def path_of(self, row: int) -> str:
        """Return the absolute path of a row's photo, as any index would know it."""
        return absolute_path(self.index.root / self.index.images[row])

    def row_at(self, path: str) -> int | None:
        """Return the first row of a photo by its absolute path, or None."""
        return self._rows_by_path.get(path)

    def find(self, asked: GalleryQuery) -> Found:
        """Return the object located in a query's photo, and the hits, best first.

        A photo is located as the index's photos were, if they were. Raises Refused, or as
        `tv search` does.
        """
        query = self._query(asked)
        if query is None and not asked.likes:
            raise Refused(400, "name an item, a file, or something to like")
        known, hits = self._answer(query, asked)
        located = asked.locates and asked.box is None and self.index.location_files
        return (known.crop if located else None), hits

    def _answer(self, query: Region | Query | None, asked: GalleryQuery) -> tuple[Query, list[Hit]]:
        """Return a query as it was searched with, drawn to and from examples, and hits."""
        report = Report()
        with self._turn(query):
            found = self._searcher.search(
                None if query is None else [query],
                replace(asked.settings, locate=None if asked.locates else False),
                report,
                likes=self._examples(asked.likes, asked),
                unlikes=self._examples(asked.unlikes, asked),
                root=self.collection.root,
            )
            answer = next(found, None)
        if answer is None:
            raise Refused(422, report.skipped[0].reason)
        return answer

    def explain(self, asked: GalleryQuery, row: int) -> "Image":
        """Return a picture of which places of a query's photo and of a row make them similar.

        The similarity is that of the hit: with the query as it was drawn to and from examples.

        Raises Refused where there is no photo, or as `tv search --explain` does.
        """
        query = self._query(asked)
        if query is None:
            raise Refused(400, "what you like has no photo of its own: search with one photo")
        for known in (row, asked.row):
            if known is not None:
                self.collection.path(known)  # refuses what must not be read
        seen = [self.collection.pixels(known) for known in (row, asked.row) if known is not None]
        seen += [] if asked.data is None else [pixels_of(asked.data)]
        # The hit is known, whatever it was filtered by.
        asked = asked.asking(1, where=(), min_probability=None)
        searched, _ = self._answer(query, asked)
        vector = unit(searched.vector[None])[0]
        similarity = float(self.index.vectors(np.array([row]))[0] @ vector)
        refined = (vector, self._own_share(query, asked)) if asked.likes or asked.unlikes else None
        with TURNS.turn(sum(seen)):
            explainer = self._searcher.explainer()
            if isinstance(query, Region):
                own = explainer.photo(*self._photo_of(query, locate=asked.locates))
            else:
                own = explainer.row(asked.row or 0)[1]
            return explainer.draw(own, explainer.row(row)[1], similarity, refined)

    def _own_share(self, query: Region | Query, asked: GalleryQuery) -> float:
        """Return how much of what is searched with is the photo, rather than the examples."""
        alone, _ = self._answer(query, replace(asked, likes=[], unlikes=[]))
        likes, unlikes = (
            {
                str(row): query.vector * np.float32(asked.weights.get(row, 1))
                for row, query in zip(rows, self._rows_as_queries(rows), strict=True)
            }
            for rows in (asked.likes, asked.unlikes)
        )
        return own_share(alone, likes, unlikes)

    def encoder(self) -> "Encoder":
        """Return the encoder of the index, loaded on first use; raises as `encoder_of` does."""
        return self._searcher.encoder()

    @cached_property
    def _rows_by_path(self) -> dict[str, int]:
        return {self.path_of(row): row for row in range(len(self.index) - 1, -1, -1)}

    def _query(self, asked: GalleryQuery) -> Region | Query | None:
        """Return a file, or a part of a row's photo, as a photo; a whole row by its vector."""
        if asked.data is not None:
            return Region("-", crop=asked.box, data=asked.data)
        if asked.row is None:
            return None
        if asked.box is None:
            return self._rows_as_queries([asked.row])[0]
        self.collection.path(asked.row)  # refuses what must not be read
        return Region(self.index.images[asked.row], crop=asked.box)

    def _examples(self, rows: list[int], asked: GalleryQuery) -> list[Example]:
        queries = zip(rows, self._rows_as_queries(rows), strict=True)
        return [Example(query, asked.weights.get(row, 1.0)) for row, query in queries]

    def _rows_as_queries(self, rows: list[int]) -> list[Query]:
        vectors = self.index.vectors(np.array(rows, np.intp))
        return [
            Query(self.index.images[row], vector) for row, vector in zip(rows, vectors, strict=True)
        ]

    def _photo_of(self, query: Region, *, locate: bool) -> tuple[bytes, Box | None]:
        """Return a photo's bytes and the part of it that is searched with."""
        if query.data is None:
            return read_photo(self.collection.root / query.image), query.crop
        report = Report()
        located = None if locate and query.crop is None else False
        found = next(self._searcher.located([query], located, self.collection.root, report), None)
        if found is None:
            raise Refused(422, report.skipped[0].reason)
        return query.data, found.crop

    def _turn(self, query: Region | Query | None) -> AbstractContextManager[None]:
        """Return the turn of a query's photo to be decoded."""
        if not isinstance(query, Region):
            return nullcontext()
        if query.data is not None:
            return TURNS.turn(pixels_of(query.data))
        return TURNS.turn(self.collection.pixels(self._rows[query.image]))

    def _warm(self) -> None:
        with suppress(Exception):  # the search that needs it says what is wrong
            self.index.search(self.index.vectors(slice(0, 1)), 1)
            self.encoder()
