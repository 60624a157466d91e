"""Verified hits: which photos of a shortlist show the same picture as the query, by geometry."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from tvcli.core.boxes import Box
from tvcli.core.engines import Found, Mask, Rows, Vectors
from tvcli.core.errors import UsageError
from tvcli.core.images.arrays import unit
from tvcli.core.images.photo import BadImage, Photo, decode_photo, read_photo
from tvcli.core.indexes.index import Index
from tvcli.core.indexes.keypoints import Kept, kept_keypoints, kept_words
from tvcli.core.indexes.words import KeptWords
from tvcli.core.matching.decision import Verification
from tvcli.core.matching.features import COUNT, Keypoints, describe, describe_both
from tvcli.core.matching.match import Match
from tvcli.core.matching.matcher import QUICK, Matcher
from tvcli.core.matching.pair import FINE
from tvcli.core.matching.whole import WholeMatcher
from tvcli.core.parallel import cores
from tvcli.core.reports import Report
from tvcli.core.searching.checks import UNCHECKED, Check, Checked, checked, surer
from tvcli.core.searching.queries import Query, Vector

FINE_QUICK = 250, 0.65  # by so many more key points more pairs look alike by chance
SURELY = 8  # photos of the shortlist that are matched, the most similar
KNOWN = 4096  # photos: about 150 MB of key points
LOOKED = 40  # photos that join the shortlist for each other look at the query
SMALL = 400  # photos of an index of which all are looked at again: as many as the looks list
THOROUGHLY = 20  # photos that are matched, the rest those that look most alike at a quick look
SHARING = 20  # photos of an index that share the most visual words: they join the shortlist
WITH_TIME = 150  # photos that a large look matches of a small index: there is time for that

Looks = Callable[[Photo, Box | None], Vectors]


class Search(Protocol):
    """Finds the rows closest to vectors that may join a shortlist, as `Index.search` does."""

    def __call__(self, queries: Vectors, k: int, allowed: Mask | None = None, /) -> Found:
        """Return similarities and rows (Q, n) of the k closest, of those allowed (N,)."""


class Verifier:
    """Checks shortlists of one index; the key points of the last KNOWN photos stay at hand.

    `words` are the visual words that the index keeps. Where it keeps none, `looks` gives the
    vectors of a photo looked at in other ways, as `Queries` does; `search` finds the rows closest
    to them that may join a shortlist, as `Index.search` does without filters. A photo that OpenCV
    fails on is told to `report`, once, and is no hit.
    """

    def __init__(
        self,
        index: Index,
        kept: Kept,
        verification: Verification,
        looks: Looks | None = None,
        search: Search | None = None,
        words: KeptWords | None = None,
        report: Report | None = None,
    ) -> None:
        self.verification, self._index, self._kept, self._looks = verification, index, kept, looks
        self._report = report
        self._search: Search = search or index.search
        self._words = words
        self._known: dict[int, Keypoints] = {}
        self._told: set[int] = set()  # rows whose photos OpenCV failed on

    def chosen(
        self, query: Query, similarities: Vector, rows: Rows
    ) -> tuple[Vector, Rows, list[Check]]:
        """Return those of a shortlist (n,) that are hits, with their checks, in their order.

        They are the verified ones, unless others are wanted too; the most similar comes first, or
        with `by_inliers` the one with the most. Photos that share visual words join the list. Where
        none of them is most of the query, it is looked at again: as a whole, then larger, for small
        pictures in it, and without words in other ways (`looks`) for a longer shortlist.

        Raises:
            UsageError: the query is not one photo.
            BadImage: its photo cannot be read any more.
        """
        if not query.photo:
            raise UsageError("--verify: goes with photos and --item, not with --like and --unlike")
        colour = self._index.settings["encoder"].get("colour", "stored")  # as the looks want it
        data = query.data or read_photo(Path(query.photo))
        photo = decode_photo(data, size=FINE[0], colour=colour)
        method = self._kept.method
        both = describe_both(photo, method=method, crop=query.crop)
        look = _Look(both, self._matcher(both), self._shared(both))
        given = Checked(similarities, rows, [UNCHECKED] * len(rows))
        found = self._matched(look, self._and_sharing(query, look, given))
        if self.verification.closely and not found.shows_most(look.region):
            whole = WholeMatcher(both[0])
            found = self._laid_over(whole, found)
            if not found.shows_most(look.region):
                found = self._again(photo, query, look, whole, found)
        kept = [n for n, c in enumerate(found.checks) if c.verified or self.verification.unverified]
        kept.sort(key=lambda n: self._order(found, n))
        return found.similarities[kept], found.rows[kept], [found.checks[n] for n in kept]

    def _order(self, found: Checked, place: int) -> tuple[bool, int, float, int]:
        similarity, row = float(found.similarities[place]), int(found.rows[place])
        if not self.verification.by_inliers:
            return False, 0, -similarity, row
        check = found.checks[place]  # whole photos are verified without inliers
        return not check.verified, -check.match.inliers, -similarity, row

    def _again(
        self, photo: Photo, query: Query, look: "_Look", whole: WholeMatcher, found: Checked
    ) -> Checked:
        """Return the checks of a longer shortlist, and of the query enlarged.

        Its mirror image is not: what is mirrored and small is looked for at the first size only.
        """
        if self._words is None:
            new = self._of_rows(query, self._more(photo, query, found.rows))
            found = found.and_more(self._laid_over(whole, self._matched(look, new)))
        side, count = FINE
        large = [describe(photo, method=self._kept.method, crop=query.crop, side=side, count=count)]
        many = WITH_TIME if len(self._index) <= SMALL else THOROUGHLY
        fine = _Look(large, self._matcher(large, FINE_QUICK), self._shared(large), many)
        return self._matched(fine, self._and_sharing(query, fine, found))

    def _and_sharing(self, query: Query, look: "_Look", found: Checked) -> Checked:
        """Return a shortlist with the rows that share the most visual words with a look."""
        if look.shared is None or not self.verification.closely:
            return found
        wanted = look.shared > 0
        wanted[found.rows] = False
        most = max(SHARING, look.thoroughly)
        if wanted.sum() > most:
            least = np.partition(look.shared[wanted], -most)[-most]
            wanted &= look.shared >= least
        if not wanted.any():
            return found
        values, rows = self._search(query.vector[None], int(wanted.sum()), wanted)
        there = rows[0] >= 0
        return found.and_more(
            Checked(values[0][there], rows[0][there], [UNCHECKED] * int(there.sum()))
        )

    def _shared(self, described: list[Keypoints]) -> Vector | None:
        if self._words is None:
            return None
        return self._words.shared([keypoints.descriptors for keypoints in described])

    def _of_rows(self, query: Query, rows: Rows) -> Checked:
        values = (self._index.vectors(rows) @ unit(query.vector[None])[0]).clip(-1, 1)
        return Checked(values, rows, [UNCHECKED] * len(rows))

    def _more(self, photo: Photo, query: Query, rows: Rows) -> Rows:
        """Return rows similar to other looks at the query, the most similar first, but for some."""
        if self._looks is None:
            return np.empty(0, np.intp)
        vectors = self._looks(photo, query.crop)
        wanted = SMALL if len(self._index) <= SMALL else LOOKED
        similarities, found = self._search(vectors, wanted)  # (looks, LOOKED)
        order = found.ravel()[np.argsort(-similarities.ravel(), kind="stable")]
        known = set(rows.tolist())
        new = [row for row in dict.fromkeys(order.tolist()) if row >= 0 and row not in known]
        return np.array(new, np.intp)

    def _matcher(self, described: list[Keypoints], quick: tuple[int, float] = QUICK) -> Matcher:
        return Matcher(described, model=self.verification.model, quick=quick)

    def _described(self, rows: Rows) -> list[Keypoints]:
        new = np.array([row for row in rows.tolist() if row not in self._known], np.intp)
        self._known.update(zip(new.tolist(), self._kept.read(new), strict=True))
        described = [self._known[row] for row in rows.tolist()]
        for row in list(self._known)[: max(len(self._known) - KNOWN, 0)]:  # the oldest
            del self._known[row]
        return described

    def _laid_over(self, whole: WholeMatcher, found: Checked) -> Checked:
        """Return checks with those of the whole query laid over whole photos, where better."""
        others = self._described(found.rows)
        matches = [self._match(whole.match, *one) for one in zip(others, found.rows, strict=True)]
        return self._better(found, range(len(others)), matches, others, 0, whole.query.region)

    def _matched(self, look: "_Look", found: Checked) -> Checked:
        """Return checks with those of a look's key points, of the photos worth it, where better."""
        places = self._worth(look, found)
        rows = found.rows[places]
        others = self._described(rows)
        with ThreadPoolExecutor(cores()) as pool:
            matches = list(pool.map(partial(self._match, look.matcher.match), others, rows))
        return self._better(found, places, matches, others, look.matcher.keypoints, look.region)

    def _match(self, match: Callable[[Keypoints], Match], other: Keypoints, row: int) -> Match:
        """Return the match with a photo; no match with one that OpenCV fails on, which is told."""
        try:
            return match(other)
        except BadImage as error:
            self._skip(row, error)
            return Match()

    def _alike(self, matcher: Matcher, other: Keypoints) -> int:
        try:
            return matcher.alike(other)
        except BadImage:  # told when it is matched
            return COUNT

    def _skip(self, row: int, error: BadImage) -> None:
        if self._report is None or int(row) in self._told:
            return
        self._told.add(int(row))
        (image,) = self._index.read("image", np.array([row]))
        self._report.skip(image, "verify", str(error))

    def _worth(self, look: "_Look", found: Checked) -> list[int]:
        """Return the places of a shortlist that are matched: those a quick look says, and some."""
        count = len(found.rows)
        if self.verification.thoroughly or count <= look.thoroughly:
            return list(range(count))
        if look.shared is None:
            others = self._described(found.rows)
            with ThreadPoolExecutor(cores()) as pool:
                counts = pool.map(partial(self._alike, look.matcher), others)
                alike = np.fromiter(counts, np.float64, count)
        else:
            alike = look.shared[found.rows].astype(np.float64)
        alike[np.argsort(-found.similarities, kind="stable")[:SURELY]] += COUNT
        places: list[int] = np.argsort(-alike, kind="stable")[: look.thoroughly].tolist()
        return places

    def _better(
        self,
        found: Checked,
        places: Sequence[int],
        matches: list[Match],
        others: list[Keypoints],
        keypoints: int,
        region: Box,
    ) -> Checked:
        """Return a shortlist with what the rule says of matches at some places, where surer."""
        checks = list(found.checks)
        accepts = self.verification.rule.accepts
        for place, match, other in zip(places, matches, others, strict=True):
            value = float(found.similarities[place])
            verified = accepts(value, match, min(keypoints, len(other)))
            checks[place] = surer(checks[place], checked(verified, match, region, other))
        return replace(found, checks=checks)


@dataclass(frozen=True, slots=True)
class _Look:
    """A query at one size: its key points' matcher, and what each row shares with its words."""

    described: list[Keypoints]
    matcher: Matcher
    shared: Vector | None
    thoroughly: int = THOROUGHLY

    @property
    def region(self) -> Box:
        return self.described[0].region


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
    with kept_keypoints(index, verification.method, report) as kept, kept_words(index) as words:
        usable = words if kept.method == "orb" else None  # they are words of ORB
        yield Verifier(index, kept, verification, looks, search, usable, report)
