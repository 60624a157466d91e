"""Two photos alone: whether they show the same picture, by the decision of verified searches."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tvcli.core.images.photo import Photo
from tvcli.core.matching.decision import Default
from tvcli.core.matching.features import FINE, Method, describe, describe_both
from tvcli.core.matching.fitting import Model
from tvcli.core.matching.homography import inverse
from tvcli.core.matching.match import Match, likeliest
from tvcli.core.matching.matcher import Matcher
from tvcli.core.matching.whole import WholeMatcher


@dataclass(frozen=True, slots=True)
class Pair:
    """Whether two photos show the same picture, and the match of the first with the second."""

    same: bool
    match: Match


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
    seen: list[Match] = []
    for query, other, back in ((first, second, False), (second, first, True)):
        for match in _looks(query, other, method, model):
            seen.append(_turned(match) if back else match)
            if rule.accepts(match):
                return Pair(True, seen[-1])
    return Pair(False, likeliest(seen))


def _looks(query: Photo, other: Photo, method: Method, model: Model) -> Iterator[Match]:
    """Yield the matches of a query with another photo, look by look."""
    gallery = describe(other, method=method)
    both = describe_both(query, method=method)
    yield Matcher(both, model=model).match(gallery)
    yield WholeMatcher(both[0]).match(gallery)
    side, count = FINE
    fine = describe_both(query, method=method, side=side, count=count)
    yield Matcher(fine, model=model).match(gallery)


def _turned(match: Match) -> Match:
    """Return a match as that of the second photo with the first."""
    return match if match.transform is None else replace(match, transform=inverse(match.transform))
