"""A match: how a query agrees with a photo of the gallery under the map between them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tvcli.core.files.records import Record
from tvcli.core.matching.evidence import Evidence
from tvcli.core.matching.homography import Transform
from tvcli.core.matching.score import fitted_score


@dataclass(frozen=True, slots=True)
class Match:
    """How a query agrees with a photo of the gallery.

    `transform` (3, 3) float64 maps pixels of the query to pixels of the gallery's photo, both as
    displayed; None where no map was found. `inliers` are the pairs of key points that it explains,
    of `pairs` that looked alike; `evidence` is what was measured under it. Where `whole`, one whole
    picture was laid over the other, without key points.
    """

    inliers: int = 0
    transform: Transform | None = None
    mirrored: bool = False
    pairs: int = 0
    evidence: Evidence = field(default_factory=Evidence)
    whole: bool = False

    @property
    def probability(self) -> float:
        """That the two show the same picture, by all the evidence; 0 without a map."""
        return 0.0 if self.transform is None else fitted_score().probability(self.evidence)

    @property
    def in_short(self) -> str:
        """What speaks for it, in a word or three."""
        by = "whole photo" if self.whole else f"{self.inliers} inliers"
        return f"{by}, mirrored" if self.mirrored else by

    def map_record(self) -> Record:
        """Return what records say of the map, the last value of which is 1 there; {} without it."""
        if self.transform is None:
            return {}
        rows = (self.transform / self.transform[2, 2]).tolist()
        transform = [[float(f"{value:.8g}") for value in row] for row in rows]
        return {"whole": self.whole, "mirrored": self.mirrored, "transform": transform}


def likeliest(matches: Iterable[Match]) -> Match:
    """Return the match that most likely shows the same picture; without any, an empty one."""
    return max(matches, key=lambda match: (match.probability, match.inliers), default=Match())
