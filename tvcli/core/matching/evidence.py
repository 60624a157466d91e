"""Evidence: what speaks for and against two photos showing one picture, each measure by name.

One photo is laid over the other once; all measures come from that.
"""

from dataclasses import dataclass, fields
from math import lgamma, log, pi

from tvcli.core.boxes import area
from tvcli.core.matching.features import Keypoints
from tvcli.core.matching.fitting import LEAST, TOLERANCE, Model, side
from tvcli.core.matching.homography import Transform
from tvcli.core.matching.local_agreement import local_agreement
from tvcli.core.matching.photometry import colour_agreement
from tvcli.core.matching.zncc import Details


@dataclass(frozen=True, slots=True)
class Evidence:
    """Measures of one match; None where one cannot be had: it then speaks for nothing.

    `nfa` is -log10 of the number of false alarms: how many maps with so many inliers chance makes.
    `zncc` is the correlation of details, -1 to 1. The rest are shares, 0 to 1: `local_agreement` of
    the places with details in which they agree, `disagreement` of those in the largest region in
    which they do not, `hue` and `photometric` of the places whose hues and colours agree.
    """

    nfa: float | None = None
    zncc: float | None = None
    local_agreement: float | None = None
    disagreement: float | None = None
    hue: float | None = None
    photometric: float | None = None

    @property
    def known(self) -> dict[str, float]:
        """The measures that could be had."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


def nfa_score(inliers: int, pairs: int, gallery: Keypoints, model: Model) -> float:
    """Return -log10 of the number of false alarms of so many inliers among so many pairs.

    Moisan and Stival 2004: (n - s) C(n, k) C(k, s) a^(k - s) for k of n pairs, a model settled by s
    of them, and a the share of the photo in which a pair counts as an inlier by chance.
    """
    sample = LEAST[model]
    if inliers <= sample:
        return 0.0
    pairs = max(pairs, inliers)
    by_chance = min(pi * (TOLERANCE * side(gallery)) ** 2 / area(gallery.region), 1.0)
    tests = log(max(pairs - sample, 1)) + _choices(pairs, inliers) + _choices(inliers, sample)
    return -(tests + (inliers - sample) * log(by_chance)) / log(10)


def laid_over_evidence(
    query: Keypoints,
    gallery: Keypoints,
    transform: Transform,
    found: Details | None,
    nfa: float | None = None,
) -> Evidence:
    """Return all that is seen where a query lies over a photo by `transform` (3, 3).

    `found` are the details of the two, None where they share too little to tell more; `nfa` is None
    where no key points were matched.
    """
    if found is None:
        return Evidence(nfa)
    agreeing, disagreement = local_agreement(found)
    colours = colour_agreement(query, gallery, transform)
    return Evidence(nfa, found.zncc, agreeing, disagreement, *colours)


def _choices(several: int, some: int) -> float:
    """Return the logarithm of how many ways there are to choose some of several."""
    return lgamma(several + 1) - lgamma(some + 1) - lgamma(several - some + 1)
