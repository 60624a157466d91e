"""An index, open: searched by many requests and brought up to date."""

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tvcli.api.choices import checks_choices
from tvcli.api.hits import Hits, hits_of
from tvcli.api.labels import Labels, labels_of
from tvcli.api.photos import PathLike, PhotoLike, as_path
from tvcli.api.queries import (
    ExampleLike,
    QueryLike,
    asked_of,
    examples_of,
    opened_queries,
    settings_of,
)
from tvcli.api.records import Readable
from tvcli.api.reporting import made_by, report_of
from tvcli.api.sources import SourceLike, named
from tvcli.core.backbones.specs import Device
from tvcli.core.boxes import Box
from tvcli.core.encoding.updates import Counts, UpdateRequest
from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.parquet_rows import rows_file
from tvcli.core.files.project_settings import default_index
from tvcli.core.files.sources import is_rows
from tvcli.core.indexes.older import note_older
from tvcli.core.indexes.sync import sync_encodings
from tvcli.core.indexes.updates import change_photos
from tvcli.core.labelling.labelling import MOST_OTHERS, OTHERS, LabelSettings
from tvcli.core.matching.decision import Preset
from tvcli.core.reports import Report
from tvcli.core.searching.hits import Metric, SearchSettings
from tvcli.core.searching.live_searcher import LiveSearcher
from tvcli.core.searching.neighbours import asked_neighbours
from tvcli.core.searching.searcher import Asked


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
        self._live = LiveSearcher(path, root=root, weights=weights, device=device)
        with self._live.using() as searcher:
            note_older(searcher.index, report_of(report))

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
        with self._live.using() as searcher:
            return len(searcher.index)

    def __repr__(self) -> str:
        if self._live.is_closed:
            return f"Index({str(self.path)!r}, closed)"
        with self._live.using() as searcher:
            manifest = searcher.index.manifest
        return (
            f"Index({str(self.path)!r}, rows={len(self)}, dimension={manifest.dimension}, "
            f"engine={manifest.engine!r})"
        )

    @property
    def images(self) -> list[str]:
        """The photo of every row, relative to `root`; one with several objects comes as often."""
        with self._live.using() as searcher:
            return list(searcher.index.images)

    @property
    def root(self) -> Path:
        """The folder that `images` are relative to, wherever it lies now."""
        with self._live.using() as searcher:
            return searcher.index.root

    def vectors(self) -> npt.NDArray[np.float32]:
        """Return the vectors of all rows: (N, D) float32 of unit length."""
        with self._live.using() as searcher:
            return np.array(searcher.index.vectors(slice(None)))

    @checks_choices
    def search(
        self,
        query: QueryLike | None = None,
        *,
        k: int = 10,
        box: Box | None = None,
        item: str | None = None,
        like: ExampleLike | Sequence[ExampleLike] = (),
        unlike: ExampleLike | Sequence[ExampleLike] = (),
        min_similarity: float | None = None,
        min_probability: float | None = None,
        where: str | Sequence[str] = (),
        distinct: bool = False,
        verify: bool | Preset = False,
        rerank: int | None = None,
        query_expansion: int | None = None,
        alpha: float | None = None,
        k_reciprocal: int | None = None,
        k1: int | None = None,
        k2: int | None = None,
        lambda_: float | None = None,
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
            like: examples to search near, indexed or not; `(photo, 2)` counts twice.
            unlike: examples to search away from, likewise.
            min_similarity: leave out hits below it.
            min_probability: leave out hits that belong with the query less probably, as the index
                was calibrated; with `verify`, that less probably show the same picture.
            where: conditions on the hits, such as `label=dress`; all must hold.
            distinct: of files with the same content one is a hit, which lists the others.
            verify: keep only hits that show the same picture; or the name of a preset.
            rerank: reorder the first so many by their dense maps.
            query_expansion: search again with the sum of the query and so many closest photos,
                each weighted by its similarity to the power `alpha` (None: 3).
            k_reciprocal: reorder the first so many by the neighbours that they share with the
                query, of which `k1` make a neighbourhood (None: 20), averaged over `k2` (6), with
                `lambda_` as the share of the plain distance (0.3).
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

        Source: cosine similarity of encodings (TiefVision, 2016); `like`, `unlike`: Rocchio 1971;
        `query_expansion`: Radenovic et al. 2018; `k_reciprocal`: Zhong et al. 2017.
        """
        asked: list[Asked] = [item] if item is not None else []
        if query is not None:
            asked.append(asked_of(query, 1, box))
        if len(asked) > 1:
            raise UsageError("search with a query or with an item, not with both")
        if box is not None and query is None:
            raise UsageError("box: goes with a query")
        neighbours = asked_neighbours(query_expansion, alpha, k_reciprocal, k1, k2, lambda_)
        settings = settings_of(
            k,
            min_similarity,
            rerank,
            locate,
            metric,
            where,
            distinct,
            verify,
            neighbours,
            min_probability,
        )
        listening = _Noting(report_of(report or self._report))
        likes, unlikes = examples_of(like), examples_of(unlike)
        if not (asked or likes):
            raise UsageError("search with a query, an item of the index, or something to like")
        with self._live.using() as searcher:
            found = list(
                searcher.search(asked or None, settings, listening, likes=likes, unlikes=unlikes)
            )
        if not found:
            raise BadInput(listening.reason)
        return hits_of(*found[0])

    @checks_choices
    def search_many(
        self,
        queries: SourceLike | Iterable[QueryLike],
        *,
        k: int = 10,
        min_similarity: float | None = None,
        min_probability: float | None = None,
        where: str | Sequence[str] = (),
        distinct: bool = False,
        verify: bool | Preset = False,
        rerank: int | None = None,
        query_expansion: int | None = None,
        alpha: float | None = None,
        k_reciprocal: int | None = None,
        k1: int | None = None,
        k2: int | None = None,
        lambda_: float | None = None,
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
            k, min_similarity, min_probability, where, distinct, verify, rerank, query_expansion,
                alpha, k_reciprocal, k1, k2, lambda_, locate, metric: as in `search`.
            report: told of what is skipped; None: the one given to `open_index`.

        Shapes, Dtypes, Units: as in `search`.

        Raises:
            UsageError, BadInput, Mismatch: as `search` does, but for photos that are skipped.

        Source: as `search`.
        """
        neighbours = asked_neighbours(query_expansion, alpha, k_reciprocal, k1, k2, lambda_)
        settings = settings_of(
            k,
            min_similarity,
            rerank,
            locate,
            metric,
            where,
            distinct,
            verify,
            neighbours,
            min_probability,
        )
        known = report_of(report or self._report)
        return self._each(queries, settings, known)  # what makes no sense was refused by now

    def label(
        self,
        photos: SourceLike | PhotoLike | Iterable[PhotoLike],
        *,
        labels: PathLike | None = None,
        fit_on: Sequence[PathLike] = (),
        others: float = OTHERS,
        min_probability: float | None = None,
        locate: bool | None = None,
        report: Report | None = None,
    ) -> Labels:
        """Give photos the label that the index's most similar photos have, as `tv label` does.

        A photo that cannot be used is skipped, and the report is told.

        Args:
            photos: a folder, photos, records with or without boxes, or pictures and arrays.
            labels: `index`, `folders`, or a file of records; None: the index's, else folders.
            fit_on: photos with labels there, not in the index, to fit the probabilities to; else
                they are fitted to the index's own, each left out in turn.
            others: the share of photos expected to show nothing that there is a label for.
            min_probability: give a label only from there on; None: as fitted.
            locate: label the objects in the photos; None: if the index's photos were located.
            report: told of what is skipped; None: the one given to `open_index`.

        Shapes, Dtypes: pixels as in `search`.
        Units: boxes are in pixels of the photo as displayed; probabilities are 0 to 1.

        Raises:
            UsageError: too few photos of the index have a label, or a share that is none.
            BadInput: there are no labels, or not one photo that can be used.
            Mismatch: weights that do not fit the index.

        Source: the distance-weighted k-nearest-neighbour rule (Dudani 1976).
        """
        if not 0 <= others <= MOST_OTHERS:
            raise UsageError(f"others: 0 to {MOST_OTHERS}, not {others}")
        settings = LabelSettings(
            None if labels is None else os.fspath(labels),
            [os.fspath(path) for path in fit_on],
            others,
            min_probability,
            locate,
            weights=self._weights,
            device=self._device,
        )
        with self._live.using() as searcher:
            return labels_of(searcher, photos, settings, report_of(report or self._report))

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
        self._live.reload()

    def close(self) -> None:
        """Close the index; closing it again does nothing."""
        self._live.close()

    def _each(
        self,
        queries: SourceLike | Iterable[QueryLike],
        settings: SearchSettings,
        report: Report,
    ) -> Iterator[Hits]:
        with self._live.using() as searcher, opened_queries(queries, report) as asked:
            for query, hits in searcher.search(asked, settings, report):
                yield hits_of(query, hits)

    def _change(
        self, way: Literal["update", "add", "remove"], source: SourceLike, report: Report | None
    ) -> Changes:
        known = report_of(report or self._report)
        with named(source) as given:
            request = UpdateRequest(
                way,
                given.arguments,
                io.BytesIO(),
                root=self._root,
                weights=self._weights,
                device=self._device,
            )
            made = made_by(f"Index.{way}", source, inputs=given.inputs)
            counts: Counts
            if is_rows(given.arguments):
                with rows_file(Path(given.arguments[0])) as path:
                    counts = sync_encodings(self.path, request, known, made, path)
            else:
                counts = change_photos(self.path, request, known, made)
        self.reload()
        return Changes(**asdict(counts))


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
    return Index(found, as_path(root), as_path(weights), device, report)
