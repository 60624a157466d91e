"""Training a rank head: a start in closed form, then Deep Ranking's hinge loss where it helps."""

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.errors import UsageError
from tvcli.core.parallel import cores, one_blas_thread
from tvcli.core.ranking.calibration import Calibration, calibrate, reliability
from tvcli.core.ranking.closed_form import STARTS, Taught, check_dim, closed_form, start_head
from tvcli.core.ranking.held_out import HeldOut, PooledRows, mapped
from tvcli.core.ranking.metrics import PairCounts, Values
from tvcli.core.ranking.refining import HingeSettings, refine
from tvcli.core.ranking.rehearsal import Rehearsal, rehearsals
from tvcli.core.ranking.start_choice import AUTO, Start, Trial, Trials, best_start
from tvcli.core.reports import Report
from tvcli.core.training_history import History

Rows = npt.NDArray[np.intp]
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RankSettings:
    """How to train: from which start, and at most how many steps of the hinge loss after it.

    `pools` are the poolings to choose from, the usual one first. `hold` is how strongly the head
    is held to its start.
    """

    margin: float = 0.1
    dim: int | None = None
    pools: tuple[str, ...] = ("gem",)
    start: str = AUTO
    steps: int = 150
    hold: float = 0.3
    seed: int = 0


@dataclass(frozen=True, slots=True)
class RankData:
    """Triplets as rows (T, 3) of encodings; `labels` (N,) are numbers, -1 where not known.

    `photos` (N,) tells which photo a row is of (None: each of another). `classes` (N,) are numbers
    of what is known of rows beside the triplets, which the training must not make worse.
    """

    encodings: PooledRows
    train: Rows
    test: Rows
    labels: Rows
    photos: Rows | None = None
    classes: Rows | None = None


@dataclass(slots=True)
class Trained:
    """A head (D, C) of vectors pooled as `start` says, and the held-out figures before and after.

    `trials` are the starts that it was chosen from, `history` that of the hinge loss, of which
    `steps` were kept. `calibration` tells how probably photos of a similarity belong together; None
    where labels do not tell enough. `reliability` is what is said and what is so of the pairs of
    one rehearsal, by a calibration that is fitted to those of the others.
    """

    weight: Vectors
    start: Start
    trials: list[Trial]
    history: History
    steps: int
    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)
    basis: str = ""  # what the figures rest on, in words
    calibration: Calibration | None = None
    reliability: tuple[Values, Values] | None = None

    def choice(self) -> list[dict[str, Any]]:
        """Return the table that the start was chosen by, the one chosen marked."""
        rows = [trial.as_record() for trial in self.trials if trial.figures.known]
        chosen = [trial.start == self.start for trial in self.trials if trial.figures.known]
        return [row | {"chosen": own} for row, own in zip(rows, chosen, strict=True)]


@one_blas_thread()
def train_rank(data: RankData, settings: RankSettings, report: Report) -> Trained:
    """Train a rank head: the best start in closed form, then the hinge loss while it helps.

    Both are chosen by what is held out of the training triplets (`rehearsal`); the test triplets
    are for the figures alone. Wang et al. 2014, "Learning Fine-grained Image Similarity with Deep
    Ranking": the backbone stays frozen as in TiefVision, and a linear map of its vectors learns.

    Raises:
        UsageError: more dimensions are asked for than the encodings have.
    """
    with ThreadPoolExecutor(cores()) as workers:
        return _trained(data, settings, report, workers)


def _trained(
    data: RankData, settings: RankSettings, report: Report, workers: ThreadPoolExecutor
) -> Trained:
    rows = np.unique(data.train)
    vectors = data.encodings.pooled_by(rows, settings.pools, workers.map)
    photos = np.arange(len(data.labels)) if data.photos is None else data.photos
    triplets = np.searchsorted(rows, data.train)
    ways = rehearsals(data.labels[rows], triplets, photos[rows], settings.seed)
    usual, dim, most = settings.pools[0], settings.dim, data.encodings.row_shape[0]
    taught = Taught(vectors[usual], data.labels[rows], triplets)
    check_dim(taught, dim)
    form = None
    if len(vectors) == 1 and settings.start != STARTS[0]:  # for whatever start the trials favour
        form = workers.submit(closed_form, taught)
    tried = Trials(vectors, ways, workers)
    trials = tried.all(settings.start)
    start = best_start(trials, settings.pools, settings.start)
    taught = replace(taught, vectors=vectors[start.pool])
    # All of this goes on beside the hinge loss, whose steps wait for each other.
    rehearsed = [
        workers.submit(_rehearsed, tried, start, place, way, dim, most)
        for place, way in enumerate(ways)
    ]
    judged = [workers.submit(_judged, own) for own in rehearsed]
    known = form.result() if form else None
    head = workers.submit(start_head, taught, start.name, start.share, dim, most, known)
    held_out = HeldOut(data.train, data.test, data.labels, data.photos, data.classes)
    asked = workers.submit(held_out.vectors, data.encodings, vectors, (usual, start.pool))
    before = workers.submit(lambda: held_out.figures(asked.result()[usual]))
    first = rehearsed[0].result() if rehearsed else None
    weight, history, steps = _refined(taught, head, first, settings, report, workers)
    after = held_out.figures(asked.result()[start.pool].mapped(weight, workers.map), workers.map)
    pairs = [found for own in judged if (found := own.result()) is not None]
    return Trained(
        weight,
        start,
        trials,
        history,
        steps,
        before.result(),
        after,
        held_out.said(),
        _calibration(pairs, taught.labels),
        _reliability(pairs, taught.labels),
    )


def _among_all(pairs: list[PairCounts], labels: Rows) -> PairCounts:
    """Return the pairs of rehearsals, of which as many belong together as of all photos.

    A rehearsal searches some of the classes, so that more do: the others count by as much more.
    There are none where no two photos are known to belong together, or apart.
    """
    counts = np.unique(labels[labels >= 0], return_counts=True)[1]
    together, every = (counts * (counts - 1)).sum(), counts.sum() * (counts.sum() - 1)
    found = reduce(PairCounts.joined, pairs, PairCounts())
    if not together or together == every or not found.unrelated.sum():
        return PairCounts()
    wanted = found.related.sum() * (every - together) / together  # unrelated pairs
    found.unrelated = np.round(found.unrelated * (wanted / found.unrelated.sum())).astype(np.int64)
    return found


def _calibration(pairs: list[PairCounts], labels: Rows) -> Calibration | None:
    """Return what similarities mean, by the pairs of rehearsals; None where these are too few."""
    try:
        return calibrate(_among_all(pairs, labels))
    except UsageError:
        return None


def _reliability(pairs: list[PairCounts], labels: Rows) -> tuple[Values, Values] | None:
    """Return what is said of pairs that were not learned from, and what is so; None of few."""
    fitted = _calibration(pairs[:-1], labels)
    return None if fitted is None else reliability(fitted, _among_all(pairs[-1:], labels))


@dataclass(frozen=True, slots=True)
class _Rehearsed:
    """A rehearsal with what it learns from, and the head that it starts from."""

    taught: Taught
    way: Rehearsal
    head: Vectors


def _rehearsed(
    tried: Trials, start: Start, place: int, way: Rehearsal, dim: int | None, most: int
) -> _Rehearsed:
    return _Rehearsed(tried.taught(start.pool, place), way, tried.head(start, place, dim, most))


def _judged(rehearsed: Future[_Rehearsed]) -> PairCounts | None:
    """Return the pairs of photos that the head of a rehearsal never saw; None without labels."""
    own = rehearsed.result()
    if own.way.photos is None and own.way.classes is None:
        return None
    rows, measured = own.way.of_its_rows()
    return measured.pairs(mapped(own.taught.vectors[rows], own.head))


def _refined(
    taught: Taught,
    start: Future[Vectors],
    first: _Rehearsed | None,
    settings: RankSettings,
    report: Report,
    workers: Executor,
) -> tuple[Vectors, History, int]:
    """Return a head, refined for as many steps as help in the first rehearsal, and that history.

    Where nothing can be rehearsed, all steps are made. The head to `start` from may still be in the
    making while it is rehearsed.
    """
    if not settings.steps or (first is not None and not len(first.taught.triplets)):
        return start.result(), History([float("nan")], [0.0]), 0
    steps = settings.steps
    hinge = HingeSettings(settings.margin, settings.hold, steps, settings.seed, steps)
    if first is None:
        blind = refine(taught, start.result(), hinge, report)
        return blind.weight, blind.history, blind.steps
    rows, measured = first.way.of_its_rows()
    vectors = taught.vectors[rows]
    base = measured.figures(vectors @ first.head.T)

    def score(weight: Vectors) -> float:
        begun = not np.array_equal(weight, first.head)
        figures = measured.figures(vectors @ weight.T) if begun else base
        if figures.harms(base):
            return -1.0
        return figures.score if figures.exceeds(base) else base.score  # no gain yet

    rehearsed = refine(first.taught, first.head, hinge, report, score, workers)
    if not rehearsed.steps:
        return start.result(), rehearsed.history, 0
    kept = replace(hinge, steps=rehearsed.steps)
    refined = refine(taught, start.result(), kept, report)
    return refined.weight, rehearsed.history, rehearsed.steps
