"""The loop of a training that stops early, whatever is trained; without torch."""

from collections.abc import Callable

from tvcli.core.reports import Report
from tvcli.core.training_history import History


def train_until_worse(
    epoch: Callable[[int], float],
    score: Callable[[], float],
    keep: Callable[[], None],
    *,
    epochs: int,
    patience: int | None,
    report: Report,
    what: str = "training",
) -> History:
    """Train until the held-out score has not risen for `patience` epochs.

    `epoch(n)` trains one epoch and returns its mean loss; `score()` returns the held-out score;
    `keep()` is called where what is trained is the best so far. The untrained model counts as epoch
    0 (loss NaN), so the result is never worse than the start. Where `patience` is None the score
    chooses nothing: all epochs are trained, the last is kept.
    """
    history = History([float("nan")], [score()], chooses=patience is not None)
    keep()
    report.start(what, "epochs", epochs)
    for number in range(1, epochs + 1):
        history.losses.append(epoch(number))
        history.scores.append(score())
        report.advance()
        if history.kept == number:
            keep()
        elif patience is not None and number - history.kept >= patience:
            break
    return history
