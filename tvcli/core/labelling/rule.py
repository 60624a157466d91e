"""The rule that a vote becomes a label by, or none."""

import math
from dataclasses import dataclass
from typing import Any

from tvcli.core.labelling.logistic import Logistic, Values
from tvcli.core.labelling.votes import Neighbours, Votes, vote


@dataclass(frozen=True, slots=True)
class LabelRule:
    """How labels are voted for, how probable they are, and below which probability there is none.

    `k` neighbours vote at a `temperature`. `others` is the share of photos that the probabilities
    expect to show nothing that the index has a label for.
    """

    k: int
    temperature: float
    logistic: Logistic
    cutoff: float
    others: float

    def decide(self, neighbours: Neighbours) -> tuple[Votes, Values]:
        """Return how the votes went, and the probability (Q,) that each winner is right."""
        votes = vote(neighbours, self.k, self.temperature)
        probabilities = self.logistic.probability(votes.features)
        probabilities[votes.winners < 0] = 0.0
        return votes, probabilities

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        infinite = math.isinf(self.temperature)
        return {
            "k": self.k,
            "temperature": None if infinite else self.temperature,
            "cutoff": round(self.cutoff, 6),
            "others": self.others,
        } | self.logistic.as_record()
