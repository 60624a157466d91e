"""Learning to verify: close looks at the object against looks at photos that do not show it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from tvcli.core.location.basis import LEAST_HELD_OUT
from tvcli.core.location.look_cells import Looks, folds, kernel_of
from tvcli.core.location.verifier import Verifier
from tvcli.core.optimizers import LBFGS

Scores = npt.NDArray[np.float64]

DECAY = 0.01  # of the weights, for inputs of variance one
FOLDS = 5
LOST = 0.05  # of the photos with the object: what the threshold may cost
HARDEST = 4  # of a photo without the object, one look in so many: those a locator would choose
STEPS = 60


@dataclass(frozen=True, slots=True)
class Verification:
    """How well photos are told apart that a verifier has not seen, at its threshold.

    `lost` is the share of `photos` with the object that fall below it, `false` the share of
    `others`, and `taken` the share of `distractors`, that do not.
    """

    photos: int
    others: int
    lost: float
    false: float
    distractors: int = 0
    taken: float = 0.0


def train_verifier(looks: Looks) -> tuple[Verifier, Verification] | None:
    """Train on close looks; None with fewer than five photos of either kind.

    A logistic regression on maps averaged over 4 x 4 cells. Every photo is scored by regressions
    of the other photos (cross-validation): from these scores come the calibration (Platt 1999) and
    the threshold, below which one in twenty photos with the object falls.
    """
    if min(looks.counts) < LEAST_HELD_OUT:
        return None
    shown, others, distractors = _photo_scores(looks)
    weights, bias = _fitted(looks, np.ones(len(looks.shown), bool))
    slope, offset = _calibration(shown, np.concatenate([others, distractors]))
    lowest = float(np.quantile(shown, LOST))
    threshold = float(torch.sigmoid(torch.tensor(slope * lowest + offset, dtype=torch.float64)))
    kernel = kernel_of(weights * slope, looks.window)
    found = Verification(
        len(shown),
        len(others),
        1 - _share(shown, lowest),
        _share(others, lowest),
        len(distractors),
        _share(distractors, lowest),
    )
    return Verifier(kernel, bias * slope + offset, threshold), found


def _share(scores: Scores, lowest: float) -> float:
    """Return how many of some scores reach the lowest; 0 of none."""
    return float((scores >= lowest).mean()) if len(scores) else 0.0


def _fitted(looks: Looks, chosen: npt.NDArray[np.bool_]) -> tuple[Tensor, float]:
    """Return weights (C, g, g) and the bias fitted to some looks and to their mirror images."""
    cells = looks.cells[torch.from_numpy(chosen)]
    inputs = torch.cat([cells, cells.flip(3)]).flatten(1)
    shown, weigh = _weighed(looks, chosen)
    mean, spread = inputs.mean(0), inputs.std(0).square().mean().sqrt().clamp(min=1e-6)
    inputs = inputs.sub_(mean).div_(spread)
    weights, bias = _logistic(inputs, shown, weigh, DECAY)
    weights = weights / spread
    return weights.reshape(cells.shape[1:]), float(bias - weights @ mean)


def _weighed(looks: Looks, chosen: npt.NDArray[np.bool_]) -> tuple[Tensor, Tensor]:
    """Return whether looks and their mirror images show the object (2M,), and what each weighs.

    The object weighs one half. What does not show it weighs the other half, of which distractors,
    where there are others as well, have one half again: a few photos of what is taken for the
    object count, however many distractors there are.
    """
    others = [kind & chosen for kind in (~looks.shown & ~looks.shipped, looks.shipped)]
    present = [kind for kind in others if kind.any()]
    weigh = np.where(looks.shown, 0.5 / max(1, (looks.shown & chosen).sum()), 0.0)
    for kind in present:
        weigh[kind] = 0.5 / len(present) / kind.sum()
    both = (np.tile(values[chosen], 2) for values in (looks.shown, weigh / 2))
    shown, weights = (torch.from_numpy(values).float() for values in both)
    return shown, weights


def _logistic(inputs: Tensor, wanted: Tensor, weigh: Tensor, decay: float) -> tuple[Tensor, Tensor]:
    """Return weights (F,) and the bias of a logistic regression of inputs that weigh (N,)."""
    weights = torch.zeros(inputs.shape[1], dtype=inputs.dtype, requires_grad=True)
    bias = torch.zeros((), dtype=inputs.dtype, requires_grad=True)
    solver = LBFGS([weights, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        solver.zero_grad()
        odds = inputs @ weights + bias
        each = F.binary_cross_entropy_with_logits(odds, wanted, reduction="none")
        total = (each * weigh).sum() + decay * weights.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    solver.step(loss)
    return weights.detach(), bias.detach()


def _photo_scores(looks: Looks) -> tuple[Scores, Scores, Scores]:
    """Return scores of photos with the object (P,), without it (Q,), and of distractors (R,).

    Cross-validated: each by a regression of other photos.
    """
    fold = np.zeros(len(looks.photos), np.intp)
    for own in (looks.shown, ~looks.shown):
        fold[own] = folds(looks.photos[own], FOLDS)
    scores = np.zeros(len(fold))
    for number in range(FOLDS):
        weights, bias = _fitted(looks, fold != number)
        held = torch.from_numpy(fold == number)
        odds = looks.cells[held].flatten(1) @ weights.flatten() + bias
        scores[fold == number] = odds.double().numpy()
    shown = [own.mean() for own in _by_photo(looks, scores, looks.shown)]
    others = [
        np.sort(own)[-max(1, len(own) // HARDEST) :].mean()
        for own in _by_photo(looks, scores, ~looks.shown & ~looks.shipped)
    ]
    return np.array(shown), np.array(others), scores[looks.shipped]


def _by_photo(looks: Looks, scores: Scores, own: npt.NDArray[np.bool_]) -> Iterator[Scores]:
    """Yield the scores of some looks, photo by photo."""
    for photo in np.unique(looks.photos[own]):
        yield scores[own & (looks.photos == photo)]


def _calibration(shown: Scores, others: Scores) -> tuple[float, float]:
    """Return slope and offset that make log-odds of photos' scores (Platt 1999, section 2.2)."""
    scores = torch.from_numpy(np.concatenate([shown, others]))
    high, low = (len(shown) + 1) / (len(shown) + 2), 1 / (len(others) + 2)
    wanted = torch.cat([torch.full((len(shown),), high), torch.full((len(others),), low)]).double()
    spread = scores.std().clamp(min=1e-9)
    counts = (len(shown), len(others))
    weigh = torch.cat([torch.full((n,), 0.5 / n, dtype=torch.float64) for n in counts])
    slope, offset = _logistic(scores[:, None] / spread, wanted, weigh, 0.0)
    return float(slope[0] / spread), float(offset)
