"""The loss of Deep Ranking."""

import torch
import torch.nn.functional as F
from torch import Tensor

TEMPERATURE = 0.1  # how soft the hardest of several negatives is


def triplet_hinge_loss(
    similarities: Tensor, positives: Tensor, negatives: Tensor, margin: float
) -> Tensor:
    """Return the mean hinge loss over the pairs of anchors and positives that still cost: ().

    `similarities` (A, B) float32 of anchors with others; `positives` and `negatives` (A, B) bool.
    For each pair max(0, margin - s(a,p) + s(a,n)), where s(a,n) is the smooth maximum over the
    anchor's negatives: T log sum exp(s / T), which is s itself for a single negative and at least
    the hardest of several. (Wang et al. 2014, eq. 4, with similarities for distances. TiefVision's
    README prints `margin + D(H,H+) - D(H,H-)` and calls D a dot product, which has the wrong
    sign; its slides use angles, where it is right, and its code ranks with target +1, as here.)
    """
    masked = similarities.masked_fill(~negatives, -torch.inf) / TEMPERATURE
    hardest = masked.logsumexp(dim=1, keepdim=True) * TEMPERATURE  # (A, 1)
    costs = F.relu(margin - similarities + hardest)[positives]
    return costs.sum() / (costs > 0).sum().clamp(min=1)
