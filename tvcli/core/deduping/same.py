"""The same picture or not: whole photos laid over each other, then key points under a map."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tvcli.core.deduping.keypoint_store import Both, KeypointStore
from tvcli.core.matching.features import Keypoints
from tvcli.core.matching.local_agreement import local_agreement
from tvcli.core.matching.match import Match, surest
from tvcli.core.matching.matcher import Matcher
from tvcli.core.matching.overlap import shared
from tvcli.core.matching.plausible import Transform
from tvcli.core.matching.whole import WholeMatcher
from tvcli.core.matching.zncc import details

BOTH = (0, 1)  # a photo as it is, and its mirror image
WHOLE = 0.97  # agreement of two whole photos from which they are the same, without key points


@dataclass(frozen=True, slots=True)
class Link:
    """How two photos may be the same: `transform` (3, 3) maps pixels of the first to the second's.

    `inliers` is 0 where the whole photos agree, or do so by way of another, without a look at
    their key points; `share` is that of the smaller photo which both show, `local_agreement` that
    of the places with details, of what both show, in which the details agree.
    """

    inliers: int
    zncc: float
    mirrored: bool
    transform: Transform
    share: float = 1.0
    local_agreement: float = 1.0

    @property
    def inverse(self) -> "Link":
        """The link from the second to the first."""
        return replace(self, transform=np.linalg.inv(self.transform).astype(np.float64))


@dataclass(frozen=True, slots=True)
class Rule:
    """What makes two photos the same: `inliers` and an `zncc`, or fewer that agree better.

    It is stricter than that of searches, which find pictures in photos of them: copies agree all
    over, while photos of different things on the same ground agree in many key points. They share
    most of the smaller, while two photos of one printed carton show parts of each other, and agree
    nearly everywhere, while those of a shelf differ where the carton in the hand was moved.
    """

    inliers: int = 14
    zncc: float = 0.65  # text over a picture leaves 0.7
    few: int = 6
    good: float = 0.7
    through: float = 0.8  # the agreement needed under a map by way of another photo
    share: float = 0.5  # of the smaller photo: crops of half of it lie in it as a whole
    even_few: float = 0.8  # of places with `few`: shirts laid out alike on one ground leave 0.7
    local_agreement: float = (
        0.65  # of places: text over a picture leaves 0.7, a carton moved on its shelf 0.6
    )

    def accepts(self, link: Link) -> bool:
        """Tell whether two photos whose key points were matched are the same."""
        if not self._all_over(link):
            return False
        if link.inliers >= self.inliers:
            return link.zncc >= self.zncc
        few, good = min(self.few, self.inliers), max(self.good, self.zncc)
        return link.inliers >= few and link.zncc >= good and link.local_agreement >= self.even_few

    def accepts_through(self, link: Link) -> bool:
        """Tell whether two photos laid over each other by way of a third are the same."""
        return self._all_over(link) and link.zncc >= self.through

    def _all_over(self, link: Link) -> bool:
        return link.share >= self.share and link.local_agreement >= self.local_agreement


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
        whole = self._whole.match(other[0])
        if whole.transform is not None and whole.zncc >= WHOLE:
            return _linked(whole, self._both[0], other[0])
        best = surest(self._on(side).match(other[0]) for side in sides)
        link = _linked(best, self._both[0], other[0])
        return link if link is not None and self._rule.accepts(link) else None

    def _on(self, side: int) -> Matcher:
        if side not in self._matchers:
            self._matchers[side] = Matcher([self._both[side]])
        return self._matchers[side]


def compare(store: KeypointStore, first: int, second: int, rule: Rule) -> Link | None:
    """Return how one photo of a store is the same as another; None if it is not."""
    return Comparer(store.read(first), rule).link(store.read(second))


def joined(first: Keypoints, last: Keypoints, to: Link, back: Link) -> Link:
    """Return the link between two photos by way of a third: from the first, on to the last."""
    map_ = np.asarray(back.transform @ to.transform, np.float64)
    share = shared(map_, first.region, last.region)
    found = details(first, last, map_)
    seen = (found.zncc, local_agreement(found)) if found else (0.0, 0.0)
    return Link(0, seen[0], to.mirrored != back.mirrored, map_, share, seen[1])


def _linked(match: Match, own: Keypoints, other: Keypoints) -> Link | None:
    if match.transform is None:
        return None
    share = shared(match.transform, own.region, other.region)
    seen = match.inliers, match.zncc, match.mirrored, match.transform
    return Link(*seen, share, match.local_agreement)
