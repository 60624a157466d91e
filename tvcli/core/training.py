"""Training with early stopping: the loop that every head shares."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from tvcli.core.reports import Report
from tvcli.core.training_history import History


def fit(
    model: nn.Module,
    epoch: Callable[[int], float],
    score: Callable[[], float],
    *,
    epochs: int,
    patience: int | None,
    report: Report,
    what: str = "training",
) -> History:
    """Train until the held-out score has not risen for `patience` epochs; keep the best weights.

    `epoch(n)` trains one epoch and returns its mean loss; `score()` returns the held-out score. The
    untrained model counts as epoch 0 (loss NaN), so the result is never worse than the start.
    Where `patience` is None the score chooses nothing: all epochs are trained, the last is kept.
    """
    history = History([float("nan")], [score()], chooses=patience is not None)
    best = copy.deepcopy(model.state_dict())
    report.start(what, "epochs", epochs)
    for number in range(1, epochs + 1):
        history.losses.append(epoch(number))
        history.scores.append(score())
        report.advance()
        if history.kept == number:
            best = copy.deepcopy(model.state_dict())
        elif patience is not None and number - history.kept >= patience:
            break
    model.load_state_dict(best)
    return history


@contextmanager
def seeded(seed: int) -> Iterator[torch.Generator]:
    """Seed torch for a training and give a generator of the same seed; restores torch's after."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield torch.Generator().manual_seed(seed)
