"""Fitting the rule to photos whose labels are known: each voted for without itself."""

from dataclasses import dataclass

import numpy as np

from tvcli.core.errors import UsageError
from tvcli.core.labelling.logistic import Values, fit_logistic
from tvcli.core.labelling.rule import LabelRule
from tvcli.core.labelling.votes import Codes, Neighbours, vote

KS = (1, 3, 5, 10, 20, 50)  # numbers of neighbours to choose from
TEMPERATURES = (0.01, 0.02, 0.05, 0.1, 0.2, float("inf"))  # of their weights
FEWEST = 8  # photos with a label that another photo has, too
FEW = 50  # of which fewer tell little


@dataclass(frozen=True, slots=True)
class Fitted:
    """A rule, and how it does on the photos that it was fitted to.

    `photos` is how many there are, `hit` the share of them whose label wins the vote. `labelled` is
    the share of them that get a label, `right` that of these labels that are right; `refused` is
    the share that gets none once their own label is taken out of the index.
    """

    rule: LabelRule
    photos: int
    hit: float
    labelled: float
    right: float
    refused: float

    def said(self) -> str:
        """Return what the rule is and how it does, in words."""
        cutoff = self.rule.cutoff
        return (
            f"{self.rule.k} neighbours vote; fitted to {self.photos} photos, of which "
            f"{self.hit:.0%} get most votes for their label. A label needs a probability of "
            f"{cutoff:.2f}: {self.labelled:.0%} get one, {self.right:.0%} of these are right, and "
            f"of photos whose label the index lacks {self.refused:.0%} get none"
        )


def fit_rule(
    known: Neighbours,
    unknown: Neighbours,
    own: Codes,
    others: float,
    cutoff: float | None = None,
) -> Fitted:
    """Fit a rule to photos of the labels `own` (Q,).

    `known` are their neighbours, `unknown` those that are left without all of their own label: what
    a photo has of which the index knows no label. k and the temperature are those that get most
    photos right. The probability is a logistic regression on how the vote went, in which photos of
    no label make up the share `others`. The cut-off is that which makes most decisions right: the
    right label, or none where there is none to give (Chow 1970, "On optimum recognition error and
    reject tradeoff"), unless it is given.

    Raises:
        UsageError: too few photos have a label that another has, too.
    """
    shared = int((known.codes == own[:, None]).any(axis=1).sum())
    if shared < FEWEST:
        raise UsageError(
            f"{shared} photos have a label that another photo has, too: at least {FEWEST} are "
            f"needed to tell how far to trust a vote"
        )
    k, temperature = _best_vote(known, own)
    with_own, without = vote(known, k, temperature), vote(unknown, k, temperature)
    right = with_own.winners == own
    count = len(own)
    features = np.concatenate([with_own.features, without.features])
    targets = np.concatenate([right, np.zeros(count)]).astype(np.float64)
    shares = np.repeat([1 - others, others], count)
    seen = shares > 0
    logistic = fit_logistic(features[seen], targets[seen], shares[seen])
    said = logistic.probability(features)
    chosen = _best_cutoff(said, targets, shares) if cutoff is None else cutoff
    labelled = said[:count] >= chosen
    return Fitted(
        LabelRule(k, temperature, logistic, chosen, others),
        count,
        float(right.mean()),
        float(labelled.mean()),
        float(right[labelled].mean()) if labelled.any() else 0.0,
        float((said[count:] < chosen).mean()),
    )


def _best_vote(known: Neighbours, own: Codes) -> tuple[int, float]:
    """Return the k and the temperature that get most photos right; of equals the first."""
    ways = [(k, t) for k in KS for t in (TEMPERATURES if k > 1 else TEMPERATURES[-1:])]
    return max(ways, key=lambda way: int((vote(known, *way).winners == own).sum()))


def _best_cutoff(said: Values, targets: Values, shares: Values) -> float:
    """Return the probability from which on giving the label is right more often than not.

    A label that is given is right or wrong by `targets`; one that is not given is right where the
    label would have been wrong. Between two probabilities the middle is taken.
    """
    order = np.argsort(-said, kind="stable")
    gains = np.where(targets[order] > 0, shares[order], -shares[order])
    totals = np.concatenate([[0.0], np.cumsum(gains)])  # of giving the first n labels
    ends = np.concatenate([[True], np.diff(said[order]) != 0, [True]])  # not between equals
    best = int(np.where(ends, totals, -np.inf).argmax())
    values = np.concatenate([[1.0], said[order], [0.0]])
    return float((values[best] + values[best + 1]) / 2)
