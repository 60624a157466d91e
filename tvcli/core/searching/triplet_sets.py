"""What a person knows of similarity - labels, clicks, mirror images, copies - as triplets."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.artifacts import Artifact, open_artifact
from tvcli.core.files.sampling import ALL, Sample
from tvcli.core.indexes.index import open_index
from tvcli.core.ranking.clicks import read_clicks
from tvcli.core.ranking.labels import folder_label, read_labels
from tvcli.core.ranking.mining import Candidates, Mine, Rows, mine_labelled, nearest, split_photos
from tvcli.core.ranking.rows import RowTable
from tvcli.core.ranking.triplets import Item, Triplet
from tvcli.core.ranking.vectors import Vectors, pool_for, unit_vectors
from tvcli.core.reports import Report, number_of

CopyOf = Callable[[Item], Item]


@dataclass(frozen=True, slots=True)
class TripletSpec:
    """What to make triplets of; with nothing named, the labels that the encodings carry."""

    folders: bool = False
    labels: Path | None = None
    clicks: Path | None = None
    flips: bool = False
    copy_of: CopyOf | None = None
    index: Path | None = None
    mine: Mine = "hard"
    per_anchor: int = 4
    test: float = 0.1
    seed: int = 0
    sample: Sample = ALL  # of the photos that are mined for

    @property
    def by_label(self) -> bool:
        """Whether classes teach: asked for, or nothing else was."""
        others = self.clicks or self.flips or self.copy_of
        return self.folders or self.labels is not None or not others


@dataclass(slots=True)
class TripletSet:
    """The triplets made, and how many clicks had to be dropped to keep the split clean."""

    triplets: list[Triplet] = field(default_factory=list)
    dropped: int = 0

    def counts(self) -> str:
        """Return the counts as a person reads them."""
        by_split = Counter(triplet.split for triplet in self.triplets)
        photos = {item.image for triplet in self.triplets for item in triplet.items}
        text = (
            f"{number_of(len(self.triplets), 'triplet')} of {number_of(len(photos), 'photo')}: "
            f"{by_split['train']} to train, {by_split['test']} to test"
        )
        dropped = f", {self.dropped} dropped (a photo of theirs is in a test triplet)"
        return text + (dropped if self.dropped else "")


def make_triplets(
    path: Path, spec: TripletSpec, report: Report, name: Path | None = None
) -> TripletSet:
    """Make triplets of the rows of an encodings file; `name` is where it would lie.

    The test split is by anchor, and no photo of a test triplet is in a training triplet.

    Raises:
        UsageError: labels are asked for, but none are known.
        BadInput: a file cannot be used, or not one triplet came out.
    """
    rng = np.random.default_rng(spec.seed)
    with open_artifact(path, "encodings") as encodings:
        table = RowTable(encodings, name)
        labels = _labels(table, spec, name or path, report) if spec.by_label else [""] * len(table)
        clicked, liked = _clicks(spec)
        kept = _test_photos(table, labels, clicked, spec, rng)
        candidates = _candidates(encodings, table, labels, kept, spec, report)
    triplet_set = _sort_clicks([*clicked, *_complete(liked, table, candidates)], kept)
    triplet_set.triplets += _mined(table, labels, candidates, spec, rng)
    if not triplet_set.triplets:
        raise BadInput(f"{name or path}: no triplets: every class needs two photos, and another")
    return triplet_set


def _labels(table: RowTable, spec: TripletSpec, path: Path, report: Report) -> list[str]:
    """Return the label of every row, empty where not known."""
    if spec.folders:
        labels = [folder_label(image) for image in table.images]
    elif spec.labels is not None:
        known = read_labels(spec.labels, report)
        labels = [known.get(image, "") for image in table.images]
        if not any(labels):
            raise BadInput(
                f"{spec.labels}: names no photo of {path}: it has {next(iter(known))}, and "
                f"{path} has {table.images[0]}; images are relative to the folder of the labels"
            )
    else:
        labels = table.labels
    if len(set(labels) - {""}) < 2:
        raise UsageError(
            f"{path}: {len(set(labels) - {''})} labels known, two are needed: use --from-folders, "
            f"--labels FILE, --clicks FILE or --flips"
        )
    return labels


def _clicks(spec: TripletSpec) -> tuple[list[Triplet], dict[Item, list[Item]]]:
    if spec.clicks is None:
        return [], {}
    triplets, liked = read_clicks(spec.clicks, spec.per_anchor**2)
    return triplets, {query: said.likes for query, said in liked.items()}


def _test_photos(
    table: RowTable,
    labels: list[str],
    clicked: list[Triplet],
    spec: TripletSpec,
    rng: np.random.Generator,
) -> set[str]:
    """Return the photos kept for testing: whole click triplets, and a share of each class."""
    anchors = sorted({triplet.anchor.image for triplet in clicked})
    chosen = set(rng.permutation(anchors)[: round(spec.test * len(anchors))].tolist())
    told = [triplet for triplet in clicked if triplet.anchor.image in chosen]
    kept = {item.image for triplet in told for item in triplet.items}
    if spec.by_label or spec.flips or spec.copy_of:
        numbers = np.unique(labels, return_inverse=True)[1]
        photos = split_photos(table.photos, numbers, spec.test, rng)
        names = sorted(set(table.images))
        kept |= {names[photo] for photo in photos}
    return kept


def _candidates(
    encodings: Artifact,
    table: RowTable,
    labels: list[str],
    kept: set[str],
    spec: TripletSpec,
    report: Report,
) -> Candidates:
    vectors, known = _vectors(encodings, table, spec, report)
    names = sorted(set(labels) - {""})
    numbers = {name: number for number, name in enumerate(names)}
    coded = np.array([numbers.get(label, -1) for label in labels], np.intp)
    test = np.array([image in kept for image in table.images])
    mined = set(spec.sample.of(table.images, str))
    anchors = np.array([image in mined for image in table.images])
    return Candidates(vectors, table.photos, np.where(known, coded, -1), test, anchors)


def _vectors(
    encodings: Artifact, table: RowTable, spec: TripletSpec, report: Report
) -> tuple[Vectors, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return the vectors to mine with, and of which rows they are known: all without an index."""
    if spec.index is None:
        return unit_vectors(encodings, pool_for(encodings)), np.ones(len(table), bool)
    with open_index(spec.index) as index:
        places = {str(index.root / image): row for row, image in enumerate(index.images)}
        rows = np.array([places.get(image, -1) for image in table.images], np.intp)
        if not (rows >= 0).any():
            raise BadInput(f"{spec.index}: has none of the photos; index them first")
        if missing := int((rows < 0).sum()):
            report.note(f"{missing} rows are not in {spec.index}: no triplets are mined for them")
        vectors = index.vectors(np.maximum(rows, 0))
    return vectors, rows >= 0


def _sort_clicks(clicked: Iterable[Triplet], kept: set[str]) -> TripletSet:
    """Send each click to its side of the split; one with photos on both is dropped."""
    triplet_set = TripletSet()
    for triplet in clicked:
        sides = {item.image in kept for item in triplet.items}
        if len(sides) == 1:
            triplet_set.triplets.append(
                replace(triplet, split="test" if True in sides else "train")
            )
        else:
            triplet_set.dropped += 1
    return triplet_set


def _complete(
    liked: dict[Item, list[Item]], table: RowTable, candidates: Candidates
) -> Iterator[Triplet]:
    """Yield triplets of queries with likes alone: the nearest other photo is the negative."""
    for query, likes in liked.items():
        row = table.row_of(query)
        if row < 0:
            continue
        known = {item.image for item in likes}
        _, near = next(nearest(candidates, np.array([row]), len(likes) + 1))
        others = [table.item(other) for other in near if table.images[other] not in known]
        yield from (Triplet(query, like, others[0]) for like in likes if others)


def _mined(
    table: RowTable,
    labels: list[str],
    candidates: Candidates,
    spec: TripletSpec,
    rng: np.random.Generator,
) -> Iterator[Triplet]:
    side = np.where(candidates.test, "test", "train")
    items = [table.item(row, label) for row, label in enumerate(labels)]
    if spec.by_label:
        for rows in mine_labelled(candidates, spec.per_anchor, spec.mine, rng):
            first, second, third = (items[row] for row in rows)
            yield Triplet(first, second, third, str(side[rows[0]]))
    for positive_of in _transforms(spec):
        upright: Rows = np.flatnonzero(~table.flips & candidates.chosen)
        for anchor, near in nearest(candidates, upright, 1):
            for negative in near[:1]:
                positive = positive_of(items[anchor])
                yield Triplet(items[anchor], positive, items[negative], str(side[anchor]))


def _transforms(spec: TripletSpec) -> Iterator[CopyOf]:
    if spec.flips:
        yield lambda item: item._replace(flip=True)
    if spec.copy_of is not None:
        yield spec.copy_of
