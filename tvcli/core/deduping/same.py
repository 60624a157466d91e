"""The same picture or not: whole photos laid over each other, then key points under a map."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tvcli.core.matching.decision import Default
from tvcli.core.matching.evidence import laid_over_evidence
from tvcli.core.matching.features import Both, Keypoints
from tvcli.core.matching.homography import Transform, inverse, overlap
from tvcli.core.matching.match import Match, likeliest
from tvcli.core.matching.matcher import Matcher
from tvcli.core.matching.whole import WholeMatcher
from tvcli.core.matching.zncc import details

BOTH = (0, 1)  # a photo as it is, and its mirror image


@dataclass(frozen=True, slots=True)
class Link:
    """How two photos are the same: `transform` (3, 3) maps pixels of the first to the second's.

    The match has no inliers where the whole photos agree, or do so by way of another. `share` is
    that of the smaller photo which both show.
    """

    match: Match
    transform: Transform
    share: float = 1.0

    @property
    def inverse(self) -> "Link":
        """The link from the second to the first."""
        return replace(self, transform=inverse(self.transform))


@dataclass(frozen=True, slots=True)
class Rule:
    """What makes one photo stand for another: they show the same picture, and enough of it.

    Whether they do is decided as everywhere, by the `decision`. Of the smaller photo `share` must
    be in both: of two parts of one picture that have less in common neither replaces the other.
    """

    decision: Default = field(default_factory=Default)
    share: float = 0.5  # crops of half of a photo lie in it as a whole

    def accepts(self, link: Link) -> bool:
        """Tell whether one of two photos that were compared stands for the other."""
        return link.share >= self.share and self.decision.accepts(link.match)


class Comparer:
    """Compares one photo with others; its search trees are built at most once, when asked for."""

    def __init__(self, both: Both, rule: Rule) -> None:
        self._both, self._rule = both, rule
        self._whole = WholeMatcher(both[0])
        self._matchers: dict[int, Matcher] = {}

    def link(self, other: Both, sides: Sequence[int] = BOTH) -> Link | None:
        """Return how the photo is the same as another; None if it is not.

        Key points are matched on the `sides` named: 0 for the photo as it is, 1 for its mirror
        image.
        """
        if not (self._both[0].preview.size and other[0].preview.size):
            return None
        whole = _linked(self._whole.match(other[0]), self._both[0], other[0])
        if whole is not None and self._rule.accepts(whole):
            return whole
        best = likeliest(self._on(side).match(other[0]) for side in sides)
        link = _linked(best, self._both[0], other[0])
        return link if link is not None and self._rule.accepts(link) else None

    def _on(self, side: int) -> Matcher:
        if side not in self._matchers:
            self._matchers[side] = Matcher([self._both[side]])
        return self._matchers[side]


def joined(first: Keypoints, last: Keypoints, to: Link, back: Link) -> Link:
    """Return the link between two photos by way of a third: from the first, on to the last."""
    map_ = np.asarray(back.transform @ to.transform, np.float64)
    evidence = laid_over_evidence(first, last, map_, details(first, last, map_))
    mirrored = to.match.mirrored != back.match.mirrored
    match = Match(0, map_, mirrored, evidence=evidence, whole=True)
    return Link(match, map_, overlap(map_, first.region, last.region))


def _linked(match: Match, own: Keypoints, other: Keypoints) -> Link | None:
    if match.transform is None:
        return None
    return Link(match, match.transform, overlap(match.transform, own.region, other.region))
