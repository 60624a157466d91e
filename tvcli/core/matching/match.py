"""A match: how a query agrees with a photo of the gallery under the map between them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from tvcli.core.matching.features import Keypoints
from tvcli.core.matching.local_agreement import local_agreement
from tvcli.core.matching.photometry import hue_and_photometric_agreement
from tvcli.core.matching.plausible import Transform
from tvcli.core.matching.zncc import Details


@dataclass(frozen=True, slots=True)
class Match:
    """How a query agrees with a photo of the gallery.

    `transform` (3, 3) float64 maps pixels of the query to pixels of the gallery's photo, both as
    displayed; None where no map was found. `inliers` are the pairs of key points that it explains,
    of `pairs` that looked alike. `zncc` is how alike the two pictures are under it, -1 to 1;
    `local_agreement`, `hue_agreement` and `photometric_agreement` are the shares of the places in
    which their details, their hues and their colours, dark and bright, agree, `inlier_coverage`
    that of the photo's key points near an inlier; 1 where there are too few inliers to look. Where
    `whole`, one whole picture was laid over the other, without key points.
    """

    inliers: int = 0
    transform: Transform | None = None
    mirrored: bool = False
    pairs: int = 0
    zncc: float = 0.0
    local_agreement: float = 1.0
    hue_agreement: float = 1.0
    photometric_agreement: float = 1.0
    inlier_coverage: float = 1.0
    whole: bool = False


def surest(matches: Iterable[Match]) -> Match:
    """Return the match with the most inliers, of the most pairs; without any, one without a map."""
    return max(matches, key=lambda match: (match.inliers, match.pairs), default=Match())


def by_places(match: Match, query: Keypoints, gallery: Keypoints, found: Details) -> Match:
    """Return a match with the shares of the places that agree."""
    assert match.transform is not None
    hue_agreement, photometric_agreement = hue_and_photometric_agreement(
        query, gallery, match.transform
    )
    return replace(
        match,
        local_agreement=local_agreement(found),
        hue_agreement=hue_agreement,
        photometric_agreement=photometric_agreement,
    )
