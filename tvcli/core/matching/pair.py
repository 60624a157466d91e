"""Two photos alone: whether they show the same picture, by the rule of verified searches."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tvcli.core.images.photo import Photo
from tvcli.core.matching.decision import Default
from tvcli.core.matching.features import COUNT, SIDE, Keypoints, Method, describe_both
from tvcli.core.matching.fitting import Model
from tvcli.core.matching.match import Match, surest
from tvcli.core.matching.matcher import QUICK, Matcher
from tvcli.core.matching.whole import WholeMatcher

FINE = 2 * SIDE, 3 * COUNT  # side and key points of a photo that is sought as a small part
UNKNOWN = 1.0  # cosine of two photos that are not encoded: the rule does not look at it


@dataclass(frozen=True, slots=True)
class Pair:
    """Whether two photos show the same picture, and the match of the first with the second."""

    same: bool
    match: Match


def match_pair(
    first: Photo, second: Photo, *, method: Method = "orb", model: Model = "homography"
) -> Pair:
    """Tell whether one photo shows the picture of the other, as `tv search --verify` decides.

    Key points are matched, the whole photos laid over each other, and the first enlarged; then the
    same with the two in each other's place. The first match that the rule accepts counts, else the
    one with the most inliers.
    """
    looks = [*_looks(first, second, method, model, back=False)]
    accepted = next((match for match, same in looks if same), None)
    if accepted is None:
        looks += _looks(second, first, method, model, back=True)
        accepted = next((match for match, same in looks if same), None)
    if accepted is not None:
        return Pair(True, accepted)
    return Pair(False, surest(match for match, _ in looks))


def _looks(
    query: Photo, other: Photo, method: Method, model: Model, *, back: bool
) -> Iterator[tuple[Match, bool]]:
    """Yield matches of a query with another photo and whether they are accepted, until one is."""
    rule, gallery = Default(), describe_both(other, method=method)[0]
    both = describe_both(query, method=method)
    for match, keypoints in _matches(query, both, gallery, method, model):
        same = match.transform is not None and rule.accepts(
            UNKNOWN, match, min(keypoints, len(gallery))
        )
        yield _inverse(match) if back else match, same
        if same:
            return


def _matches(
    query: Photo, both: list[Keypoints], gallery: Keypoints, method: Method, model: Model
) -> Iterator[tuple[Match, int]]:
    matcher = Matcher(both, model=model, quick=QUICK)
    yield matcher.match(gallery), matcher.keypoints
    yield WholeMatcher(both[0]).match(gallery), 0
    side, count = FINE
    fine = Matcher(describe_both(query, method=method, side=side, count=count), model=model)
    yield fine.match(gallery), fine.keypoints


def _inverse(match: Match) -> Match:
    if match.transform is None:
        return match
    return replace(match, transform=np.asarray(np.linalg.inv(match.transform), np.float64))
