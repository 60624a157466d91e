"""Refining a rank head on triplets: Deep Ranking's hinge loss over pooled vectors."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tvcli.core.encoding.encode import one_thread_each
from tvcli.core.optimizers import Adam
from tvcli.core.ranking.closed_form import Taught
from tvcli.core.ranking.losses import triplet_hinge_loss
from tvcli.core.ranking.rank_head import RankHead
from tvcli.core.reports import Report
from tvcli.core.training import fit, seeded
from tvcli.core.training_history import History

Rows = npt.NDArray[np.intp]
Vectors = npt.NDArray[np.float32]

STEPS = 30  # batches of an epoch
BATCH = 64  # triplets of a batch
LEARNING_RATE = 2e-3
PATIENCE = 2  # epochs without a better held-out score


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
) -> Refined:
    """Train a head (D, C) by the hinge loss; with a `score` (higher is better) while it rises.

    The head with the best score is kept, the start among them; without a score the last.
    """
    epochs_done = count()
    with one_thread_each(), seeded(settings.seed) as generator:  # its steps are too small for more
        head = RankHead(torch.from_numpy(weight.copy()))
        steps = _Steps(head, taught, settings, generator)

        def judged() -> float:
            return score(_weight(head)) if score else next(epochs_done)

        epochs = -(-settings.steps // STEPS)
        patience = PATIENCE if score else epochs
        history = fit(
            head,
            lambda epoch: steps.epoch(),
            judged,
            epochs=epochs,
            patience=patience,
            report=report,
            what="learning",
        )
    return Refined(_weight(head), history, min(history.kept * STEPS, settings.steps))


def _weight(head: RankHead) -> Vectors:
    weight: Vectors = head.weight.detach().numpy()
    return weight.copy()


class _Steps:
    """Trains by batches of triplets; where labels are known, every other class is a negative."""

    def __init__(
        self, head: RankHead, taught: Taught, settings: HingeSettings, generator: torch.Generator
    ) -> None:
        self.head, self.taught, self.settings, self.generator = head, taught, settings, generator
        self.left = settings.steps
        self.optimizer = Adam(head.parameters(), lr=LEARNING_RATE)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, settings.planned)

    def epoch(self) -> float:
        """Train on `STEPS` batches, or on those that are left; return their mean loss."""
        steps = min(STEPS, self.left)
        self.left -= steps
        return float(np.mean([self._batch() for _ in range(steps)]))

    def _batch(self) -> float:
        triplets = self.taught.triplets
        wanted = min(BATCH, len(triplets))
        chosen = torch.randint(len(triplets), (wanted,), generator=self.generator).numpy()
        rows = triplets[chosen].T.ravel()  # anchors, positives, negatives: (3 * wanted,)
        mapped = self.head(torch.from_numpy(self.taught.vectors[rows]))
        positives, negatives = pairs_of(rows, self.taught.labels)
        loss = triplet_hinge_loss(mapped @ mapped.T, positives, negatives, self.settings.margin)
        self.optimizer.zero_grad()
        (loss + self.settings.hold * self.head.drift()).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.schedule.step()
        return float(loss.detach())


def pairs_of(rows: Rows, labels: Rows) -> tuple[Tensor, Tensor]:
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
    return torch.from_numpy(positives), torch.from_numpy(negatives)
