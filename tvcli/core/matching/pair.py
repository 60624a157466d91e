"""Two photos alone: whether they show the same picture, by the decision of verified searches."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tvcli.core.images.photo import Photo
from tvcli.core.matching.decision import Default
from tvcli.core.matching.features import COUNT, SIDE, Keypoints, Method, describe, describe_both
from tvcli.core.matching.fitting import Model
from tvcli.core.matching.match import Match, likeliest
from tvcli.core.matching.matcher import Matcher
from tvcli.core.matching.whole import WholeMatcher

FINE = 2 * SIDE, 3 * COUNT  # side and key points of a photo that is sought as a small part
UNKNOWN = 1.0  # cosine of two photos that are not encoded: the rule does not look at it


@dataclass(frozen=True, slots=True)
class Pair:
    """Whether two photos show the same picture, and the match of the first with the second."""

    same: bool
    match: Match

    @property
    def probability(self) -> float:
        """That they do, by the evidence of the match."""
        return self.match.probability


def match_pair(
    first: Photo,
    second: Photo,
    *,
    method: Method = "orb",
    model: Model = "homography",
    min_probability: float | None = None,
) -> Pair:
    """Tell whether one photo shows the picture of the other, as `tv search --verify` decides.

    Key points are matched, the whole photos laid over each other, and the first enlarged; then the
    same with the two in each other's place. The first match that the rule accepts counts, else the
    likeliest.
    """
    rule = Default(min_probability)
    looks = [*_looks(first, second, rule, method, model, back=False)]
    accepted = next((match for match, same in looks if same), None)
    if accepted is None:
        looks += _looks(second, first, rule, method, model, back=True)
        accepted = next((match for match, same in looks if same), None)
    if accepted is not None:
        return Pair(True, accepted)
    return Pair(False, likeliest(match for match, _ in looks))


def _looks(
    query: Photo, other: Photo, rule: Default, method: Method, model: Model, *, back: bool
) -> Iterator[tuple[Match, bool]]:
    """Yield matches of a query with another photo and whether they are accepted, until one is."""
    gallery = describe(other, method=method)
    both = describe_both(query, method=method)
    for match, keypoints in _matches(query, both, gallery, method, model):
        same = rule.accepts(UNKNOWN, match, min(keypoints, len(gallery)))
        yield _inverse(match) if back else match, same
        if same:
            return


def _matches(
    query: Photo, both: list[Keypoints], gallery: Keypoints, method: Method, model: Model
) -> Iterator[tuple[Match, int]]:
    matcher = Matcher(both, model=model)
    yield matcher.match(gallery), matcher.keypoints
    yield WholeMatcher(both[0]).match(gallery), 0
    side, count = FINE
    fine = Matcher(describe_both(query, method=method, side=side, count=count), model=model)
    yield fine.match(gallery), fine.keypoints


def _inverse(match: Match) -> Match:
    if match.transform is None:
        return match
    return replace(match, transform=np.asarray(np.linalg.inv(match.transform), np.float64))
