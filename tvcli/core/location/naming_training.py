"""Learning to name: close looks at objects of each label against those at the others."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from tvcli.core.location.look_cells import Looks, folds, kernel_of
from tvcli.core.location.naming import Naming
from tvcli.core.optimizers import LBFGS

DECAY = 0.01  # of the weights, for inputs of variance one
FOLDS = 5
STEPS = 60


@dataclass(frozen=True, slots=True)
class NamingQuality:
    """The share of looks at a label's objects that get its name, label by label, and its mean.

    Cross-validated: each photo is named by what was learned from the others.
    """

    accuracy: float
    recalls: dict[str, float]


def train_naming(looks: Looks) -> tuple[Naming, NamingQuality] | None:
    """Train on close looks at objects with a label; None if they have fewer than two labels.

    A multinomial logistic regression on maps averaged over cells; all labels weigh alike.
    """
    named = np.array([bool(label) for label in looks.labels], bool) & looks.shown
    labels, numbers = np.unique(np.array(looks.labels)[named], return_inverse=True)
    if len(labels) < 2:
        return None
    cells = looks.cells[torch.from_numpy(named)]
    inputs, basis = _in_their_span(torch.cat([cells, cells.flip(3)]).flatten(1))
    scale = cells[0].numel() ** 0.5
    truth = torch.from_numpy(numbers.astype(np.int64)).repeat(2)
    part = np.tile(folds(looks.photos[named], FOLDS), 2)
    found = np.zeros(len(numbers), np.intp)
    for number in np.unique(part):
        left = torch.from_numpy(part != number)
        if len(set(truth[left].tolist())) < len(
            labels
        ):  # a label of too few photos: all are learned
            left = torch.ones_like(left)
        weights, biases = _fitted(inputs[left], truth[left], len(labels), scale)
        held = part[: len(numbers)] == number
        logits = inputs[: len(numbers)][torch.from_numpy(held)] @ weights.T + biases
        found[held] = logits.argmax(1).numpy()
    weights, biases = _fitted(inputs, truth, len(labels), scale)
    if basis is not None:
        weights = weights @ basis
    windows = weights.reshape(len(labels), *cells.shape[1:])
    kernels = np.stack([kernel_of(own, looks.window) for own in windows])
    naming = Naming(tuple(map(str, labels)), kernels, biases.numpy().astype(np.float32))
    return naming, _quality(naming.labels, found, numbers)


def _in_their_span(inputs: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return inputs (M, F) as coordinates (M, M) on a basis (M, F) of their span.

    The basis is orthonormal, and no weights outside of the span lower the loss: a fit is the same
    with M features as with F. With as many inputs as features they are returned, without a basis.
    """
    if len(inputs) >= inputs.shape[1]:
        return inputs, None
    basis, coordinates = torch.linalg.qr(inputs.T)  # (F, M), (M, M)
    return coordinates.T.contiguous(), basis.T


def _quality(
    labels: tuple[str, ...], found: npt.NDArray[np.intp], truth: npt.NDArray[np.intp]
) -> NamingQuality:
    recalls = {
        label: float((found[truth == number] == number).mean())
        for number, label in enumerate(labels)
    }
    return NamingQuality(sum(recalls.values()) / len(recalls), recalls)


def _fitted(inputs: Tensor, wanted: Tensor, count: int, scale: float) -> tuple[Tensor, Tensor]:
    """Return weights (L, D) and biases (L,) fitted to inputs (M, D).

    `scale` is the root of the number of features that their variance is spread over.
    """
    mean = inputs.mean(0)
    spread = (inputs.var(0).sum().sqrt() / scale).clamp(min=1e-6)
    inputs = (inputs - mean).div_(spread)
    weigh = 1 / torch.bincount(wanted, minlength=count).clamp(min=1).float()
    weights = torch.zeros(count, inputs.shape[1], requires_grad=True)
    biases = torch.zeros(count, requires_grad=True)
    solver = LBFGS([weights, biases], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        solver.zero_grad()
        logits = inputs @ weights.T + biases
        total = F.cross_entropy(logits, wanted, weigh) + DECAY * weights.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    solver.step(loss)
    scaled = weights.detach() / spread
    return scaled, biases.detach() - scaled @ mean
