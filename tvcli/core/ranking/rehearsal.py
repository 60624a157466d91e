"""Rehearsals: parts of what is taught, held out while it is chosen how to learn from it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from tvcli.core.images.arrays import TINY
from tvcli.core.ranking.held_out import first_hits
from tvcli.core.ranking.metrics import PairCounts, Values

Rows = npt.NDArray[np.intp]
Vectors = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Each = tuple[Values, ...]

FOLDS = 3  # each class is held out once
HELD = 0.2  # of a class's photos, at least one of three
MOST_QUERIES = 200  # for a figure
MOST_SEARCHED = 700  # photos, likewise
FEWEST_CLASSES = 4  # from which on classes are held out, two at least
FEWEST_TRIPLETS = 16  # held out, where there are no labels; fewer would choose by chance


@dataclass(frozen=True, slots=True)
class Figures:
    """What a rehearsal came to; None where it is not measured.

    `photos` and `classes` are of held-out photos of the classes taught, and of classes held out
    whole: the mean of hit@1 and of the precision of the first 20 hits. `triplets` is the share of
    held-out triplets in the right order. `each` has what the figures known are means of, query by
    query.
    """

    photos: float | None = None
    classes: float | None = None
    triplets: float | None = None
    each: Each = field(default=(), compare=False)

    def exceeds(self, other: "Figures") -> bool:
        """Tell whether the score is above another's by more than the standard error of that.

        Query by query, of the same rehearsals: few queries show little.
        """
        pairs = [own - theirs for own, theirs in zip(self.each, other.each, strict=True)]
        variance = sum(float(np.var(pair)) / len(pair) for pair in pairs)
        return self.score - other.score > float(np.sqrt(variance)) / max(1, len(pairs))

    @property
    def known(self) -> list[float]:
        """The figures that are measured."""
        return [v for v in (self.photos, self.classes, self.triplets) if v is not None]

    @property
    def score(self) -> float:
        """Their mean: what is taught counts as much as what is not; 0 where none is measured."""
        return float(np.mean(self.known)) if self.known else 0.0

    def harms(self, other: "Figures") -> bool:
        """Tell whether one of the figures is below that of another rehearsal."""
        return any(own < theirs for own, theirs in zip(self.known, other.known, strict=True))


def mean_figures(figures: list[Figures]) -> Figures:
    """Return the mean of rehearsals, figure by figure, of those that have it."""

    def mean(name: str) -> float | None:
        known = [value for each in figures if (value := getattr(each, name)) is not None]
        return float(np.mean(known)) if known else None

    kinds = zip(*(own.each for own in figures), strict=False)
    each = tuple(np.concatenate(kind) for kind in kinds)
    return Figures(mean("photos"), mean("classes"), mean("triplets"), each)


@dataclass(frozen=True, slots=True)
class Products:
    """Dot products of vectors in a rehearsal, and what they are side by side with others.

    `lengths` (N,) are squared; `photos` and `classes` (Q, N) are of queries with what they search,
    `held` (2, T) of anchors with positives and with negatives.
    """

    lengths: Vectors
    photos: Vectors | None = None
    classes: Vectors | None = None
    held: Vectors | None = None

    def beside(self, other: "Products", weight: float) -> "Products":
        """Return those of these vectors times a weight, with others beside them."""
        square = np.float32(weight**2)

        def both(own: Vectors | None, theirs: Vectors | None) -> Vectors | None:
            return None if own is None or theirs is None else square * own + theirs

        return Products(
            square * self.lengths + other.lengths,
            both(self.photos, other.photos),
            both(self.classes, other.classes),
            both(self.held, other.held),
        )


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One way to hold out: what is learned from, and what is measured.

    `labels` (N,) are those of the rows learned from, -1 elsewhere, `triplets` (T, 3) what is
    learned from; `truth` (N,) all labels known. Each of `photos` and `classes` is which rows are
    searched, and which of these with; `held` (T, 3) are triplets to get into the right order.
    """

    labels: Rows
    triplets: Rows
    truth: Rows
    photos: tuple[Rows, Rows] | None = None
    classes: tuple[Rows, Rows] | None = None
    held: Rows | None = None

    def of_its_rows(self) -> tuple[Rows, "Rehearsal"]:
        """Return the rows (n,) that it measures by, and itself with these numbered from 0 on."""
        ways = [rows for of in (self.photos, self.classes) if of is not None for rows in of]
        held = self.held
        rows = np.unique(
            np.concatenate([*ways, np.empty(0, np.intp) if held is None else held.ravel()])
        )

        def places(of: tuple[Rows, Rows] | None) -> tuple[Rows, Rows] | None:
            return (
                None if of is None else (np.searchsorted(rows, of[0]), np.searchsorted(rows, of[1]))
            )

        return rows, replace(
            self,
            truth=self.truth[rows],
            photos=places(self.photos),
            classes=places(self.classes),
            held=None if held is None else np.searchsorted(rows, held),
        )

    def products(self, vectors: Vectors) -> Products:
        """Return the dot products of vectors (N, D), of any length, that the figures need."""
        photos, classes = (
            None if of is None else (vectors[of[1]] @ vectors[of[0]].T)
            for of in (self.photos, self.classes)
        )
        lengths = np.einsum("nd,nd->n", vectors, vectors)
        if self.held is None:
            return Products(lengths, photos, classes)
        anchor, *others = (vectors[rows] for rows in self.held.T)
        return Products(lengths, photos, classes, np.stack([(anchor * o).sum(1) for o in others]))

    def figures(self, vectors: Vectors) -> Figures:
        """Return how well vectors (N, D), of any length, rank what is held out by their cosines."""
        return self.figures_by(self.products(vectors))

    def figures_by(self, found: Products) -> Figures:
        """Return how well vectors of such products rank what is held out."""
        scales: Vectors = np.sqrt(found.lengths).clip(min=TINY) ** np.float32(-1)
        # Divided by the lengths of what is searched alone: those of queries change no order.
        photos, classes = (
            np.array([])
            if of is None or products is None
            else first_hits(
                products * scales[of[0]], self.truth[of[0]], np.searchsorted(of[0], of[1])
            )
            for of, products in ((self.photos, found.photos), (self.classes, found.classes))
        )
        order: Values = np.array([])
        if self.held is not None and found.held is not None:
            nearer, farther = found.held * scales[self.held.T[1:]]
            order = (nearer > farther).astype(np.float64)
        every = (photos, classes, order)
        known = tuple(values for values in every if len(values))
        first, second, third = (float(v.mean()) if len(v) else None for v in every)
        return Figures(first, second, third, known)

    def pairs(self, vectors: Vectors) -> PairCounts:
        """Return how similar held-out photos are to what they should find, and to the rest.

        Of vectors (N, D) of unit length, mapped by a head that has not learned from these photos.
        """
        counts = PairCounts()
        for rows, queries in (of for of in (self.photos, self.classes) if of is not None):
            similarities = vectors[queries] @ vectors[rows].T
            similarities[np.arange(len(queries)), np.searchsorted(rows, queries)] = -np.inf
            counts.add_all(similarities, self.truth[queries][:, None] == self.truth[rows])
        return counts


def rehearsals(labels: Rows, triplets: Rows, photos: Rows, seed: int) -> list[Rehearsal]:
    """Return the ways to hold out: by class and photo where labels are known, else by anchor.

    `labels` (N,) are numbers, -1 where not known; `triplets` (T, 3) rows; `photos` (N,) tells
    which photo a row is of. No photo that is held out is learned from.
    """
    rng = np.random.default_rng(seed)
    if len(np.unique(labels[labels >= 0])) > 1:
        return list(_by_class(labels, triplets, photos, rng))
    return list(_by_anchor(labels, triplets, photos, rng))


def _by_class(
    labels: Rows, triplets: Rows, photos: Rows, rng: np.random.Generator
) -> Iterator[Rehearsal]:
    classes = rng.permutation(np.unique(labels[labels >= 0]))
    groups = np.array_split(classes, FOLDS)
    if len(classes) < FEWEST_CLASSES:
        groups = [classes[:0]] * FOLDS
    elif len(groups[-1]) < 2:  # the smallest
        groups = np.array_split(classes, 2)
    for group in groups:
        untaught = np.isin(labels, group)
        held = _held_photos(np.where(untaught, -1, labels), photos, rng)
        learned = (labels >= 0) & ~untaught & ~held
        known = np.where(learned, labels, -1)
        usable = ~(untaught | held)
        by_photo = _searches((labels >= 0) & ~untaught, held, rng)
        by_class = _searches(untaught, untaught, rng)
        kept = triplets[usable[triplets].all(axis=1)]
        yield Rehearsal(known, kept, labels, by_photo, by_class)


def _held_photos(labels: Rows, photos: Rows, rng: np.random.Generator) -> Mask:
    """Return which rows are of photos held out: a share of each class, none of classes of two."""
    held: list[int] = []
    for label in np.unique(labels[labels >= 0]):
        own = np.unique(photos[labels == label])
        if len(own) > 2:
            held += rng.permutation(own)[: max(1, int(HELD * len(own)))].tolist()
    return np.isin(photos, held)


def _searches(gallery: Mask, queries: Mask, rng: np.random.Generator) -> tuple[Rows, Rows] | None:
    """Return rows to search and those of them to search with, samples of both; None without."""
    asked = np.flatnonzero(queries & gallery)
    if not len(asked):
        return None
    asked = np.sort(rng.permutation(asked)[:MOST_QUERIES])
    rest = np.setdiff1d(np.flatnonzero(gallery), asked)
    rows = np.union1d(asked, rng.permutation(rest)[: MOST_SEARCHED - len(asked)])
    return rows, asked


def _by_anchor(
    labels: Rows, triplets: Rows, photos: Rows, rng: np.random.Generator
) -> Iterator[Rehearsal]:
    """Hold out anchors in turn; a triplet with a photo of a held-out one is not learned from."""
    anchors = rng.permutation(np.unique(photos[triplets[:, 0]]))
    for group in np.array_split(anchors, FOLDS)[:2]:  # each click of a person waits for them
        chosen = np.isin(photos[triplets[:, 0]], group)
        of = np.unique(photos[triplets[chosen]])
        kept = triplets[~np.isin(photos[triplets], of).any(axis=1)]
        if chosen.sum() >= FEWEST_TRIPLETS and len(kept) >= FEWEST_TRIPLETS:
            yield Rehearsal(labels, kept, labels, held=triplets[chosen])
