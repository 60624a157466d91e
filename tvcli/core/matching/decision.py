"""Rules: from a similarity and a match to the decision "the same picture"."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from tvcli.core.errors import UsageError
from tvcli.core.matching.features import Method
from tvcli.core.matching.fitting import Model
from tvcli.core.matching.match import Match

Preset = Literal["default", "scalable"]


@dataclass(frozen=True, slots=True)
class Default:
    """Ours: the fewer the inliers, the better must the pictures agree; the cosine only makes lists.

    From `few` inliers on an agreement of `good` is needed, from `many` on one of `fair`. Chance
    gives few inliers; what two photos of one room share gives many, but not their agreement; and
    what is laid out alike agrees, but without many inliers. Another thing on the same ground may
    have both: so of the places with details the share `local_agreement_good` must agree, from
    `many` inliers on `local_agreement_fair`; and of all places the share `hue_agreement` in colour.
    From `surely` inliers on it is enough that the mean of the share and the agreement is `mean`: of
    a painting under text, or under lamps, many details do not agree, but dozens of corners do.
    Around another thing on the same floor dozens do, too, so of the photo's key points the share
    `inlier_coverage` must lie near one of them. What has the outlines of another thing may be
    darker: the mean of the share and of that of the places in one light must be `photometric`, from
    `surely` on `photometric_surely`. Two whole photos laid over each other need no inliers, but an
    agreement and a share of `whole`.
    """

    few: float = 10
    good: float = 0.75
    many: float = 20
    fair: float = 0.25
    local_agreement_good: float = 0.77
    local_agreement_fair: float = 0.63
    surely: float = 40
    mean: float = 0.51
    inlier_coverage_fair: float = 0.5
    inlier_coverage: float = 0.65
    hue_agreement: float = 0.68
    photometric: float = 0.72
    photometric_surely: float = 0.6
    whole: float = 0.8

    def accepts(self, similarity: float, match: Match, keypoints: int) -> bool:
        """Tell whether inliers, agreement and the places that agree suffice."""
        in_light = (match.local_agreement + match.photometric_agreement) / 2
        if match.hue_agreement < self.hue_agreement or in_light < self.photometric_surely:
            return False
        if match.whole:
            return (
                in_light >= self.photometric
                and min(match.zncc, match.local_agreement) >= self.whole
            )
        many = match.inliers >= self.many
        if match.inliers < self.few or match.zncc < (self.fair if many else self.good):
            return False
        in_mean = (match.local_agreement + match.zncc) / 2 >= self.mean
        if (
            match.inliers >= self.surely
            and match.inlier_coverage >= self.inlier_coverage
            and in_mean
        ):
            return True
        spread = many and match.inlier_coverage >= self.inlier_coverage_fair
        needed = self.local_agreement_fair if spread else self.local_agreement_good
        return in_light >= self.photometric and match.local_agreement >= needed


@dataclass(frozen=True, slots=True)
class Scalable:
    """Nguyen's rule ("Scalable Image Search with Deep Image Representation"), as we read it.

    The slide with its diagram is lost. Below the cosine `low` (t) nothing is accepted; from `high`
    (T) up at least `few` (n) matching points are needed, between the two at least `many` (N); a
    picture with fewer than `enough` (K) key points is decided by the cosine alone, at `high`.
    """

    high: float = 0.91
    low: float = 0.1
    enough: float = 10
    many: float = 20
    few: float = 10

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

    `shortlist` hits by cosine are looked at, their key points (`orb` or `sift`; None: as the index
    keeps them, else ORB) matched under `model`. With `closely` a query is looked at again, larger,
    for the first of the hits that were not verified: for pictures that are a small part of it;
    and before, the whole of it is laid over the whole of each, for pictures without corners.
    Not `thoroughly`, only those of the shortlist are matched whose key points look most alike.
    Hits are the verified photos, with `unverified` the others too; the most similar comes first,
    with `by_inliers` the one with the most inliers.
    """

    rule: Default | Scalable
    method: Method | None = None
    model: Model = "homography"
    shortlist: int = 100
    closely: bool = True
    thoroughly: bool = False
    unverified: bool = False
    by_inliers: bool = False


PRESETS: dict[Preset, Verification] = {
    "default": Verification(Default()),
    "scalable": Verification(Scalable(), method="orb", closely=False, thoroughly=True),
}


FORMER_NAMES = {  # of thresholds, as scripts may still call them
    "even_good": "local_agreement_good",
    "even_fair": "local_agreement_fair",
    "covered_fair": "inlier_coverage_fair",
    "covered": "inlier_coverage",
    "colours": "hue_agreement",
    "lit": "photometric",
    "lit_surely": "photometric_surely",
}


def verification(preset: Preset, thresholds: Sequence[str] = ()) -> Verification:
    """Return a preset, with some thresholds of its rule as `NAME=VALUE` says.

    Raises:
        UsageError: the rule has no such threshold, or the value is no number.
    """
    chosen = PRESETS[preset]
    rule: Any = chosen.rule
    for text in thresholds:
        name, _, value = text.partition("=")
        name = FORMER_NAMES.get(name, name)
        kinds = [field.name for field in fields(rule)]
        if name not in kinds:
            raise UsageError(f"--threshold {text}: --verify {preset} has {', '.join(kinds)}")
        try:
            number = float(value)
            if not math.isfinite(number):
                raise ValueError
            rule = replace(rule, **{name: number})
        except ValueError:
            raise UsageError(f"--threshold {text}: not NAME=NUMBER") from None
    return replace(chosen, rule=rule)


def asked_verification(
    preset: Preset | None, thresholds: Sequence[str] = (), **changes: Any
) -> Verification | None:
    """Return how to verify, with what differs from the preset (None: as there); None: not to.

    Raises:
        UsageError: something is changed, but nothing verified; or as `verification` does.
    """
    wanted = {name: value for name, value in changes.items() if value not in (None, False)}
    if preset is None:
        if wanted or thresholds:
            name = (*wanted, "threshold")[0].replace("_", "-")
            raise UsageError(f"--{name}: goes with --verify default or --verify scalable")
        return None
    return replace(verification(preset, thresholds), **wanted)
