"""Rules: from a match to the decision "the same picture"."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from tvcli.core.errors import UsageError
from tvcli.core.matching.features import Method
from tvcli.core.matching.fitting import Model
from tvcli.core.matching.match import Match
from tvcli.core.matching.score import fitted_score

Preset = Literal["default", "scalable"]


@dataclass(frozen=True, slots=True)
class Default:
    """Ours: the probability that the evidence gives is `min_probability` (None: the fitted one)."""

    min_probability: float | None = None

    def accepts(self, match: Match, similarity: float = 1.0, keypoints: int = 0) -> bool:
        """Tell whether the evidence suffices; cosine and key points do not matter."""
        score = fitted_score()
        least = score.min_probability if self.min_probability is None else self.min_probability
        return match.transform is not None and match.probability >= least


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

    def accepts(self, match: Match, similarity: float, keypoints: int) -> bool:
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
    keeps them, else ORB) matched under `model`: those whose key points look most alike. Where none
    of them fills the query, the whole of it is laid over the whole of each, for pictures without
    corners; then it is looked at again, larger, for pictures that are a small part of it.
    `thoroughly`, all of the shortlist are matched instead, and nothing else is done.
    Hits are the verified photos, with `unverified` the others too; the most similar comes first,
    with `by_inliers` the one with the most inliers.
    """

    rule: Default | Scalable
    method: Method | None = None
    model: Model = "homography"
    shortlist: int = 100
    thoroughly: bool = False
    unverified: bool = False
    by_inliers: bool = False


PRESETS: dict[Preset, Verification] = {
    "default": Verification(Default()),
    "scalable": Verification(Scalable(), method="orb", thoroughly=True),
}


def verification(preset: Preset, thresholds: Sequence[str] = ()) -> Verification:
    """Return a preset, with some thresholds of its rule as `NAME=VALUE` says.

    Raises:
        UsageError: the rule has no such threshold, or the value is no number.
    """
    chosen = PRESETS[preset]
    rule: Any = chosen.rule
    if thresholds and isinstance(rule, Default):
        raise UsageError(
            f"--threshold {thresholds[0]}: --verify default has one threshold: --min-probability"
        )
    for text in thresholds:
        name, _, value = text.partition("=")
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
    preset: Preset | None,
    thresholds: Sequence[str] = (),
    min_probability: float | None = None,
    **changes: Any,
) -> Verification | None:
    """Return how to verify, with what differs from the preset (None: as there); None: not to.

    Raises:
        UsageError: something is changed, but nothing verified; or as `verification` does.
    """
    wanted = {name: value for name, value in changes.items() if value not in (None, False)}
    least = [] if min_probability is None else ["min_probability"]
    if preset is None:
        if wanted or thresholds or least:
            name = (*wanted, *least, "threshold")[0].replace("_", "-")
            instead = "; --min-score leaves out less similar hits" if name == "threshold" else ""
            raise UsageError(f"--{name}: goes with --verify{instead}")
        return None
    chosen = replace(verification(preset, thresholds), **wanted)
    if min_probability is None:
        return chosen
    if not isinstance(chosen.rule, Default):
        raise UsageError("--min-probability: --verify scalable has its own thresholds: --threshold")
    return replace(chosen, rule=Default(min_probability))
