"""Training networks of torch: with early stopping, and by a seed."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from tvcli.core.early_stopping import train_until_worse
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
    """Train by `train_until_worse`; the model gets the best weights."""
    best: dict[str, Any] = {}

    def keep() -> None:
        best.update(copy.deepcopy(model.state_dict()))

    history = train_until_worse(
        epoch, score, keep, epochs=epochs, patience=patience, report=report, what=what
    )
    model.load_state_dict(best)
    return history


@contextmanager
def seeded(seed: int) -> Iterator[torch.Generator]:
    """Seed torch for a training and give a generator of the same seed; restores torch's after."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield torch.Generator().manual_seed(seed)
