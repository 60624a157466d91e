"""The score: from evidence to log-odds and a probability, by weights that were fitted.

A logistic regression; `scripts/fit_matching.py` makes its weights, which are data.
"""

import json
from dataclasses import dataclass
from functools import cache
from math import exp, log, log1p
from pathlib import Path

from tvcli.core.matching.evidence import Evidence

WEIGHTS = Path(__file__).parents[2] / "weights" / "matching.json"
TERMS = ("nfa", "zncc", "disagreement", "colours", "repainted")
EDGE = 0.02  # added to both sides of a share, of 0 or 1 too: there are some fifty places
MOST = 700.0  # of log-odds: beyond, their exponential is no number


@dataclass(frozen=True, slots=True)
class Score:
    """What each term adds to the log-odds: times its value, or at once where it is missing."""

    bias: float
    weights: dict[str, float]
    missing: dict[str, float]
    min_probability: float  # no stranger of the fit reaches it, but cartons of one brand

    def log_odds(self, evidence: Evidence) -> float:
        """Return the logarithm of how much likelier the same picture is than another one."""
        known = terms(evidence)
        return self.bias + sum(
            weight * known[name] if name in known else self.missing[name]
            for name, weight in self.weights.items()
        )

    def probability(self, evidence: Evidence) -> float:
        """Return the probability of the same picture, 0 to 1; 0 without any evidence."""
        if not evidence.known:
            return 0.0
        return 1 / (1 + exp(min(-self.log_odds(evidence), MOST)))


def terms(evidence: Evidence) -> dict[str, float]:
    """Return what is weighed, by name: shares as their log-odds, of false alarms the logarithm.

    From some dozens of inliers on, more of them say little: what is around another thing in the
    same place has many, too. Of shares, the last hundredths say as much as the middle. `colours`
    are the hues or, where that explains more, all colours under one map: another hue all over is
    one. `repainted` is by how much details agree in more places than colours do: the same design,
    or the same cut on the same ground, in other colours.
    """
    known = evidence.known
    found: dict[str, float] = {}
    if "nfa" in known:
        found["nfa"] = log1p(max(known["nfa"], 0.0))
    if "zncc" in known:
        found["zncc"] = known["zncc"]
    if "disagreement" in known:
        found["disagreement"] = _log_odds(known["disagreement"])
    shares = [known[name] for name in ("hue", "photometric") if name in known]
    if shares:
        found["colours"] = colours = _log_odds(max(shares))
        places = known.get("local_agreement")
        found["repainted"] = 0.0 if places is None else max(_log_odds(places) - colours, 0.0)
    return found


def _log_odds(share: float) -> float:
    return log((share + EDGE) / (1 - share + EDGE))


@cache
def fitted_score() -> Score:
    """Return the score with the weights that ship."""
    kept = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return Score(kept["bias"], kept["weights"], kept["missing"], kept["min_probability"])
