"""What happened in a training, for plots and summaries; without torch, unlike `training`."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class History:
    """What happened epoch by epoch: the mean loss, and the held-out score (higher is better)."""

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)

    @property
    def best(self) -> int:
        """The epoch with the best held-out score; the first of equals."""
        return max(range(len(self.scores)), key=lambda epoch: self.scores[epoch])
