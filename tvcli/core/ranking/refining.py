"""Refining a rank head on triplets: Deep Ranking's hinge loss over pooled vectors."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import count

import numpy as np
import numpy.typing as npt

from tvcli.core.early_stopping import train_until_worse
from tvcli.core.images.arrays import TINY
from tvcli.core.ranking.closed_form import Taught
from tvcli.core.ranking.losses import triplet_hinge_loss
from tvcli.core.reports import Report
from tvcli.core.training_history import History

Rows = npt.NDArray[np.intp]
Vectors = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

STEPS = 30  # batches of an epoch
BATCH = 64  # triplets of a batch
LEARNING_RATE = 2e-3
PATIENCE = 2  # epochs without a better held-out score
MOMENTS, SMALL = (0.9, 0.999), 1e-8  # of Adam


@dataclass(frozen=True, slots=True)
class HingeSettings:
    """The margin, how strongly the head is held to its start, and how many steps at most.

    `planned` are the steps over which the learning rate falls, where fewer are made.
    """

    margin: float
    hold: float
    steps: int
    seed: int
    planned: int


@dataclass(frozen=True, slots=True)
class Refined:
    """A head (D, C), what happened while it was refined, and how many steps were kept."""

    weight: Vectors
    history: History
    steps: int


def refine(
    taught: Taught,
    weight: Vectors,
    settings: HingeSettings,
    report: Report,
    score: Callable[[Vectors], float] | None = None,
    workers: Executor | None = None,
) -> Refined:
    """Train a head (D, C) by the hinge loss; with a `score` (higher is better) while it rises.

    The head with the best score is kept, the start among them; without a score the last. Where
    there are `workers` they score a head while the next epoch is under way, if there is one
    whatever the score.
    """
    steps = _Steps(weight, taught, settings)
    current = best = weight
    scored = count()
    epochs = -(-settings.steps // STEPS)
    begun: list[float] = []  # the loss of an epoch that was made before it was asked for

    def epoch(number: int) -> float:
        nonlocal current
        loss = begun.pop() if begun else steps.epoch()
        current = steps.weight.copy()
        return loss

    def scored_now() -> float:
        number = next(scored)
        if score is None:
            return number
        if workers is None or number >= min(PATIENCE, epochs):
            return score(current)
        found = workers.submit(score, current)
        begun.append(steps.epoch())
        return found.result()

    def keep() -> None:
        nonlocal best
        best = current

    history = train_until_worse(
        epoch,
        scored_now,
        keep,
        epochs=epochs,
        patience=PATIENCE if score else epochs,
        report=report,
        what="learning",
    )
    return Refined(best, history, min(history.kept * STEPS, settings.steps))


class _Steps:
    """Trains by batches of triplets; where labels are known, every other class is a negative.

    By Adam (Kingma and Ba 2015, algorithm 1), whose learning rate falls to 0 as a cosine.
    """

    def __init__(self, weight: Vectors, taught: Taught, settings: HingeSettings) -> None:
        self.weight, self._start = weight.copy(), weight
        self._taught, self._settings = taught, settings
        self._random = np.random.default_rng(settings.seed)
        self._moments = np.zeros_like(weight), np.zeros_like(weight)
        self._scratch = np.empty_like(weight)
        self._done = 0

    def epoch(self) -> float:
        """Train on `STEPS` batches, or on those that are left; return their mean loss."""
        steps = min(STEPS, self._settings.steps - self._done)
        return float(np.mean([self._batch() for _ in range(steps)]))

    def _batch(self) -> float:
        triplets, settings = self._taught.triplets, self._settings
        chosen = self._random.integers(len(triplets), size=min(BATCH, len(triplets)))
        rows = triplets[chosen].T.ravel()  # anchors, positives, negatives: (3 * wanted,)
        pairs = pairs_of(rows, self._taught.labels)
        vectors = self._taught.vectors[rows]
        loss, gradient = loss_of_head(self.weight, vectors, pairs, settings.margin)
        drift = np.subtract(self.weight, self._start, out=self._scratch)
        drift *= np.float32(2 / self.weight.shape[1])
        drift *= np.float32(settings.hold)
        gradient += drift
        self._descend(gradient)
        return loss

    def _descend(self, gradient: Vectors) -> None:
        rate = LEARNING_RATE * (1 + np.cos(np.pi * self._done / self._settings.planned)) / 2
        self._done += 1
        # In place: to make an array for each of these takes as long as they do.
        scratch = self._scratch
        for moment, kept in zip(self._moments, MOMENTS, strict=True):
            moment *= np.float32(kept)
            moment += np.multiply(gradient, np.float32(1 - kept), out=scratch)
            gradient *= gradient  # for the second
        first, second = (1 - kept**self._done for kept in MOMENTS)  # what zeros at the start bias
        lengths = np.sqrt(self._moments[1], out=scratch)
        lengths *= np.float32(second**-0.5)
        lengths += np.float32(SMALL)
        step = np.divide(self._moments[0], lengths, out=scratch)
        step *= np.float32(rate / first)
        self.weight -= step


def loss_of_head(
    weight: Vectors, vectors: Vectors, pairs: tuple[Mask, Mask], margin: float
) -> tuple[float, Vectors]:
    """Return the hinge loss of vectors (N, C) mapped by a head (D, C), and its gradient (D, C).

    `pairs` (N, N) are the positives and negatives of each.
    """
    raw = vectors @ weight.T  # (N, D)
    lengths = np.linalg.norm(raw, axis=1, keepdims=True).clip(min=TINY)
    mapped = raw / lengths
    loss, of_similarities = triplet_hinge_loss(mapped @ mapped.T, *pairs, margin)
    of_mapped = (of_similarities + of_similarities.T) @ mapped  # (N, D)
    along = np.einsum("nd,nd->n", of_mapped, mapped)[:, None]  # what changes the length alone
    gradient: Vectors = ((of_mapped - along * mapped) / lengths).T @ vectors
    return loss, gradient


def pairs_of(rows: Rows, labels: Rows) -> tuple[Mask, Mask]:
    """Return which of a batch's (3 T,) rows are positives and negatives of which: (3T, 3T) bool.

    A triplet's own, and between rows of known labels whatever their labels say.
    """
    size = len(rows) // 3
    known = labels[rows]
    both = (known[:, None] >= 0) & (known >= 0)
    same = known[:, None] == known
    other = rows[:, None] != rows
    positives, negatives = both & same & other, both & ~same
    anchors = np.arange(size)
    positives[anchors, anchors + size] = True
    negatives[anchors, anchors + 2 * size] = True
    positives &= negatives.any(axis=1, keepdims=True)
    return positives, negatives
