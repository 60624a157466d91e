"""Labelling: photos to the labels that their neighbours in an index vote for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tvcli.core.files.artifacts import Columns
from tvcli.core.files.fields import as_json
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.project_settings import index_or_default
from tvcli.core.files.records import Record, Region
from tvcli.core.files.sources import Source, is_rows, open_sources
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.indexes.older import note_older
from tvcli.core.labelling.fitting import FEW, KS, Fitted, fit_rule
from tvcli.core.labelling.gallery_labels import gallery_labels
from tvcli.core.labelling.labelled import Labelled
from tvcli.core.labelling.neighbours import found, left_out
from tvcli.core.labelling.sidecars import Sidecars
from tvcli.core.labelling.votes import NONE, Codes, Vectors
from tvcli.core.reports import Report, nothing_found
from tvcli.core.searching.evaluation import rows_by_name
from tvcli.core.searching.hits import SearchSettings
from tvcli.core.searching.queries import Queries, known_box
from tvcli.core.searching.searcher import Searcher

if TYPE_CHECKING:  # it brings torch, which labelling does without
    from tvcli.core.backbones.specs import Device

MOST_FITTED = 2000  # photos that the rule is fitted to
NEIGHBOURS = max(KS)
MOST_OTHERS = 0.95
OTHERS = 0.1  # of photos, that are expected to show nothing that there is a label for


@dataclass(frozen=True, slots=True)
class LabelSettings:
    """How to label: from which `labels`, by a rule fitted to which photos.

    `labels` are `index`, `folders` or a file; None: those the index keeps, else folders. `fit_on`
    are photos whose labels are known and which the index does not have; without any it is the
    index's own. `cutoff` is the least probability of a label; None: the one that is fitted.
    """

    labels: str | None = None
    fit_on: Sequence[str] = ()
    others: float = OTHERS
    cutoff: float | None = None
    locate: bool | None = None  # None: as the index's photos were
    seed: int = 0
    weights: Path | None = None
    device: "Device" = "auto"


class Labeller:
    """Labels photos by one open index, by a rule that is fitted once."""

    def __init__(self, searcher: Searcher, settings: LabelSettings, report: Report) -> None:
        """Fit the rule.

        Raises:
            BadInput: there are no labels, or photos to fit it to cannot be used.
            UsageError: too few photos have labels.
        """
        self._searcher, self._settings, self._report = searcher, settings, report
        self._index = searcher.index
        self._queries: Queries = searcher.queries(SearchSettings(), report)
        self.gallery = gallery_labels(self._index, settings.labels, report)
        if len(self.gallery.names) == 1:
            report.note(
                f"warning: {self._index.path}: all photos that have a label have the same one, "
                f"{self.gallery.names[0]!r}{self.gallery.origin}, so that other photos get it too "
                f"and the figures say nothing"
            )
        self._rows = _rows_by_photo(self._index)
        self.fitted = self._fit()

    def label(self, source: Source) -> Iterator[Labelled]:
        """Yield the labels of a source's photos, or of the objects that are located in them.

        A photo that cannot be used is skipped, and the report is told.

        Raises:
            BadInput: not one photo could be used.
        """
        self._report.start("labelling", "photos", source.total)
        some = False
        for columns in self._of_source(source):
            some = True
            yield from self._labelled(columns, source.root)
        if not some and not source.share:
            raise nothing_found(self._report, source.arguments)

    def label_encodings(self, path: Path) -> Iterator[Labelled]:
        """Yield the labels of the rows of an encodings file.

        Raises:
            BadInput: no such file.
            Mismatch: encoded otherwise than the index was.
        """
        for columns, root in self._queries.file_columns(path):
            yield from self._labelled(columns, root)

    def _labelled(self, columns: Columns, root: Path) -> Iterator[Labelled]:
        vectors = self._queries.vectors(columns)
        images = [
            image if image == "-" else absolute_path(root / image) for image in columns["image"]
        ]
        hidden = [self._rows.get(image, _NO_ROWS) for image in images]
        near = found(self._index, self.gallery.codes, vectors, hidden, self.fitted.rule.k)
        votes, probabilities = self.fitted.rule.decide(near)
        places = np.arange(len(near)), votes.places
        nearest = self._index.read("image", np.maximum(near.rows[places], 0))
        for place, image in enumerate(images):
            candidate = self._name(int(votes.winners[place]))
            probable = probabilities[place] >= self.fitted.rule.cutoff
            yield Labelled(
                image,
                known_box(columns["box"][place]),
                candidate if probable else "",
                candidate,
                float(probabilities[place]),
                float(near.similarities[places][place]),
                absolute_path(self._index.root / nearest[place]),
                int(columns["position"][place]) if "position" in columns else -1,
                as_json(columns["fields"][place]) if "fields" in columns else {},
            )
            self._report.advance()

    def _name(self, code: int) -> str:
        return "" if code == NONE else self.gallery.names[code]

    def _of_source(self, source: Source, locate: bool | None = None) -> Iterator[Columns]:
        wanted = self._settings.locate if locate is None else locate
        located = self._searcher.located(source.regions, wanted, source.root, self._report)
        return self._queries.photo_columns(map(_with_box, located), source.root)

    def _fit(self) -> Fitted:
        settings, codes = self._settings, self.gallery.codes
        self._report.start("fitting", "photos")
        vectors, own, hidden = self._own() if not settings.fit_on else self._fit_on()
        known, unknown = left_out(self._index, codes, vectors, own, hidden, NEIGHBOURS)
        fitted = fit_rule(known, unknown, own, settings.others, settings.cutoff)
        if fitted.photos < FEW:
            self._report.note(
                f"warning: the probabilities are fitted to {fitted.photos} photos; fewer than "
                f"{FEW} tell little"
            )
        if self._index.rank_file is not None and not settings.fit_on:
            self._report.note(
                "warning: the index's rank head may have learned from the photos that the "
                "probabilities are fitted to, which makes them too high: name others with --fit-on"
            )
        return fitted

    def _own(self) -> tuple[Vectors, Codes, list[Codes]]:
        """Return vectors, codes and rows of the same photo of a sample of the labelled rows."""
        codes = self.gallery.codes
        rows = np.flatnonzero(codes != NONE)
        rng = np.random.default_rng(self._settings.seed)
        rows = np.sort(rng.permutation(rows)[:MOST_FITTED])
        known = self._index.columns(rows)
        copies = rows_by_name(self._index.read("digest"))
        hidden = [
            np.union1d(
                self._rows.get(absolute_path(self._index.root / image), _NO_ROWS),
                copies.get(digest, _NO_ROWS),
            )
            for image, digest in zip(known["image"], known["digest"], strict=True)
        ]
        return self._index.vectors(rows), codes[rows], hidden

    def _fit_on(self) -> tuple[Vectors, Codes, list[Codes]]:
        """Return the same of the photos that are named to be fitted to."""
        copies = rows_by_name(self._index.read("digest"))
        vectors, own, hidden = [], [], []
        for columns, root in self._named(self._settings.fit_on):
            vectors.append(self._queries.vectors(columns))
            own.append(self.gallery.own(columns, root))
            for image, digest in zip(columns["image"], columns["digest"], strict=True):
                rows = self._rows.get(absolute_path(root / image), _NO_ROWS)
                hidden.append(np.union1d(rows, copies.get(digest, _NO_ROWS)))
        if not vectors:
            raise nothing_found(self._report, self._settings.fit_on)
        return np.concatenate(vectors), np.concatenate(own), hidden

    def _named(self, arguments: Sequence[str]) -> Iterator[tuple[Columns, Path]]:
        if is_rows(arguments):
            yield from self._queries.file_columns(Path(arguments[0]))
            return
        source = open_sources(arguments, on_unreadable=self._report.unreadable)
        for columns in self._of_source(source):
            yield columns, source.root


_NO_ROWS = np.array([], np.intp)


def label_records(
    sources: Sequence[str],
    index_path: Path | None,
    settings: LabelSettings,
    open_photos: Callable[[], Source],
    base: Path,
    report: Report,
    *,
    sidecars: Sidecars | None = None,
) -> Iterator[Record]:
    """Yield a record for each photo, or object in one, with its label; paths relative to `base`.

    `sources` are photos, which `open_photos` opens, or an encodings file. `index_path` None: the
    index found by default. With `sidecars` the labels are written beside the photos, too.

    Raises:
        UsageError: too few photos of the index have labels.
        BadInput: no index, no labels, or not one photo that can be used.
        Mismatch: the encodings or weights do not fit the index.
    """
    path = index_or_default(index_path, "name one with -i")
    with open_index(path) as index:
        note_older(index, report)
        searcher = Searcher(index, weights=settings.weights, device=settings.device)
        source = None if is_rows(sources) else _not_empty(open_photos(), report)
        labeller = Labeller(searcher, settings, report)
        report.note(labeller.fitted.said())
        found = labeller.label(source) if source else labeller.label_encodings(Path(sources[0]))
        for labelled in sidecars.written(found) if sidecars else found:
            record = labelled.as_record(base)
            yield record | {"position": labelled.position} if source and source.share else record
    if source and source.share:
        yield {"shard": source.share.note() | {"labelled": labeller.fitted.rule.as_record()}}


def _not_empty(source: Source, report: Report) -> Source:
    """Return a source that has photos, or is a share; raises BadInput before anything is fitted."""
    first = list(islice(source.regions, 1))
    if not first and not source.share:
        raise nothing_found(report, source.arguments)
    return replace(source, regions=chain(first, source.regions))


def _with_box(region: Region) -> Region:
    """Return a region whose part to look at is its box, if it has no box."""
    return replace(region, box=region.box or region.crop)


def _rows_by_photo(index: Index) -> dict[str, Codes]:
    return rows_by_name([absolute_path(index.root / image) for image in index.images])
