"""The loss of Deep Ranking, and its gradient."""

import numpy as np
import numpy.typing as npt

TEMPERATURE = 0.1  # how soft the hardest of several negatives is

Vectors = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def triplet_hinge_loss(
    similarities: Vectors, positives: Mask, negatives: Mask, margin: float
) -> tuple[float, Vectors]:
    """Return the mean hinge loss over the pairs of anchors and positives that still cost.

    Beside it is its gradient (A, B) float32 by the `similarities` (A, B) float32 of anchors with
    others; `positives` and `negatives` (A, B) bool. An anchor without a negative has no positive.
    For each pair max(0, margin - s(a,p) + s(a,n)), where s(a,n) is the smooth maximum over the
    anchor's negatives: T log sum exp(s / T), which is s itself for a single negative and at least
    the hardest of several. (Wang et al. 2014, eq. 4, with similarities for distances. TiefVision's
    README prints `margin + D(H,H+) - D(H,H-)` and calls D a dot product, which has the wrong
    sign; its slides use angles, where it is right, and its code ranks with target +1, as here.)
    """
    masked = np.where(negatives, similarities, -np.inf)
    largest = masked.max(axis=1, keepdims=True)  # (A, 1)
    largest = np.where(np.isfinite(largest), largest, 0)
    shares = np.exp((masked - largest) / TEMPERATURE)  # (A, B): of the smooth maximum
    sums = shares.sum(axis=1, keepdims=True).clip(min=np.finfo(np.float32).tiny)
    hardest = largest + TEMPERATURE * np.log(sums)  # (A, 1)
    costs = np.where(positives, margin - similarities + hardest, 0)
    active = costs > 0
    count = max(1, int(active.sum()))
    rises = active.sum(axis=1, keepdims=True) * (shares / sums)
    gradient: Vectors = ((rises - active) / count).astype(np.float32)
    return float(costs[active].sum() / count), gradient
