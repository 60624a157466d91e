"""Verified hits: which photos of a shortlist show the same picture as the query, by geometry."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box, area
from tvcli.core.engines import Rows, Vectors
from tvcli.core.errors import UsageError
from tvcli.core.images import Photo, decode_photo, read_photo
from tvcli.core.indexes.index import Index
from tvcli.core.indexes.keypoints import Kept, kept_keypoints
from tvcli.core.indexes.segments import unit
from tvcli.core.parallel import cores
from tvcli.core.records import Record
from tvcli.core.reports import Report
from tvcli.core.searching.queries import Query, Vector
from tvcli.core.verification.keypoints import COUNT, SIDE, Keypoints, describe_both
from tvcli.core.verification.matching import Match, Matcher
from tvcli.core.verification.plausible import outline
from tvcli.core.verification.rules import Verification

FINE = 2 * SIDE, 3 * COUNT  # side and key points of a query looked at closely
SURELY = 8  # photos of the shortlist that are matched, the most similar
TURNED = 40  # photos that join the shortlist for each way to turn the query
THOROUGHLY = 20  # photos that are matched, the rest those that look most alike at a quick look
MOST = 0.5  # of a query, seen in a verified hit: then it shows no other, smaller pictures

Map = list[list[float]]
Turned = Callable[[Photo, Box | None], Vectors]


@dataclass(frozen=True, slots=True)
class Check:
    """What the geometry says of a hit: `transform` maps pixels of the query to pixels of the hit.

    `agreement` is how alike the two are under it, -1 to 1; `even` and `colours` are the shares of
    places, textured ones and all, in which details and colours agree; `outline` are the corners of
    the query in the hit, `inside` those of the hit in the query, in pixels, in order around it.
    """

    verified: bool
    inliers: int = 0
    agreement: float = 0.0
    even: float = 1.0
    colours: float = 1.0
    mirrored: bool = False
    transform: Map | None = None
    outline: Map | None = None
    inside: Map | None = None

    def as_record(self) -> Record:
        """Return what `tv search` writes of it beside the hit; without a map only that."""
        record: Record = {"verified": self.verified, "inliers": self.inliers}
        if self.transform is not None:
            record |= {"agreement": self.agreement, "even": self.even, "colours": self.colours}
            record["mirrored"] = self.mirrored
            record |= {"transform": self.transform, "outline": self.outline}
        return record


class Verifier:
    """Checks shortlists of one index; key points are described once in a run, if not kept.

    `turned` gives the vectors of a photo turned round, as `Queries` does, to look for more.
    """

    def __init__(
        self, index: Index, kept: Kept, verification: Verification, turned: Turned | None = None
    ) -> None:
        self.verification, self._index, self._kept, self._turned = verification, index, kept, turned
        self._known: dict[int, Keypoints] = {}

    def chosen(
        self, query: Query, similarities: Vector, rows: Rows
    ) -> tuple[Vector, Rows, list[Check]]:
        """Return those of a shortlist (n,) that are hits, with their checks, in their order.

        They are the verified ones, unless others are wanted too; the most similar comes first, or
        with `by_inliers` the one with the most. Where none of them is most of the query, it is
        looked at again: turned round for a longer shortlist, and larger for small pictures in it.

        Raises:
            UsageError: the query is not one photo.
            BadImage: its photo cannot be read any more.
        """
        if not query.photo:
            raise UsageError("--verify: goes with photos and --item, not with --like and --unlike")
        photo = decode_photo(query.data or read_photo(Path(query.photo)), size=FINE[0])
        region = query.crop or photo.whole
        matcher = self._matcher(photo, query)
        checks = self._checked(matcher, region, similarities, rows)
        if self.verification.closely and not any(_is_most(check, region) for check in checks):
            more = self._more(photo, query, rows)
            values = (self._index.vectors(more) @ unit(query.vector[None])[0]).clip(-1, 1)
            checks += self._checked(matcher, region, values, more)
            similarities, rows = np.append(similarities, values), np.append(rows, more)
            again = self._checked(self._matcher(photo, query, *FINE), region, similarities, rows)
            checks = [max(pair, key=_sureness) for pair in zip(checks, again, strict=True)]
        kept = [n for n, c in enumerate(checks) if c.verified or self.verification.unverified]
        kept.sort(key=lambda n: (-self._strength(checks[n]), -similarities[n], rows[n]))
        return similarities[kept], rows[kept], [checks[n] for n in kept]

    def _strength(self, check: Check) -> int:
        return check.inliers if self.verification.by_inliers else 0

    def _more(self, photo: Photo, query: Query, rows: Rows) -> Rows:
        """Return rows similar to the query turned round, the most similar first, but for some."""
        if self._turned is None:
            return np.empty(0, np.intp)
        vectors = self._turned(photo, query.crop)
        similarities, found = self._index.search(vectors, TURNED)  # (7, TURNED)
        order = found.ravel()[np.argsort(-similarities.ravel(), kind="stable")]
        known = set(rows.tolist())
        new = [row for row in dict.fromkeys(order.tolist()) if row not in known]
        return np.array(new, np.intp)

    def _matcher(self, photo: Photo, query: Query, side: int = SIDE, count: int = COUNT) -> Matcher:
        both = describe_both(
            photo, method=self._kept.method, crop=query.crop, side=side, count=count
        )
        return Matcher(both, model=self.verification.model, places=True)

    def _described(self, rows: Rows) -> list[Keypoints]:
        new = np.array([row for row in rows.tolist() if row not in self._known], np.intp)
        self._known.update(zip(new.tolist(), self._kept.read(new), strict=True))
        return [self._known[row] for row in rows.tolist()]

    def _checked(
        self, matcher: Matcher, region: Box, similarities: Vector, rows: Rows
    ) -> list[Check]:
        """Return the checks of rows (n,) against a query's region."""
        others = self._described(rows)
        matches = self._matches(matcher, others)
        return [
            self._decided(similarity, match, min(matcher.keypoints, len(other)), region, other)
            for similarity, match, other in zip(similarities.tolist(), matches, others, strict=True)
        ]

    def _matches(self, matcher: Matcher, others: list[Keypoints]) -> list[Match]:
        """Return the match with each photo; none with those that a quick look leaves out."""
        with ThreadPoolExecutor(cores()) as pool:
            if self.verification.thoroughly or len(others) <= THOROUGHLY:
                return list(pool.map(matcher.match, others))
            alike = np.fromiter(pool.map(matcher.alike, others), np.intp, len(others))
            alike[:SURELY] += COUNT
            places = np.argsort(-alike, kind="stable")[:THOROUGHLY]
            matches = [Match()] * len(others)
            found = pool.map(matcher.match, [others[place] for place in places])
            for place, match in zip(places, found, strict=True):
                matches[place] = match
        return matches

    def _decided(
        self, similarity: float, match: Match, keypoints: int, region: Box, other: Keypoints
    ) -> Check:
        verified = self.verification.rule.accepts(similarity, match, keypoints)
        if match.transform is None:
            return Check(verified)
        back = np.asarray(np.linalg.inv(match.transform), np.float64)
        return Check(
            verified=verified,
            inliers=match.inliers,
            agreement=round(match.agreement, 4),
            even=round(match.even, 4),
            colours=round(match.colours, 4),
            mirrored=match.mirrored,
            transform=_digits(match.transform / match.transform[2, 2], 8),
            outline=_digits(outline(match.transform, region), 6),
            inside=_digits(outline(back, other.region), 6),
        )


def _is_most(check: Check, region: Box) -> bool:
    """Tell whether a verified hit fills most of a query's region."""
    if not check.verified or check.inside is None:
        return False
    corners = np.clip(check.inside, region[:2], region[2:])
    x, y = corners.T
    shared = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2  # the shoelace formula
    return shared >= MOST * area(region)


def _sureness(check: Check) -> tuple[bool, int]:
    return check.verified, check.inliers


def _digits(values: npt.NDArray[np.float64], digits: int) -> Map:
    return [[float(f"{value:.{digits}g}") for value in line] for line in values]


@contextmanager
def verifying(
    index: Index, verification: Verification | None, report: Report, turned: Turned | None = None
) -> Iterator[Verifier | None]:
    """Give what verifies hits of an index; None where nothing is to be verified.

    Raises:
        BadInput: the key points that it keeps are damaged.
    """
    if verification is None:
        yield None
        return
    with kept_keypoints(index, verification.method, report) as kept:
        yield Verifier(index, kept, verification, turned)
