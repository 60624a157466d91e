"""Logistic regression of a few features, as small as it is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]

STEPS = 50  # of Newton's method, which takes about ten
CLOSE = 1e-8  # a step that changes no weight by more is the last
RIDGE = 1e-3  # per example: keeps the weights finite where a line parts the two sides


@dataclass(frozen=True, slots=True)
class Logistic:
    """Probabilities from features: `weights` (F,) of features less `means`, by `scales`."""

    means: Values
    scales: Values
    weights: Values
    bias: float

    def probability(self, features: Values) -> Values:
        """Return the probabilities (N,) of features (N, F)."""
        scores = ((features - self.means) / self.scales) @ self.weights + self.bias
        found: Values = 1 / (1 + np.exp(-np.clip(scores, -30, 30)))
        return found

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON can hold it, for features as they are."""
        weights = self.weights / self.scales
        bias = self.bias - float(self.means @ weights)
        return {"weights": [round(float(w), 6) for w in weights], "bias": round(bias, 6)}


def fit_logistic(features: Values, targets: Values, counts: Values) -> Logistic:
    """Fit probabilities to features (N, F) of which `targets` (N,) are 0 or 1, counted `counts`.

    Newton's method on the log-likelihood (Hastie, Tibshirani and Friedman 2009, section 4.4.1) with
    a small ridge. Platt 1999, "Probabilistic outputs for support vector machines": targets are
    drawn in by one example more of each side, so that no probability is 0 or 1.
    """
    share = counts / counts.sum()
    means = share @ features
    scales = np.sqrt(share @ (features - means) ** 2)
    scales[scales < 1e-9] = 1.0
    inputs = np.column_stack([(features - means) / scales, np.ones(len(features))])  # (N, F + 1)
    positives, negatives = (targets * counts).sum(), ((1 - targets) * counts).sum()
    drawn = np.where(targets > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    ridge = RIDGE * counts.sum() * np.diag([1.0] * features.shape[1] + [0.0])
    weights = np.zeros(inputs.shape[1])
    for _ in range(STEPS):
        said = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        slope = inputs.T @ (counts * (drawn - said)) - ridge @ weights
        curve = (inputs * (counts * said * (1 - said))[:, None]).T @ inputs + ridge
        step = np.linalg.lstsq(curve, slope, rcond=None)[0]
        weights = weights + step
        if np.abs(step).max() < CLOSE:
            break
    return Logistic(means, scales, weights[:-1], float(weights[-1]))
