"""Checks: what the geometry says of each photo of a shortlist."""

from dataclasses import dataclass

import numpy as np

from tvcli.core.boxes import Box, area
from tvcli.core.engines import Rows
from tvcli.core.files.records import Record
from tvcli.core.matching.features import Keypoints
from tvcli.core.matching.homography import Outline, clipped, inverse, outline, outline_area
from tvcli.core.matching.match import Match
from tvcli.core.searching.queries import Vector

MOST = 0.5  # of a query, seen in a verified hit: then it shows no other, smaller pictures

MEASURES = {  # of evidence: what hits call them
    "nfa": "nfa",
    "zncc": "agreement",
    "local_agreement": "even",
    "disagreement": "apart",
    "hue": "colours",
    "photometric": "light",
}

Corners = list[list[float]]


@dataclass(frozen=True, slots=True)
class Check:
    """What the geometry says of a hit: whether it is the same picture, and how the two match.

    `outline` are the corners of the query in the hit, `inside` those of the hit in the query, in
    pixels, in order around it.
    """

    verified: bool
    match: Match
    outline: Corners | None = None
    inside: Corners | None = None

    def as_record(self) -> Record:
        """Return what `tv search` writes of it beside the hit; without a map only that."""
        match = self.match
        record: Record = {"verified": self.verified, "inliers": match.inliers}
        if match.transform is not None:
            known = match.evidence.known
            record["probability"] = round(match.probability, 6)
            record |= {key: round(known[n], 4) for n, key in MEASURES.items() if n in known}
            record |= match.map_record() | {"outline": self.outline}
        return record


UNCHECKED = Check(False, Match())  # of a photo that was not looked at


@dataclass(frozen=True, slots=True)
class Checked:
    """A shortlist: similarities (n,) float32, rows (n,) of the index and their checks."""

    similarities: Vector
    rows: Rows
    checks: list[Check]

    def sides_showing_most(self, region: Box) -> list[int]:
        """Return the sides of a query, 1 for mirrored, on which verified hits fill most of it."""
        return sorted({int(c.match.mirrored) for c in self.checks if _is_most(c, region)})

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
        return Check(verified, Match())
    there = outline(match.transform, region)
    here = outline(inverse(match.transform), other.region)
    return Check(verified, match, _digits(there), _digits(here))


def _is_most(check: Check, region: Box) -> bool:
    """Tell whether a verified hit fills most of a query's region."""
    if not check.verified or check.inside is None:
        return False
    seen = clipped(np.array(check.inside, np.float64), region)
    return outline_area(seen) >= MOST * area(region)


def surer(one: Check, other: Check) -> Check:
    """Return the surer of two checks of one photo, the first where neither is."""
    return max(one, other, key=_sureness)


def _sureness(check: Check) -> tuple[bool, float, int]:
    return check.verified, check.match.probability, check.match.inliers


def _digits(corners: Outline) -> Corners:
    return [[float(f"{value:.6g}") for value in corner] for corner in corners]
