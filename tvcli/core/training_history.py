"""What happened in a training, for plots and summaries; without torch, unlike `training`."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class History:
    """What happened epoch by epoch: the mean loss, and the held-out score (higher is better).

    `chooses` tells whether the weights kept are chosen by that score; else they are the last.
    """

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    chooses: bool = True

    @property
    def kept(self) -> int:
        """The epoch whose weights are kept: the one with the best score, the first of equals."""
        epochs = range(len(self.scores))
        return max(epochs, key=lambda epoch: self.scores[epoch]) if self.chooses else epochs[-1]
