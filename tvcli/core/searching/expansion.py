"""Query expansion: a query drawn to its own closest rows, and searched with again."""

from dataclasses import dataclass

import numpy as np

from tvcli.core.engines import Vectors
from tvcli.core.errors import UsageError

ALPHA = 3.0  # chosen by scripts/bench/neighbours.py (docs/notes/ranking.md)


@dataclass(frozen=True, slots=True)
class Expansion:
    """How many `neighbours` a query is drawn to, each by its similarity to the power `alpha`.

    With `alpha` 0 all count as the query does: average query expansion.

    Raises:
        UsageError: no neighbours, or a negative exponent.
    """

    neighbours: int
    alpha: float = ALPHA

    def __post_init__(self) -> None:
        if self.neighbours < 1 or not 0 <= self.alpha < np.inf:
            raise UsageError("query expansion: at least 1 neighbour, and an exponent from 0 on")


def expanded(
    queries: Vectors, similarities: Vectors, neighbours: Vectors, alpha: float = ALPHA
) -> Vectors:
    """Return queries (Q, D) float32 of unit length plus their weighted neighbours, not normalised.

    A neighbour (Q, n, D) of similarity s (Q, n) weighs max(s, 0)^alpha, the query 1; one at -inf is
    none. Average query expansion (Chum et al. 2007, "Total Recall") with the weights of Radenovic
    et al. 2018, "Fine-tuning CNN Image Retrieval with No Human Annotation", section 3.4.
    """
    weights = np.where(np.isneginf(similarities), 0, similarities.clip(min=0) ** alpha)  # (Q, n)
    found: Vectors = queries + np.einsum("qn,qnd->qd", weights, neighbours).astype(np.float32)
    return found
