"""Checks: what the geometry says of each photo of a shortlist."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box, area
from tvcli.core.engines import Rows
from tvcli.core.records import Record
from tvcli.core.searching.queries import Vector
from tvcli.core.verification.keypoints import Keypoints
from tvcli.core.verification.match import Match
from tvcli.core.verification.overlap import clipped, outline_area
from tvcli.core.verification.plausible import outline

MOST = 0.5  # of a query, seen in a verified hit: then it shows no other, smaller pictures

Map = list[list[float]]


@dataclass(frozen=True, slots=True)
class Check:
    """What the geometry says of a hit: `transform` maps pixels of the query to pixels of the hit.

    `agreement` is how alike the two are under it, -1 to 1; `even`, `colours` and `light` are the
    shares of places in which details, hues and colours agree, `covered` that of the hit's key
    points near an inlier; `outline` are the corners of the
    query in the hit, `inside` those of the hit in the query, in pixels, in order around it. Where
    `whole`, the two were laid over each other as they are, without key points.
    """

    verified: bool
    inliers: int = 0
    agreement: float = 0.0
    even: float = 1.0
    colours: float = 1.0
    light: float = 1.0
    covered: float = 1.0
    whole: bool = False
    mirrored: bool = False
    transform: Map | None = None
    outline: Map | None = None
    inside: Map | None = None

    @property
    def evidence(self) -> str:
        """What verifies it, in a word or three."""
        by = "whole photo" if self.whole else f"{self.inliers} inliers"
        return by + (", mirrored" if self.mirrored else "")

    def as_record(self) -> Record:
        """Return what `tv search` writes of it beside the hit; without a map only that."""
        record: Record = {"verified": self.verified, "inliers": self.inliers}
        if self.transform is not None:
            record |= {"agreement": self.agreement, "even": self.even, "colours": self.colours}
            record |= {"light": self.light, "covered": self.covered, "whole": self.whole}
            record["mirrored"] = self.mirrored
            record |= {"transform": self.transform, "outline": self.outline}
        return record


@dataclass(frozen=True, slots=True)
class Checked:
    """A shortlist: similarities (n,) float32, rows (n,) of the index and their checks."""

    similarities: Vector
    rows: Rows
    checks: list[Check]

    def shows_most(self, region: Box) -> bool:
        """Tell whether a verified hit fills most of a query's region."""
        return any(_is_most(check, region) for check in self.checks)

    def better(self, checks: list[Check]) -> "Checked":
        """Return the same rows with the surer of two checks of each."""
        pairs = zip(self.checks, checks, strict=True)
        return replace(self, checks=[max(pair, key=_sureness) for pair in pairs])

    def and_more(self, more: "Checked") -> "Checked":
        """Return both shortlists as one."""
        return Checked(
            np.append(self.similarities, more.similarities),
            np.append(self.rows, more.rows),
            self.checks + more.checks,
        )


def checked(verified: bool, match: Match, region: Box, other: Keypoints) -> Check:
    """Return what is said of the match of a query's region with a photo."""
    if match.transform is None:
        return Check(verified)
    back = np.asarray(np.linalg.inv(match.transform), np.float64)
    return Check(
        verified=verified,
        inliers=match.inliers,
        agreement=round(match.agreement, 4),
        even=round(match.even, 4),
        colours=round(match.colours, 4),
        light=round(match.light, 4),
        covered=round(match.covered, 4),
        whole=match.whole,
        mirrored=match.mirrored,
        transform=_digits(match.transform / match.transform[2, 2], 8),
        outline=_digits(outline(match.transform, region), 6),
        inside=_digits(outline(back, other.region), 6),
    )


def _is_most(check: Check, region: Box) -> bool:
    """Tell whether a verified hit fills most of a query's region."""
    if not check.verified or check.inside is None:
        return False
    seen = clipped(np.array(check.inside, np.float64), region)
    return outline_area(seen) >= MOST * area(region)


def _sureness(check: Check) -> tuple[bool, int]:
    return check.verified, check.inliers


def _digits(values: npt.NDArray[np.float64], digits: int) -> Map:
    return [[float(f"{value:.{digits}g}") for value in line] for line in values]
