"""Rules: from a similarity and a match to the decision "the same picture"."""

from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from tvcli.core.verification.keypoints import Method
from tvcli.core.verification.matching import Match, Model

Preset = Literal["default", "scalable"]


class Rule(Protocol):
    """A way to decide whether a photo shows the same picture as a query."""

    def accepts(self, similarity: float, match: Match, keypoints: int) -> bool:
        """Tell it of the cosine, the match, and the key points of the poorer of the two photos."""
        ...


@dataclass(frozen=True, slots=True)
class Default:
    """Ours: enough inliers that agree, or fewer that agree better; the cosine only makes the list.

    A match is accepted with at least `many` inliers and an agreement of `fair`, or with at least
    `few` and an agreement of `good`. Chance gives few inliers, and no agreement of the pictures
    under the map that they suggest; a picture with too few key points cannot be told apart.
    """

    many: int = 14
    few: int = 6
    good: float = 0.7
    fair: float = 0.35

    def accepts(self, similarity: float, match: Match, keypoints: int) -> bool:
        """Tell whether inliers and agreement suffice."""
        if match.inliers >= self.many:
            return match.agreement >= self.fair
        return match.inliers >= self.few and match.agreement >= self.good


@dataclass(frozen=True, slots=True)
class Scalable:
    """Nguyen's rule ("Scalable Image Search with Deep Image Representation"), as we read it.

    The slide with its diagram is lost. Below the cosine `low` (t) nothing is accepted; from `high`
    (T) up at least `few` (n) matching points are needed, between the two at least `many` (N); a
    picture with fewer than `enough` (K) key points is decided by the cosine alone, at `high`.
    """

    high: float = 0.91
    low: float = 0.1
    enough: int = 10
    many: int = 20
    few: int = 10

    def accepts(self, similarity: float, match: Match, keypoints: int) -> bool:
        """Tell what the diagram would."""
        if similarity < self.low:
            return False
        if keypoints < self.enough:
            return similarity >= self.high
        return match.inliers >= (self.few if similarity >= self.high else self.many)


@dataclass(frozen=True, slots=True)
class Verification:
    """How hits are verified: the rule, and what it is given.

    `shortlist` hits by cosine are looked at, `orb` or `sift` key points matched under `model`.
    """

    rule: Rule
    method: Method = "orb"
    model: Model = "homography"
    shortlist: int = 100


PRESETS: dict[Preset, Verification] = {
    "default": Verification(Default()),
    "scalable": Verification(Scalable()),
}


def with_thresholds(verification: Verification, thresholds: dict[str, Any]) -> Verification:
    """Return it with other thresholds of its rule, by name; raises KeyError for one it lacks."""
    unknown = [name for name in thresholds if not hasattr(verification.rule, name)]
    if unknown:
        raise KeyError(unknown[0])
    return replace(verification, rule=replace(verification.rule, **thresholds))  # type: ignore
