"""The vote of the nearest neighbours, each by how similar it is."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Codes = npt.NDArray[np.intp]
Values = npt.NDArray[np.float64]

NONE = -1  # the code of no label
UNLIKE = -1.0  # the similarity of what is not there


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest labelled rows of some queries, the most similar first.

    `similarities` (Q, K) float32, `codes` (Q, K) of their labels and `rows` (Q, K) of the index;
    both are -1 where a query has fewer.
    """

    similarities: Vectors
    codes: Codes
    rows: Codes

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True, slots=True)
class Votes:
    """How some votes went: the label that won, and what tells how far to trust it.

    `winners` (Q,) are codes, -1 where nobody voted, and `places` (Q,) those of their most similar
    voters. `features` (Q, 3) float64 are the log-odds of the winner's share of all votes, the
    similarity of its most similar voter, and how much that exceeds the best of all other labels.
    """

    winners: Codes
    places: Codes
    features: Values


def vote(neighbours: Neighbours, k: int, temperature: float) -> Votes:
    """Let the k nearest vote, each with the weight exp(similarity / temperature).

    Dudani 1976, "The distance-weighted k-nearest-neighbor rule", with the weights of Wu et al.
    2018, "Unsupervised feature learning via non-parametric instance discrimination"; at an infinite
    temperature all votes count the same. Of labels with equal votes the one with the most similar
    voter wins.
    """
    similarities = neighbours.similarities[:, :k].astype(np.float64)
    codes = neighbours.codes[:, :k]
    votes = np.exp((similarities - similarities[:, :1]) / temperature) * (codes != NONE)  # (Q, K)
    same = codes[:, :, None] == codes[:, None, :]  # (Q, K, K)
    shares = (same * votes[:, None, :]).sum(axis=2) * (codes != NONE)  # (Q, K) of each one's label
    places = shares.argmax(axis=1)
    queries = np.arange(len(codes))
    winners = codes[queries, places]
    won, all_votes = shares[queries, places], votes.sum(axis=1)
    # One vote more, half for the label and half against it, keeps the odds of few voters finite.
    odds = np.log((won + 0.5) / (all_votes - won + 0.5))
    best = similarities[queries, places]
    others = np.where((codes == winners[:, None]) | (codes == NONE), UNLIKE, similarities)
    features = np.stack([odds, best, best - others.max(axis=1)], axis=1)
    return Votes(winners, places, features)
