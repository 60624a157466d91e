"""Training a rank head on triplets: Deep Ranking's hinge loss over a frozen backbone's maps."""

from dataclasses import dataclass, field
from itertools import count

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from tvcli.core.encoding.encode import one_thread_each
from tvcli.core.ranking.losses import triplet_hinge_loss
from tvcli.core.ranking.metrics import query_figures, relevant_ranks
from tvcli.core.ranking.rank_head import RankHead, identity_head, pca_head
from tvcli.core.ranking.views import Encodings
from tvcli.core.reports import Report
from tvcli.core.training import History, fit, seeded

Rows = npt.NDArray[np.intp]

STEPS = 30  # batches of an epoch
BATCH = 64  # triplets of a batch
LEARNING_RATE = 2e-3
PATIENCE = 4  # epochs without a better held-out loss
MOST_OTHERS = 500  # photos of other classes that are searched with


@dataclass(frozen=True, slots=True)
class RankSettings:
    """How to train: `hold` is how strongly the head is held to its start."""

    margin: float = 0.1
    dim: int | None = None
    pool: str = "gem"
    epochs: int = 20
    hold: float = 0.3
    seed: int = 0


@dataclass(frozen=True, slots=True)
class RankData:
    """Triplets as rows (T, 3) of encodings; `labels` (N,) are numbers, -1 where not known.

    `photos` (N,) tells which photo a row is of (None: each of another). `classes` (N,) are numbers
    of what is known of rows beside the triplets, which the training must not make worse.
    """

    encodings: Encodings
    train: Rows
    test: Rows
    labels: Rows
    photos: Rows | None = None
    classes: Rows | None = None


@dataclass(slots=True)
class Trained:
    """A trained head, and the held-out figures before and after, by name."""

    head: RankHead
    history: History
    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)
    basis: str = ""  # what the figures rest on, in words


def train_rank(data: RankData, settings: RankSettings, report: Report) -> Trained:
    """Train a rank head; early stopping on the held-out triplets, where there are any.

    Wang et al. 2014, "Learning Fine-grained Image Similarity with Deep Ranking": the backbone stays
    frozen as in TiefVision, and a 1x1 convolution learns. Each batch is of random windows.

    Raises:
        UsageError: more dimensions are asked for than the encodings have.
    """
    with one_thread_each(), seeded(settings.seed) as generator:  # its steps are too small for more
        head = _start(data, settings)
        held_out = HeldOut(data, settings.pool)
        before = held_out.figures(head)
        step = _Step(head, data, settings, generator)
        epochs_done = count()
        history = fit(
            head,
            lambda epoch: step.epoch(),
            lambda: held_out.score(head, settings.margin) if len(data.test) else next(epochs_done),
            epochs=settings.epochs,
            patience=PATIENCE,
            report=report,
            what="learning",
        )
    return Trained(head, history, before, held_out.figures(head), held_out.said())


def _start(data: RankData, settings: RankSettings) -> RankHead:
    if settings.dim is None:
        return identity_head(data.encodings.row_shape[0])
    rows = np.unique(data.train)
    return pca_head(data.encodings.pooled(rows, settings.pool), settings.dim)


class _Step:
    """Trains by batches of triplets; where labels are known, every other class is a negative."""

    def __init__(
        self, head: RankHead, data: RankData, settings: RankSettings, generator: torch.Generator
    ) -> None:
        self.head, self.data, self.settings, self.generator = head, data, settings, generator
        self.optimizer = torch.optim.Adam(head.parameters(), lr=LEARNING_RATE)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            self.optimizer, STEPS * settings.epochs
        )

    def epoch(self) -> float:
        """Train on `STEPS` batches; return their mean loss."""
        return float(np.mean([self._batch() for _ in range(STEPS)]))

    def _batch(self) -> float:
        wanted = min(BATCH, len(self.data.train))
        chosen = torch.randint(len(self.data.train), (wanted,), generator=self.generator).numpy()
        rows = self.data.train[chosen].T.ravel()  # anchors, positives, negatives: (3 * wanted,)
        vectors = self.data.encodings.views(rows, self.settings.pool, self.generator)
        mapped = self.head(vectors)
        positives, negatives = pairs_of(rows, self.data.labels)
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


class HeldOut:
    """The held-out triplets, and where labels allow held-out photos that search all others."""

    def __init__(self, data: RankData, pool: str) -> None:
        self._rows = np.unique(np.concatenate([data.train.ravel(), data.test.ravel()]))
        self._vectors = data.encodings.pooled(self._rows, pool)  # (n, C)
        self._triplets = np.searchsorted(self._rows, data.test)  # (T, 3) places
        self._labels = data.labels[self._rows]
        anchors = np.unique(self._triplets[:, 0]) if len(data.test) else np.array([], np.intp)
        self._queries = anchors[self._labels[anchors] >= 0]
        self._others = Others(data, pool, self._rows)
        photos = self._rows if data.photos is None else data.photos[self._rows]
        self._photos = len(np.unique(photos[self._triplets[:, 0]]))

    def said(self) -> str:
        """Return what the figures rest on, in words."""
        if not len(self._triplets):
            return "no held-out triplets: how much was learned is not measured"
        classes = len(np.unique(self._labels[self._queries]))
        of = f" of {classes} classes" if classes else ""
        return f"{self._photos} held-out photos{of}; {self._others.said()}"

    def score(self, head: RankHead, margin: float) -> float:
        """Return the mean hinge loss over the held-out triplets, negative: higher is better."""
        positive, negative = self._similarities(head)
        return -float(F.relu(margin - positive + negative).mean())

    def figures(self, head: RankHead) -> dict[str, float]:
        """Return the triplet accuracy, and hit@1 and mAP of held-out photos of known labels."""
        if not len(self._triplets):
            return {}
        positive, negative = self._similarities(head)
        figures = {"triplet accuracy": float((positive > negative).float().mean())}
        with torch.no_grad():
            found = searched(head(self._vectors), self._labels, self._queries)
        if found:
            hit, average = np.mean(found, axis=0)
            figures |= {"hit@1": float(hit), "mAP": float(average)}
        return figures | self._others.figures(head)

    @torch.no_grad()
    def _similarities(self, head: RankHead) -> tuple[Tensor, Tensor]:
        anchor, positive, negative = (head(self._vectors[role]) for role in self._triplets.T)
        return (anchor * positive).sum(1), (anchor * negative).sum(1)


class Others:
    """The photos of classes that no triplet tells of: what was learned must not cost them."""

    def __init__(self, data: RankData, pool: str, taught: Rows) -> None:
        """Take the rows that are not `taught` (n,), and of each class those of two and more."""
        classes = np.full(len(data.labels), -1) if data.classes is None else data.classes
        known = set(classes[taught].tolist())
        rows = np.array(
            [row for row, name in enumerate(classes) if name >= 0 and name not in known], np.intp
        )
        numbers, counts = np.unique(classes[rows], return_counts=True)
        rows = rows[np.isin(classes[rows], numbers[counts > 1])]
        self._classes = classes[rows]
        self._queries = np.linspace(0, len(rows) - 1, min(MOST_OTHERS, len(rows))).astype(np.intp)
        self._vectors = data.encodings.pooled(rows, pool) if len(rows) else torch.empty(0)

    def said(self) -> str:
        """Return whether other classes are measured, in words."""
        if not len(self._queries):
            return "other classes not measured"
        count = len(np.unique(self._classes))
        return f"{len(self._queries)} photos of {count} other classes, which were not taught"

    @torch.no_grad()
    def figures(self, head: RankHead) -> dict[str, float]:
        """Return hit@1 and mAP of the photos among themselves; nothing where there are none."""
        if not len(self._queries):
            return {}
        found = searched(head(self._vectors), self._classes, self._queries)
        hit, average = np.mean(found, axis=0)
        return {"hit@1 of other classes": float(hit), "mAP of other classes": float(average)}


def searched(vectors: Tensor, labels: Rows, queries: Rows) -> list[tuple[float, float]]:
    """Return hit@1 and average precision of each query (a row) that has something to find."""
    found = []
    for place in queries:
        similarities = (vectors @ vectors[place]).numpy()
        similarities[place] = -np.inf
        relevant = np.flatnonzero(labels == labels[place])
        relevant = relevant[relevant != place]
        if len(relevant):
            hit, _, _, average, _ = query_figures(relevant_ranks(similarities, relevant), [1])
            found.append((hit, average))
    return found
