"""Learning to verify: close looks at the object against looks at photos that do not show it."""

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

DECAY = 0.01  # of the weights, for inputs of variance one
FOLDS = 5
LOST = 0.05  # of the photos with the object: what the threshold may cost
HARDEST = 4  # of a photo without the object, one look in so many: those a locator would choose
STEPS = 60


@dataclass(frozen=True, slots=True)
class Verification:
    """How well photos are told apart that a verifier has not seen, at its threshold.

    `lost` is the share of `photos` with the object that fall below it, `false` the share of
    `others` that do not.
    """

    photos: int
    others: int
    lost: float
    false: float


def train_verifier(looks: Looks) -> tuple[Verifier, Verification] | None:
    """Train on close looks; None with fewer than five photos of either kind.

    A logistic regression on maps averaged over 4 x 4 cells. Every photo is scored by regressions
    of the other photos (cross-validation): from these scores come the calibration (Platt 1999) and
    the threshold, below which one in twenty photos with the object falls.
    """
    if min(len(set(looks.photos[looks.shown == kind])) for kind in (False, True)) < LEAST_HELD_OUT:
        return None
    scores = _photo_scores(looks)
    weights, bias = _fitted(looks, np.ones(len(looks.shown), bool))
    slope, offset = _calibration(*scores)
    lowest = float(np.quantile(scores[0], LOST))
    threshold = float(torch.sigmoid(torch.tensor(slope * lowest + offset, dtype=torch.float64)))
    kernel = kernel_of(weights * slope, looks.window)
    found = Verification(
        len(scores[0]),
        len(scores[1]),
        float((scores[0] < lowest).mean()),
        float((scores[1] >= lowest).mean()),
    )
    return Verifier(kernel, bias * slope + offset, threshold), found


def _fitted(looks: Looks, chosen: npt.NDArray[np.bool_]) -> tuple[Tensor, float]:
    """Return weights (C, g, g) and the bias fitted to some looks and to their mirror images."""
    cells = looks.cells[torch.from_numpy(chosen)]
    inputs = torch.cat([cells, cells.flip(3)]).flatten(1)
    shown = torch.from_numpy(np.tile(looks.shown[chosen], 2)).float()
    mean, spread = inputs.mean(0), inputs.std(0).square().mean().sqrt().clamp(min=1e-6)
    inputs = inputs.sub_(mean).div_(spread)
    weights, bias = _logistic(inputs, shown, DECAY)
    weights = weights / spread
    return weights.reshape(cells.shape[1:]), float(bias - weights @ mean)


def _logistic(inputs: Tensor, wanted: Tensor, decay: float) -> tuple[Tensor, Tensor]:
    """Return weights (F,) and the bias of a logistic regression; both classes weigh one half."""
    positive = wanted > 0.5
    weigh = torch.where(positive, 0.5 / positive.sum(), 0.5 / (~positive).sum())
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


def _photo_scores(looks: Looks) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the scores of photos with the object (P,) and without it (Q,), cross-validated."""
    fold = np.zeros(len(looks.photos), np.intp)
    for kind in (False, True):
        own = looks.shown == kind
        fold[own] = folds(looks.photos[own], FOLDS)
    scores = np.zeros(len(fold))
    for number in range(FOLDS):
        weights, bias = _fitted(looks, fold != number)
        held = torch.from_numpy(fold == number)
        odds = looks.cells[held].flatten(1) @ weights.flatten() + bias
        scores[fold == number] = odds.double().numpy()
    return _by_photo(looks, scores, kind=True), _by_photo(looks, scores, kind=False)


def _by_photo(
    looks: Looks, scores: npt.NDArray[np.float64], *, kind: bool
) -> npt.NDArray[np.float64]:
    own = looks.shown == kind
    found = []
    for photo in np.unique(looks.photos[own]):
        ranked = np.sort(scores[own & (looks.photos == photo)])
        found.append((ranked if kind else ranked[-max(1, len(ranked) // HARDEST) :]).mean())
    return np.array(found)


def _calibration(
    shown: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> tuple[float, float]:
    """Return slope and offset that make log-odds of photos' scores (Platt 1999, section 2.2)."""
    scores = torch.from_numpy(np.concatenate([shown, others]))
    high, low = (len(shown) + 1) / (len(shown) + 2), 1 / (len(others) + 2)
    wanted = torch.cat([torch.full((len(shown),), high), torch.full((len(others),), low)]).double()
    spread = scores.std().clamp(min=1e-9)
    slope, offset = _logistic(scores[:, None] / spread, wanted, 0.0)
    return float(slope[0] / spread), float(offset)
