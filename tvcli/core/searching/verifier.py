"""Verified hits: which photos of a shortlist show the same picture as the query, by geometry."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tvcli.core.boxes import Box
from tvcli.core.engines import Found, Rows, Vectors
from tvcli.core.errors import UsageError
from tvcli.core.images.arrays import unit
from tvcli.core.images.photo import Photo, decode_photo, read_photo
from tvcli.core.indexes.index import Index
from tvcli.core.indexes.keypoints import Kept, kept_keypoints
from tvcli.core.matching.decision import Verification
from tvcli.core.matching.features import COUNT, SIDE, Keypoints, describe_both
from tvcli.core.matching.match import Match
from tvcli.core.matching.matcher import QUICK, Matcher
from tvcli.core.matching.whole import WholeMatcher
from tvcli.core.parallel import cores
from tvcli.core.reports import Report
from tvcli.core.searching.checks import Check, Checked, checked
from tvcli.core.searching.queries import Query, Vector

FINE = 2 * SIDE, 3 * COUNT  # side and key points of a query looked at closely
FINE_QUICK = 250, 0.65  # by so many more key points more pairs look alike by chance
SURELY = 8  # photos of the shortlist that are matched, the most similar
KNOWN = 4096  # photos: about 150 MB of key points
LOOKED = 40  # photos that join the shortlist for each other look at the query
SMALL = 400  # photos of an index of which all are looked at again: as many as the looks list
THOROUGHLY = 20  # photos that are matched, the rest those that look most alike at a quick look

Looks = Callable[[Photo, Box | None], Vectors]
Search = Callable[[Vectors, int], Found]


class Verifier:
    """Checks shortlists of one index; the key points of the last KNOWN photos stay at hand.

    `looks` gives the vectors of a photo looked at in other ways, as `Queries` does; `search` finds
    the rows closest to them that may join a shortlist, as `Index.search` does without filters.
    """

    def __init__(
        self,
        index: Index,
        kept: Kept,
        verification: Verification,
        looks: Looks | None = None,
        search: Search | None = None,
    ) -> None:
        self.verification, self._index, self._kept, self._looks = verification, index, kept, looks
        self._search = search or index.search
        self._known: dict[int, Keypoints] = {}

    def chosen(
        self, query: Query, similarities: Vector, rows: Rows
    ) -> tuple[Vector, Rows, list[Check]]:
        """Return those of a shortlist (n,) that are hits, with their checks, in their order.

        They are the verified ones, unless others are wanted too; the most similar comes first, or
        with `by_inliers` the one with the most. Where none of them is most of the query, it is
        looked at again: as a whole, then in other ways (`looks`) for a longer shortlist, and
        larger for small pictures in it.

        Raises:
            UsageError: the query is not one photo.
            BadImage: its photo cannot be read any more.
        """
        if not query.photo:
            raise UsageError("--verify: goes with photos and --item, not with --like and --unlike")
        colour = self._index.settings["encoder"].get("colour", "stored")  # as the looks want it
        data = query.data or read_photo(Path(query.photo))
        photo = decode_photo(data, size=FINE[0], colour=colour)
        both = self._keypoints(photo, query)
        matcher = self._matcher(both)
        found = self._checked(matcher, both[0].region, similarities, rows)
        if self.verification.closely and not found.shows_most(both[0].region):
            whole = WholeMatcher(both[0])
            found = self._laid_over(whole, found)
            if not found.shows_most(both[0].region):
                found = self._again(photo, query, matcher, whole, found)
        kept = [n for n, c in enumerate(found.checks) if c.verified or self.verification.unverified]
        kept.sort(key=lambda n: self._order(found, n))
        return found.similarities[kept], found.rows[kept], [found.checks[n] for n in kept]

    def _order(self, found: Checked, place: int) -> tuple[bool, int, float, int]:
        similarity, row = float(found.similarities[place]), int(found.rows[place])
        if not self.verification.by_inliers:
            return False, 0, -similarity, row
        check = found.checks[place]  # whole photos are verified without inliers
        return not check.verified, -check.match.inliers, -similarity, row

    def _laid_over(self, whole: WholeMatcher, found: Checked) -> Checked:
        """Return checks with those of the whole query laid over whole photos, where better."""
        others, region = self._described(found.rows), whole.query.region
        matches = [whole.match(other) for other in others]
        return found.better(self._decided(matches, 0, region, found.similarities, others))

    def _again(
        self, photo: Photo, query: Query, matcher: Matcher, whole: WholeMatcher, found: Checked
    ) -> Checked:
        """Return the checks of a longer shortlist, and of the query enlarged."""
        more = self._more(photo, query, found.rows)
        values = (self._index.vectors(more) @ unit(query.vector[None])[0]).clip(-1, 1)
        region = whole.query.region
        others = self._checked(matcher, region, values, more)
        longer = found.and_more(self._laid_over(whole, others))
        fine = self._matcher(self._keypoints(photo, query, *FINE), FINE_QUICK)
        again = self._checked(fine, region, longer.similarities, longer.rows)
        return longer.better(again.checks)

    def _more(self, photo: Photo, query: Query, rows: Rows) -> Rows:
        """Return rows similar to other looks at the query, the most similar first, but for some."""
        if self._looks is None:
            return np.empty(0, np.intp)
        vectors = self._looks(photo, query.crop)
        wanted = SMALL if len(self._index) <= SMALL else LOOKED
        similarities, found = self._search(vectors, wanted)  # (12, LOOKED)
        order = found.ravel()[np.argsort(-similarities.ravel(), kind="stable")]
        known = set(rows.tolist())
        new = [row for row in dict.fromkeys(order.tolist()) if row >= 0 and row not in known]
        return np.array(new, np.intp)

    def _keypoints(
        self, photo: Photo, query: Query, side: int = SIDE, count: int = COUNT
    ) -> list[Keypoints]:
        method = self._kept.method
        return describe_both(photo, method=method, crop=query.crop, side=side, count=count)

    def _matcher(self, both: list[Keypoints], quick: tuple[int, float] = QUICK) -> Matcher:
        return Matcher(both, model=self.verification.model, quick=quick)

    def _described(self, rows: Rows) -> list[Keypoints]:
        new = np.array([row for row in rows.tolist() if row not in self._known], np.intp)
        self._known.update(zip(new.tolist(), self._kept.read(new), strict=True))
        described = [self._known[row] for row in rows.tolist()]
        for row in list(self._known)[: max(len(self._known) - KNOWN, 0)]:  # the oldest
            del self._known[row]
        return described

    def _checked(self, matcher: Matcher, region: Box, similarities: Vector, rows: Rows) -> Checked:
        """Return rows (n,) with their checks against a query's region."""
        others = self._described(rows)
        matches = self._matches(matcher, others)
        checks = self._decided(matches, matcher.keypoints, region, similarities, others)
        return Checked(similarities, rows, checks)

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
        self,
        matches: list[Match],
        keypoints: int,
        region: Box,
        similarities: Vector,
        others: list[Keypoints],
    ) -> list[Check]:
        """Return what the rule says of the match with each photo."""
        triples = zip(similarities.tolist(), matches, others, strict=True)
        accepts = self.verification.rule.accepts
        return [
            checked(accepts(value, match, min(keypoints, len(other))), match, region, other)
            for value, match, other in triples
        ]


@contextmanager
def verifying(
    index: Index,
    verification: Verification | None,
    report: Report,
    looks: Looks | None = None,
    search: Search | None = None,
) -> Iterator[Verifier | None]:
    """Give what verifies hits of an index; None where nothing is to be verified.

    Raises:
        BadInput: the key points that it keeps are damaged.
    """
    if verification is None:
        yield None
        return
    with kept_keypoints(index, verification.method, report) as kept:
        yield Verifier(index, kept, verification, looks, search)
