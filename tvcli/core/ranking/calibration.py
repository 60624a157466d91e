"""What a similarity means: the probability that two photos belong together, from pairs judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tvcli.core.errors import UsageError
from tvcli.core.ranking.metrics import PairCounts, Values

CALIBRATION = "calibration"  # the setting of an index that keeps one
FEWEST_PAIRS = 50  # related, and unrelated; of fewer no share can be told


@dataclass(frozen=True, slots=True)
class Calibration:
    """The probability (n,) from each similarity (n,) on, both rising; lines between them."""

    similarities: Values
    probabilities: Values

    def probability(self, similarities: Sequence[float] | Values) -> Values:
        """Return the probability of each of some similarities."""
        return np.interp(similarities, self.similarities, self.probabilities)

    def as_settings(self) -> dict[str, list[float]]:
        """Return it as JSON can hold it."""
        return {
            "similarities": [round(float(value), 6) for value in self.similarities],
            "probabilities": [round(float(value), 6) for value in self.probabilities],
        }


def calibration_of(settings: dict[str, Any]) -> Calibration | None:
    """Return the calibration that an index keeps; None where it keeps none that can be used."""
    kept = settings.get(CALIBRATION, {})
    similarities, probabilities = (
        np.array(kept.get(name, []), np.float64) for name in ("similarities", "probabilities")
    )
    sound = len(similarities) == len(probabilities) > 1 and bool(
        np.isfinite(similarities).all()
        and (np.diff(similarities) > 0).all()
        and (np.diff(probabilities) >= 0).all()
        and 0 <= probabilities[0] <= probabilities[-1] <= 1
    )
    return Calibration(similarities, probabilities) if sound else None


def calibrate(pairs: PairCounts) -> Calibration:
    """Fit the share of related pairs, rising with the similarity: isotonic regression.

    Pool adjacent violators (Ayer et al. 1955; Zadrozny and Elkan 2002, "Transforming classifier
    scores into accurate multiclass probability estimates"), over the counts of pairs; of each block
    the mean similarity is kept.

    Raises:
        UsageError: too few pairs are related, or unrelated.
    """
    if min(pairs.related.sum(), pairs.unrelated.sum()) < FEWEST_PAIRS:
        raise UsageError(
            f"--calibrate: {pairs.related.sum()} pairs belong together and {pairs.unrelated.sum()} "
            f"do not; {FEWEST_PAIRS} of each are needed"
        )
    both = (pairs.related + pairs.unrelated).astype(np.float64)
    seen = np.flatnonzero(both)
    blocks: list[tuple[float, float, float]] = []  # pairs, related ones, sum of similarities
    for place in seen.tolist():
        middle = (place + 0.5) * 2 / len(both) - 1
        block = (both[place], float(pairs.related[place]), both[place] * middle)
        while blocks and blocks[-1][1] * block[0] >= block[1] * blocks[-1][0]:
            last = blocks.pop()
            block = (last[0] + block[0], last[1] + block[1], last[2] + block[2])
        blocks.append(block)
    counts, related, sums = np.array(blocks).T
    if len(blocks) == 1:  # the similarity tells nothing
        return Calibration(np.array([-1.0, 1.0]), np.repeat(related / counts, 2))
    return Calibration(sums / counts, related / counts)


def reliability(
    calibration: Calibration, pairs: PairCounts, steps: int = 10
) -> tuple[Values, Values]:
    """Return what is said and what is so: the mean probability and the share of related pairs.

    Of the pairs (as counted) whose probability is in each tenth; those without pairs are left out.
    """
    both = pairs.related + pairs.unrelated
    middles = (np.arange(len(both)) + 0.5) * 2 / len(both) - 1
    said = calibration.probability(middles)
    bins = np.minimum((said * steps).astype(np.intp), steps - 1)
    count = np.bincount(bins, both, steps)
    some = count > 0
    means = np.bincount(bins, both * said, steps)[some] / count[some]
    shares = np.bincount(bins, pairs.related, steps)[some] / count[some]
    return means, shares
