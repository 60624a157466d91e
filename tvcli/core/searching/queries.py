"""Queries: photos, regions of them, indexed items and examples, as vectors of the index's kind."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box
from tvcli.core.encoding.finite import check_finite
from tvcli.core.engines import Vectors
from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.artifacts import Columns, open_artifact
from tvcli.core.files.parquet_rows import rows_file
from tvcli.core.files.paths import absolute_path, photos_root, shown_path
from tvcli.core.files.records import Region
from tvcli.core.images.arrays import unit
from tvcli.core.images.photo import Photo
from tvcli.core.indexes.index import Index
from tvcli.core.reports import Report
from tvcli.core.searching.augmentation import augmented_views
from tvcli.core.searching.query_projection import QueryProjection

if TYPE_CHECKING:  # it brings torch, which a search by an indexed item does without
    from tvcli.core.encoding.encoder import Encoder

UNLIKE_WEIGHT = 0.5  # how far a query moves away from bad examples, next to its good ones
ROWS_READ_AT_ONCE = 256  # encoded queries read at a time
TOGETHER = 8  # photos encoded together: few, so that the first hits come soon

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Query:
    """A query by name, with its vector (D,) and perhaps its map (D, H, W), both float32.

    `photo` is where its photo lies, `digest` the hash of its content; empty where not known.
    `crop` is the part of it that is encoded, `box` the same where that is an object or another part
    of the photo; `data` the photo itself where it came through a pipe.
    """

    name: str
    vector: Vector
    map: Vector | None = None
    photo: str = ""
    digest: str = ""
    label: str = ""
    crop: Box | None = None
    data: bytes | None = None
    box: Box | None = None


class Queries:
    """Makes queries for one index; its encoder is loaded only when a photo must be encoded.

    With `maps` a query gets its map too; `load_encoder` must then give an encoder of maps.
    """

    def __init__(
        self,
        index: Index,
        load_encoder: "Callable[[], Encoder]",
        report: Report,
        *,
        maps: bool = False,
    ) -> None:
        self._index, self._load, self._report = index, load_encoder, report
        self._maps, self._projection = maps, QueryProjection(index)
        self._encoder: Encoder | None = None
        self._piped: dict[str, bytes] = {}

    @property
    def index(self) -> Index:
        """The index that the queries are for."""
        return self._index

    def of_photos(
        self, regions: Iterable[Region], root: Path, report: Report | None = None
    ) -> Iterator[Query]:
        """Yield a query for each region of a photo, encoded as the gallery was; bad ones go."""
        for columns in self.photo_columns(regions, root, report):
            yield from self._of_columns(columns, root)

    def photo_columns(
        self, regions: Iterable[Region], root: Path, report: Report | None = None
    ) -> Iterator[Columns]:
        """Yield what is known of regions of photos, with their `encodings`, some at a time.

        They are encoded as the gallery was; photos that cannot be used are skipped, as the report
        is told, by default that of all queries.
        """
        report = report or self._report
        from tvcli.core.encoding.encode import chunked, encode_chunks

        self._encoder = self._encoder or self._load()
        for encoded in encode_chunks(chunked(self._noted(regions), TOGETHER), root, self._encoder):
            for image, _, reason in encoded.skips:
                report.skip(shown_path(root, image), "query", reason)
            for note in encoded.notes:
                report.remark(note)
            if len(encoded):
                yield encoded.columns

    def looks(self, photo: Photo, crop: Box | None) -> Vectors:
        """Return vectors (12, D) float32 of a photo, or a crop, looked at in other ways.

        None, (0, D), where no query has been a photo: then the encoder is not there.
        """
        if self._encoder is None or self._maps:
            return np.empty((0, self._index.manifest.dimension), np.float32)
        views = augmented_views(photo, crop, self._encoder.look)
        return self._projection.vectors(self._encoder.encode(views))

    def _noted(self, regions: Iterable[Region]) -> Iterator[Region]:
        """Pass regions on, remembering photos that lie nowhere."""
        for region in regions:
            if region.data is not None:
                self._piped[region.image] = region.data
            yield region

    def of_encodings(self, path: Path) -> Iterator[Query]:
        """Yield a query for each row of an encodings file or table, made as the gallery's were.

        Raises:
            BadInput: not an encodings file.
            Mismatch: another backbone, weights or settings than the index's.
        """
        for columns, root in self.file_columns(path):
            yield from self._of_columns(columns, root)

    def file_columns(self, path: Path) -> Iterator[tuple[Columns, Path]]:
        """Yield the rows of an encodings file or table, some at a time, and where their photos lie.

        Raises:
            BadInput, Mismatch: as `of_encodings` does.
        """
        with rows_file(path) as made, open_artifact(made, "encodings") as encodings:
            self._projection.check(encodings.settings["encoder"], path)
            root = photos_root(encodings.settings, path.absolute().parent)
            for rows in encodings.blocks(ROWS_READ_AT_ONCE):
                yield encodings.read_columns(rows), root

    def vectors(self, columns: Columns) -> Vectors:
        """Return the vectors (n, D) float32 of rows with `encodings`, as the gallery's were made.

        Raises:
            BadInput: an encoding is not finite.
        """
        check_finite(columns["encodings"], lambda: columns["image"])
        return self._projection.vectors(columns["encodings"])

    def _of_columns(self, columns: Columns, root: Path) -> Iterator[Query]:
        encodings, vectors = columns["encodings"], self.vectors(columns)
        for place, image in enumerate(columns["image"]):
            crop = known_box(columns["region"][place])
            yield Query(
                shown_path(root, image),
                vectors[place],
                self._projection.map(encodings[place]) if self._maps else None,
                absolute_path(root / image),
                columns["digest"][place],
                columns["label"][place],
                crop,
                self._piped.get(image),
                _part(crop, columns["box"][place]),
            )

    def of_item(self, image: str) -> Query:
        """Return a query for a photo of the index: nothing is encoded.

        Raises:
            BadInput: the index does not have it.
        """
        rows = self._index.find(image)
        if not len(rows):
            raise BadInput(f"{image}: not in {self._index.path}")
        known = self._index.columns(rows[:1])
        crop = known_box(known["region"][0])
        query = Query(
            image,
            self._index.vectors(rows[:1])[0] * _length(known),
            photo=absolute_path(self._index.root / known["image"][0]),
            digest=known["digest"][0],
            crop=crop,
            box=_part(crop, known["box"][0]),
        )
        if not self._maps:
            return query
        with self._index.maps() as maps:
            return replace(query, map=maps.read("encodings", rows[:1])[0].astype(np.float32))


def refine(query: Query | None, likes: dict[str, Vector], unlikes: dict[str, Vector]) -> Query:
    """Return a query drawn towards some examples and away from others (Rocchio 1971).

    The mean direction of the query and the good examples, less half that of the bad ones. An
    example counts as much as it is long: 1, or by its weight.

    Raises:
        UsageError: there is neither a query nor a good example.
    """
    if query is not None and not (likes or unlikes):
        return query
    goods = [*(unit(query.vector[None]) if query else []), *likes.values()]
    if not goods:
        if unlikes:
            raise UsageError("--unlike: name a query, an --item or a --like to search near")
        raise UsageError("name a photo to search with, - for one on stdin, an --item or a --like")
    vector = np.mean(goods, axis=0)
    if unlikes:
        bads = np.stack(list(unlikes.values()))
        good, bad = unit(np.stack([vector, bads.mean(axis=0)]))
        vector = good - UNLIKE_WEIGHT * float(np.linalg.norm(bads, axis=1).mean()) * bad
    if query is None:
        return Query(" + ".join(likes), vector)
    return Query(query.name, vector, crop=query.crop, box=query.box)


def own_share(query: Query, likes: dict[str, Vector], unlikes: dict[str, Vector]) -> float:
    """Return what the query's unit vector is multiplied by in the unit vector of `refine`."""
    goods = [unit(query.vector[None])[0], *likes.values()]
    share = 1 / len(goods)
    if unlikes:  # the good and the bad are brought to unit length before they are taken together
        share /= float(np.linalg.norm(np.mean(goods, axis=0)))
    refined = refine(query, likes, unlikes).vector
    return share / float(np.linalg.norm(refined)) if likes or unlikes else 1.0


def known_box(values: Iterable[float]) -> Box | None:
    """Return four numbers of a file as a box; None where they are not known."""
    x0, y0, x1, y1 = (float(value) for value in values)
    return None if np.isnan((x0, y0, x1, y1)).any() else (x0, y0, x1, y1)


def _part(crop: Box | None, box: Iterable[float]) -> Box | None:
    """Return the part of a photo that was encoded, where it is of an object; else None."""
    return None if known_box(box) is None else crop


def _length(known: Columns) -> float:
    """Return how long an indexed vector was; 1 in an index that does not keep it."""
    length = float(known["length"][0])
    return 1.0 if np.isnan(length) else length
