"""Which head training starts from, and of which pooling: what held-out data favours."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.ranking.closed_form import (
    SHARES,
    STARTS,
    WHITENED,
    ClosedForm,
    Taught,
    closed_form,
    formed_head,
    scatter,
    start_head,
)
from tvcli.core.ranking.rehearsal import Figures, Products, Rehearsal, mean_figures

AUTO = "auto"
FEWEST_DIRECTIONS = 8  # below which a discriminant alone makes too many photos equal
UNMEASURED = "blend"  # where nothing can be held out: with its first share it is careful

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Start:
    """A head to start from: the pooling of its vectors, its name, and its share (`SHARES`)."""

    pool: str
    name: str
    share: float = 1.0

    @property
    def title(self) -> str:
        """Its name as a person reads it."""
        return f"{self.name} {self.share:g}" if self.name in SHARES else self.name


@dataclass(frozen=True, slots=True)
class Trial:
    """A start, and the figures of the rehearsals with it."""

    start: Start
    figures: Figures

    def as_record(self) -> dict[str, Any]:
        """Return it as a row of a table; what is not measured is left out."""
        record: dict[str, Any] = {"pool": self.start.pool, "start": self.start.title}
        names = {"held-out photos": "photos", "held-out classes": "classes", "triplets": "triplets"}
        values = {title: getattr(self.figures, name) for title, name in names.items()}
        return record | {t: round(value, 4) for t, value in values.items() if value is not None}


class Trials:
    """Starts as rehearsals try them, on vectors (N, C) of unit length by their pooling.

    What was decomposed for the pooling tried last is kept: it is often the one that is taken.
    """

    def __init__(
        self, vectors: Mapping[str, Vectors], rehearsals: Sequence[Rehearsal], workers: Executor
    ) -> None:
        self._vectors, self._rehearsals, self._workers = vectors, rehearsals, workers
        self._kept: dict[tuple[str, int], ClosedForm] = {}

    def all(self, wanted: str = AUTO) -> list[Trial]:
        """Return what each start that is `wanted` comes to.

        The identity is always among them, as what nothing may fall below.
        """
        found = {
            pool: [
                self._workers.submit(self._tried, pool, place, wanted)
                for place in range(len(self._rehearsals))
            ]
            for pool in self._vectors
        }
        return [
            Trial(start, mean_figures([way.result()[start] for way in ways]))
            for pool, ways in found.items()
            for start in _wanted(pool, wanted)
            if all(start in way.result() for way in ways)
        ]

    def taught(self, pool: str, place: int) -> Taught:
        """Return what a rehearsal learns from."""
        way = self._rehearsals[place]
        return Taught(self._vectors[pool], way.labels, way.triplets)

    def head(self, start: Start, place: int, dim: int | None, most: int) -> Vectors:
        """Return the head (D, C) that a rehearsal makes of a start, as `start_head` does."""
        taught = self.taught(start.pool, place)
        if start.name == STARTS[0]:
            return start_head(taught, start.name, 1.0, dim, most)
        form = self._kept.get((start.pool, place)) or closed_form(taught)
        return formed_head(form, start.name, start.share, dim or most)

    def _tried(self, pool: str, place: int, wanted: str) -> dict[Start, Figures]:
        """Return the figures of one rehearsal with each start that it can tell something of."""
        way = _Way(self.taught(pool, place), self._rehearsals[place])
        if pool == list(self._vectors)[-1]:
            self._kept[pool, place] = way.form
        return {
            start: way.measured.figures_by(way.products(start))
            for start in _wanted(pool, wanted)
            if wanted != AUTO or way.size(start) >= FEWEST_DIRECTIONS
        }


class _Way:
    """A rehearsal, and what it measures by: the vectors of its rows alone, mapped by starts.

    Dot products of blends are put together from those of their parts, which is much faster than to
    map by each.
    """

    def __init__(self, taught: Taught, way: Rehearsal) -> None:
        rows, self.measured = way.of_its_rows()
        spanned = taught.spanned()
        self.form = ClosedForm(scatter(spanned))
        self._vectors = taught.vectors[rows]
        self._turned = self.form.turned(spanned.vectors[rows])
        self._by = cache(self._products_by)  # what starts share is mapped once

    def size(self, start: Start) -> int:
        """Return how many values the vectors of a start have."""
        alone = self.form.directions if start.name in ("discriminant", "blend") else 0
        return alone if start.name == "discriminant" else alone + self._vectors.shape[1]

    def products(self, start: Start) -> Products:
        """Return the dot products of vectors mapped by a start."""
        if start.name != "blend":
            return self._by(start.name, start.share)
        return self._by("discriminant", 1.0).beside(self._by("wccn", WHITENED), start.share)

    def _products_by(self, name: str, share: float) -> Products:
        of_identity = name == STARTS[0]
        vectors = self._vectors if of_identity else self.form.mapped(self._turned, name, share)
        return self.measured.products(vectors)


def starts(pool: str) -> list[Start]:
    """Return all starts for vectors of a pooling."""
    return [Start(pool, name, share) for name in STARTS for share in _shares(name)]


def _wanted(pool: str, wanted: str) -> list[Start]:
    """Return the starts to try: those that are `wanted`, and the identity."""
    every = starts(pool)
    return every if wanted == AUTO else [s for s in every if s.name in (wanted, STARTS[0])]


def _shares(name: str) -> tuple[float, ...]:
    return SHARES.get(name, (1.0,))


def best_start(trials: Sequence[Trial], pools: Sequence[str], wanted: str = AUTO) -> Start:
    """Return the start with the best score, of those that harm nothing; `pools[0]` is the usual.

    Harm is any figure below that of the identity on the usual pooling, which stays where no start
    is better by more than chance (`Figures.exceeds`): few labels show little. Where nothing could
    be held out, or a start is `wanted`, that one, of the pooling that does best by it.
    """
    measured = [trial for trial in trials if trial.figures.known]
    usual = next((t for t in measured if t.start == Start(pools[0], STARTS[0])), None)
    named = [trial for trial in measured if wanted in (AUTO, trial.start.name)]
    if usual is None or not named:
        name = UNMEASURED if wanted == AUTO else wanted
        return Start(pools[0], name, _shares(name)[0])
    harmless = [trial for trial in named if not trial.figures.harms(usual.figures)]
    best = max(harmless or named, key=lambda trial: trial.figures.score)
    return best.start if wanted != AUTO or best.figures.exceeds(usual.figures) else usual.start
