"""Indexes: made, opened, searched and brought up to date."""

import io
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tvcli.api.choices import checks_choices
from tvcli.api.encoding import Encoder, core_encoder
from tvcli.api.matching import SamePicture, same_of
from tvcli.api.notebook import Card, cards
from tvcli.api.photos import PhotoLike, is_photo_in_memory, region_of
from tvcli.api.records import Readable, Results
from tvcli.api.reporting import made_by, report_of
from tvcli.api.sources import SourceLike, named, opened_photos
from tvcli.core.backbones.specs import Device
from tvcli.core.boxes import Box
from tvcli.core.encoding.updates import Counts, UpdateRequest
from tvcli.core.engines.names import checked_engine
from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.project_settings import default_index
from tvcli.core.files.records import Record
from tvcli.core.files.sources import is_encodings
from tvcli.core.indexes.index import open_index as core_open_index
from tvcli.core.indexes.indexing import head_pool, index_encodings, index_photos, location_heads
from tvcli.core.indexes.sync import sync_encodings
from tvcli.core.indexes.updates import change_photos
from tvcli.core.matching.decision import PRESETS, Preset, Verification
from tvcli.core.reports import Report
from tvcli.core.searching.hits import Hit as CoreHit
from tvcli.core.searching.hits import Metric
from tvcli.core.searching.queries import Query
from tvcli.core.searching.searcher import Asked, Searcher, SearchSettings

Pool = Literal["auto", "mean", "gem", "spatial", "map"]
PathLike = str | os.PathLike[str]
QueryLike = PhotoLike | npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, repr=False)
class Hit(Readable):
    """A photo found: `rank` counts from 1, `similarity` is the cosine, 1.0 for the same picture.

    `image` is its path from the current folder, `path` the absolute one. `box` is the object in it,
    in pixels of the photo as displayed, None where the whole photo was indexed. `missing` tells
    that it is not there any more. `same` says whether it is the same picture, if that was asked.
    """

    rank: int
    image: str
    similarity: float
    box: Box | None = None
    label: str = ""
    missing: bool = False
    same: SamePicture | None = None
    query: str = field(default="", repr=False)

    @property
    def path(self) -> Path:
        """The absolute path of the photo."""
        return Path(os.path.abspath(self.image))  # noqa: PTH100 - links stay as they are

    def as_record(self) -> Record:
        """Return the photo, or the object in it, as a record that `encode` takes."""
        record: Record = {"image": self.image, "rank": self.rank, "similarity": self.similarity}
        if self.box is not None:
            record["box"] = list(self.box)
        return record | ({"label": self.label} if self.label else {})

    def _repr_html_(self) -> str:
        return cards(self.query, [_card(self)])


class Hits(Results[Hit]):
    """The hits of one query, the most similar first."""

    __slots__ = ("query",)

    def __init__(self, items: Sequence[Hit], query: str) -> None:
        super().__init__(items)
        self.query = query

    def _repr_html_(self) -> str:
        return cards(f"{len(self)} hits for {self.query}", [_card(hit) for hit in self])


@dataclass(frozen=True, slots=True, repr=False)
class Changes(Readable):
    """How many photos an update added, changed, moved, removed and skipped; `rows` there are."""

    added: int
    changed: int
    moved: int
    removed: int
    skipped: int
    rows: int


class Index:
    """An open index: searched by photos, arrays, vectors or its own items, from several threads.

    It is open until `close`, or to the end of a `with` block. What others write meanwhile is seen
    after `reload`; its own `update`, `add` and `remove` reload by themselves.
    """

    def __init__(
        self,
        path: Path,
        root: Path | None,
        weights: Path | None,
        device: Device,
        report: Report | None,
    ) -> None:
        self.path, self._root, self._weights, self._device = path, root, weights, device
        self._report = report
        self._lock = threading.Lock()
        self._opened: _Opened | None = self._open()

    def __enter__(self) -> "Index":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        with self._searcher() as searcher:
            return len(searcher.index)

    def __repr__(self) -> str:
        opened = self._opened
        if opened is None:
            return f"Index({str(self.path)!r}, closed)"
        manifest = opened.searcher.index.manifest
        return (
            f"Index({str(self.path)!r}, rows={len(self)}, dimension={manifest.dimension}, "
            f"engine={manifest.engine!r})"
        )

    @property
    def images(self) -> list[str]:
        """The photo of every row, relative to `root`; one with several objects comes as often."""
        with self._searcher() as searcher:
            return list(searcher.index.images)

    @property
    def root(self) -> Path:
        """The folder that `images` are relative to, wherever it lies now."""
        with self._searcher() as searcher:
            return searcher.index.root

    def vectors(self) -> npt.NDArray[np.float32]:
        """Return the vectors of all rows: (N, D) float32 of unit length."""
        with self._searcher() as searcher:
            return np.array(searcher.index.vectors(slice(None)))

    @checks_choices
    def search(
        self,
        query: QueryLike | None = None,
        *,
        k: int = 10,
        box: Box | None = None,
        item: str | None = None,
        like: QueryLike | Sequence[QueryLike] = (),
        unlike: QueryLike | Sequence[QueryLike] = (),
        min_similarity: float | None = None,
        where: str | Sequence[str] = (),
        verify: bool | Preset = False,
        rerank: int | None = None,
        locate: bool | None = None,
        metric: Metric = "cosine",
        report: Report | None = None,
    ) -> Hits:
        """Return the photos most similar to a query, as `tv search` does.

        Args:
            query: a path, a picture of Pillow, an array of pixels, or a vector of the index's kind.
            k: at most so many hits.
            box: search with this part of the photo only.
            item: search with a photo of the index, named as in it or by its path.
            like: examples to search near, indexed or not.
            unlike: examples to search away from.
            min_similarity: leave out hits below it.
            where: conditions on the hits, such as `label=dress`; all must hold.
            verify: keep only hits that show the same picture; or the name of a preset.
            rerank: reorder the first so many by their dense maps.
            locate: find the object in the photo first; None: if the index's photos were located.
            metric: `cosine`, or `euclidean` for 1 / (1 + distance).
            report: told of what is skipped; None: the one given to `open_index`.

        Shapes: pixels (H, W), (H, W, 3) or (H, W, 4); a vector (D,).
        Dtypes: pixels uint8, vectors floating point.
        Units: boxes are in pixels of the photo as displayed; similarities are cosines, -1 to 1.

        Raises:
            UsageError: nothing to search for, or settings that do not go together.
            BadInput: a photo that cannot be used, or an item that is not in the index.
            Mismatch: a vector of another dimension, or weights that do not fit the index.

        Source: cosine similarity of encodings (TiefVision, 2016); `like`, `unlike`: Rocchio 1971.
        """
        asked: list[Asked] = [item] if item is not None else []
        if query is not None:
            asked.append(_asked(query, 1, box))
        if len(asked) > 1:
            raise UsageError("search with a query or with an item, not with both")
        if box is not None and query is None:
            raise UsageError("box: goes with a query")
        settings = _settings(k, min_similarity, rerank, locate, metric, where, verify)
        listening = _Noting(report_of(report or self._report))
        likes, unlikes = _examples(like), _examples(unlike)
        if not (asked or likes):
            raise UsageError("search with a query, an item of the index, or something to like")
        with self._searcher() as searcher:
            found = list(searcher.search(asked, settings, listening, likes, unlikes))
        if not found:
            raise BadInput(listening.reason)
        return _hits(*found[0])

    @checks_choices
    def search_many(
        self,
        queries: SourceLike | Iterable[QueryLike],
        *,
        k: int = 10,
        min_similarity: float | None = None,
        where: str | Sequence[str] = (),
        verify: bool | Preset = False,
        rerank: int | None = None,
        locate: bool | None = None,
        metric: Metric = "cosine",
        report: Report | None = None,
    ) -> Iterator[Hits]:
        """Return an iterator over the hits of many queries, in order; `Hits.query` names each.

        A photo that cannot be used is skipped, and the report is told. Photos are encoded 64 at a
        time, so the first hits come soon and memory does not grow with the queries.

        Args:
            queries: a folder, a list of photos or records, or pictures, arrays and vectors; an
                iterator of photos is read as it is needed, and an array (N, D) holds vectors.
            k, min_similarity, where, verify, rerank, locate, metric: as in `search`.
            report: told of what is skipped; None: the one given to `open_index`.

        Shapes, Dtypes, Units: as in `search`.

        Raises:
            UsageError, BadInput, Mismatch: as `search` does, but for photos that are skipped.

        Source: as `search`.
        """
        settings = _settings(k, min_similarity, rerank, locate, metric, where, verify)
        known = report_of(report or self._report)
        return self._each(queries, settings, known)  # what makes no sense was refused by now

    def update(self, source: SourceLike, *, report: Report | None = None) -> Changes:
        """Bring the index up to date with photos: new and changed ones are encoded, gone ones go.

        Searches of other threads go on meanwhile, and see the index as it was.

        Args:
            source: all that is to be in the index: folders, photos, lists, records, or encodings.
            report: told of progress and of what is skipped; None: the one given to `open_index`.

        Shapes, Dtypes: as the index has them; the photos are encoded as its photos were.
        Units: counts are photos.

        Raises:
            UsageError: nothing is named.
            BadInput: nothing would be left, or others are writing the index.
            Mismatch: an index that cannot be changed in place; the message has the way out.

        Source: tvcli's own: photos are known by their content.
        """
        return self._change("update", source, report)

    def add(self, source: SourceLike, *, report: Report | None = None) -> Changes:
        """Add photos to the index and leave the others; as `update` otherwise."""
        return self._change("add", source, report)

    def remove(self, source: SourceLike, *, report: Report | None = None) -> Changes:
        """Remove photos, or all photos in folders, named as in the index or by their paths."""
        return self._change("remove", source, report)

    def reload(self) -> None:
        """See the index as it is now; searches that are running end on what they began with."""
        fresh = self._open()
        with self._lock:
            before, self._opened = self._opened, fresh
        if before is not None:
            before.retire()

    def close(self) -> None:
        """Close the index; closing it again does nothing."""
        with self._lock:
            before, self._opened = self._opened, None
        if before is not None:
            before.retire()

    def _each(
        self,
        queries: SourceLike | Iterable[QueryLike],
        settings: SearchSettings,
        report: Report,
    ) -> Iterator[Hits]:
        with self._searcher() as searcher, _opened_queries(queries, report) as asked:
            for query, hits in searcher.search(asked, settings, report):
                yield _hits(query, hits)

    def _open(self) -> "_Opened":
        return _Opened(self.path, self._root, self._weights, self._device)

    @contextmanager
    def _searcher(self) -> Iterator[Searcher]:
        with self._lock:
            opened = self._opened
            if opened is None:
                raise UsageError(f"{self.path}: this index is closed; open it again")
            opened.enter()
        try:
            yield opened.searcher
        finally:
            opened.leave()

    def _change(
        self, way: Literal["update", "add", "remove"], source: SourceLike, report: Report | None
    ) -> Changes:
        known = report_of(report or self._report)
        with named(source) as given:
            wish = UpdateRequest(
                way,
                given.arguments,
                io.BytesIO(),
                root=self._root,
                weights=self._weights,
                device=self._device,
            )
            made = made_by(f"Index.{way}", source, inputs=given.inputs)
            counts: Counts
            if is_encodings(given.arguments):
                path = Path(given.arguments[0])
                counts = sync_encodings(self.path, wish, known, made, path)
            else:
                counts = change_photos(self.path, wish, known, made)
        self.reload()
        return Changes(
            counts.added,
            counts.changed,
            counts.moved,
            counts.removed,
            counts.skipped,
            counts.rows,
        )


class _Opened:
    """One state of an index, which closes when it is retired and its last search has ended."""

    def __init__(self, path: Path, root: Path | None, weights: Path | None, device: Device) -> None:
        self._stack, self._lock = ExitStack(), threading.Lock()
        self._users = 1  # the index itself
        index = self._stack.enter_context(core_open_index(path, root))
        self.searcher = Searcher(index, weights=weights, device=device)

    def enter(self) -> None:
        with self._lock:
            self._users += 1

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            ended = self._users == 0
        if ended:
            self._stack.close()

    retire = leave


class _Noting(Report):
    """Passes on what a report is told, but for the one photo that is an error instead."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report

    def start(self, what: str, unit: str, total: Any = None) -> None:
        self._report.start(what, unit, total)

    def advance(self, steps: int = 1) -> None:
        self._report.advance(steps)

    def note(self, message: str) -> None:
        self._report.note(message)

    def detail(self, message: str) -> None:
        self._report.detail(message)

    @property
    def reason(self) -> str:
        """Why there is no query."""
        return f"{self.skipped[0].image}: {self.skipped[0].reason}"


@checks_choices
def open_index(
    path: PathLike | None = None,
    *,
    root: PathLike | None = None,
    weights: PathLike | None = None,
    device: Device = "auto",
    report: Report | None = None,
) -> Index:
    """Open an index to search it, many times and from several threads.

    The encoder is loaded with the first photo that is searched with; on a CPU that needs no torch.

    Args:
        path: the .tvx folder; None: `$TV_INDEX`, else the nearest `.tv/`.
        root: where the photos lie now, if they have moved.
        weights: a local file of the backbone's weights; None: as recorded.
        device: `auto`, `cpu`, `cuda` or `mps`.
        report: told of what is going on; None: Python's `logging` is.

    Shapes: N rows of D values each.
    Dtypes: vectors are kept as float16 and compared as float32.
    Units: similarities are cosines, -1 to 1.

    Raises:
        BadInput: no index, or one that is damaged; or `root` is not there.
        Mismatch: written by a newer version.

    Source: tvcli's own; see docs/files.md for what an index is made of.
    """
    found = default_index() if path is None else Path(path)
    if found is None:
        raise BadInput("no index here or above: name one, or make one with build_index")
    where = None if root is None else Path(root)
    return Index(found, where, None if weights is None else Path(weights), device, report)


@checks_choices
def build_index(
    source: SourceLike,
    output: PathLike = ".tv/index.tvx",
    *,
    encoder: "Encoder | str" = "mini",
    pool: Pool = "auto",
    engine: str = "auto",
    rank: PathLike | None = None,
    classifier: PathLike | None = None,
    boxes: PathLike | None = None,
    maps: bool = False,
    keypoints: bool = False,
    weights: PathLike | None = None,
    root: PathLike | None = None,
    seed: int = 0,
    report: Report | None = None,
) -> Path:
    """Make an index of photos or of a file of encodings, as `tv index` does, and return its path.

    Args:
        source: photos, folders, lists, records; or one .h5 file of encodings.
        output: the .tvx folder to write; one that is there is replaced.
        encoder: what encodes photos; encodings are taken as they are.
        pool: how maps become vectors; `map` compresses them by PCA.
        engine: `auto`, `exact`, `annoy`, `faiss`, `faiss-hnsw` or the URL of a PostgreSQL database.
        rank: a head of `train_rank`, of which the index keeps a copy.
        classifier: with `boxes`: the head by which the object is found, and indexed alone.
        boxes: the head of `train_boxes`; the index keeps copies of both.
        maps: keep the dense maps of encodings, to re-rank by.
        keypoints: keep key points, which makes verifying faster.
        weights: a local file of the backbone's weights, where photos are located.
        root: the folder that paths are recorded relative to; None: what all have in common.
        seed: the seed of the random numbers.
        report: told of progress and of photos that are skipped; None: Python's `logging` is.

    Shapes: encodings are (N, C, H, W) or (N, D); the index's vectors (N, D).
    Dtypes: float16 in the files.
    Units: none; vectors are of unit length when they are compared.

    Raises:
        UsageError: settings that do not go together, or nothing is named.
        BadInput: not one photo could be used, or the target cannot be written.
        Mismatch: a head that was trained on other encodings.

    Source: annoy, faiss and pgvector for approximate search; otherwise tvcli's own.
    """
    if engine != "auto":
        checked_engine(engine)  # before anything is encoded
    target, known = Path(output), report_of(report)
    head = None if rank is None else Path(rank)
    heads = location_heads(*(None if h is None else Path(h) for h in (classifier, boxes)))
    common: dict[str, Any] = {
        "engine": engine,
        "seed": seed,
        "rank": head,
        "maps": maps,
        "location": heads,
    }
    with named(source, None if root is None else Path(root)) as given:
        made = made_by("build_index", source, target, inputs=given.inputs, seed=seed, rank=head)
        if is_encodings(given.arguments):
            index_encodings(Path(given.arguments[0]), target, made, pool=pool, **common)
        else:
            core, taken = core_encoder(encoder, head_pool(head, pool)), given.open(known)
            file = None if weights is None else Path(weights)
            index_photos(taken, core, target, known, made, weights=file, **common)
    if keypoints:
        from tvcli.core.indexes.keypoints import keep_keypoints  # brings OpenCV

        keep_keypoints(target, None, known)
    return target


def _asked(query: QueryLike, number: int, box: Box | None = None) -> Asked:
    """Return a photo as a region, or a vector as a query."""
    if isinstance(query, np.ndarray) and query.ndim == 1:
        if box is not None or not np.issubdtype(query.dtype, np.floating):
            raise UsageError("a vector is (D,) of floating point, and has no box")
        return Query(f"<vector {number}>", query.astype(np.float32))
    if isinstance(query, str | os.PathLike) and Path(query).is_dir():
        raise UsageError(f"{os.fspath(query)}: a folder; search_many takes one")
    return region_of(query, number, box)


@contextmanager
def _opened_queries(
    queries: SourceLike | Iterable[QueryLike], report: Report
) -> Iterator[Iterator[Asked]]:
    """Give queries one by one; paths, folders and records as every function takes them."""
    items: Any = queries
    vectors = isinstance(items, np.ndarray) and items.ndim == 2 and items.dtype != np.uint8
    mixed = isinstance(items, list | tuple) and any(map(is_photo_in_memory, items))
    if vectors or mixed or isinstance(items, Iterator):
        yield (_asked(query, number) for number, query in enumerate(items, 1))
        return
    with opened_photos(items, report) as source:
        yield (_absolute(region, source.root) for region in source.regions)


def _absolute(region: Any, root: Path) -> Any:
    return region if region.data is not None else replace(region, image=str(root / region.image))


def _examples(given: QueryLike | Sequence[QueryLike]) -> list[Asked]:
    single = isinstance(given, str | os.PathLike) or is_photo_in_memory(given)
    items: Any = [given] if single else given
    return [_asked(example, number) for number, example in enumerate(items, 1)]


def _settings(
    k: int,
    min_similarity: float | None,
    rerank: int | None,
    locate: bool | None,
    metric: Metric,
    where: str | Sequence[str],
    verify: bool | Preset,
) -> SearchSettings:
    if k < 1 or (rerank is not None and rerank < 1):
        raise UsageError("k and rerank are at least 1")
    conditions = [where] if isinstance(where, str) else list(where)
    return SearchSettings(
        k, min_similarity, rerank, locate, metric, conditions, _verification(verify)
    )


def _verification(verify: bool | Preset) -> Verification | None:
    if verify is False:
        return None
    name = "default" if verify is True else verify
    if name not in PRESETS:
        raise UsageError(f"verify: {' or '.join(PRESETS)}, not {name!r}")
    return PRESETS[name]


def _hits(query: Query, found: list[CoreHit]) -> Hits:
    return Hits([_hit(hit) for hit in found], query.name)


def _hit(hit: CoreHit) -> Hit:
    same = None if hit.check is None else same_of(hit.check.verified, hit.check.match)
    return Hit(
        hit.rank,
        hit.image,
        hit.similarity,
        hit.region,
        hit.label,
        hit.missing,
        same,
        hit.query,
    )


def _card(hit: Hit) -> Card:
    name = Path(hit.image).name
    return Card(hit.path, (f"{hit.rank}. {name}", f"{hit.similarity:.3f} {hit.label}"), hit.box)
