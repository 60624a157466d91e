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
from tvcli.core.matching.features import FINE, Keypoints, describe, describe_both
from tvcli.core.matching.match import Match
from tvcli.core.matching.matcher import Matcher
from tvcli.core.matching.voting import Filed, Voter, Votes, own_vocabulary
from tvcli.core.matching.whole import WholeMatcher
from tvcli.core.parallel import cores
from tvcli.core.reports import Report
from tvcli.core.searching.checks import UNCHECKED, Check, Checked, checked, surer
from tvcli.core.searching.queries import Query, Vector

SURELY = 2  # photos of the shortlist that are matched whatever the votes: the most similar
KNOWN = 4096  # photos: about 150 MB of key points
LOOKED = 40  # photos that join the shortlist for each other look at the query
SMALL = 400  # photos of an index of which all are looked at again: as many as the looks list
SHARING = 200  # photos of an index that share the most visual words: they join the shortlist
PATIENCE = 8  # photos in turn, by their votes, of which none is verified: then no more are matched
MATCHED = 150  # photos that are matched at most
LEAST_VOTES = 3  # of a photo that is matched
HOPELESS = 0.15  # of the most votes: with fewer a photo is not matched

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
        look = self._look(both, SURELY)
        given = Checked(similarities, rows, [UNCHECKED] * len(rows))
        found, matched = self._matched(look, self._and_sharing(query, look, given))
        if self.verification.closely and not found.shows_most(look.region):
            whole = WholeMatcher(both[0])
            found = self._laid_over(whole, found, sorted({*range(len(rows)), *matched}))
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
            new, _ = self._matched(look, self._of_rows(query, self._more(photo, query, found.rows)))
            found = found.and_more(self._laid_over(whole, new, range(len(new.rows))))
        side, count = FINE
        large = [describe(photo, method=self._kept.method, crop=query.crop, side=side, count=count)]
        fine = self._look(large)
        return self._matched(fine, self._and_sharing(query, fine, found))[0]

    def _and_sharing(self, query: Query, look: "_Look", found: Checked) -> Checked:
        """Return a shortlist with the rows that share the most visual words with a look."""
        if look.shared is None or not self.verification.closely:
            return found
        wanted = look.shared > 0
        wanted[found.rows] = False
        if wanted.sum() > SHARING:
            least = np.partition(look.shared[wanted], -SHARING)[-SHARING]
            wanted &= look.shared >= least
        if not wanted.any():
            return found
        values, rows = self._search(query.vector[None], int(wanted.sum()), wanted)
        there = rows[0] >= 0
        return found.and_more(
            Checked(values[0][there], rows[0][there], [UNCHECKED] * int(there.sum()))
        )

    def _of_rows(self, query: Query, rows: Rows) -> Checked:
        values = (self._index.vectors(rows) @ unit(query.vector[None])[0]).clip(-1, 1)
        return Checked(values, rows, [UNCHECKED] * len(rows))

    def _more(self, photo: Photo, query: Query, rows: Rows) -> Rows:
        """Return rows similar to other looks at the query, the most similar first, but for some."""
        if self._looks is None:
            return np.empty(0, np.intp)
        if len(self._index) <= SMALL:
            similarities, found = self._search(query.vector[None], SMALL)
        else:
            similarities, found = self._search(self._looks(photo, query.crop), LOOKED)
        order = found.ravel()[np.argsort(-similarities.ravel(), kind="stable")]
        known = set(rows.tolist())
        new = [row for row in dict.fromkeys(order.tolist()) if row >= 0 and row not in known]
        return np.array(new, np.intp)

    def _look(self, described: list[Keypoints], surely: int = 0) -> "_Look":
        """Return a query at one size, with what votes for photos where not all are matched."""
        matcher = Matcher(described, model=self.verification.model)
        if not self.verification.closely and self.verification.thoroughly:
            return _Look(described, matcher, [], None, surely)
        kept = self._words
        vocabularies = [
            own_vocabulary(side) if kept is None else kept.vocabulary for side in described
        ]
        voters = [Voter(*one) for one in zip(described, vocabularies, strict=True)]
        shared = None if kept is None else kept.shared([voter.words for voter in voters])
        return _Look(described, matcher, voters, shared, surely)

    def _described(self, rows: Rows) -> list[Keypoints]:
        new = np.array([row for row in rows.tolist() if row not in self._known], np.intp)
        self._known.update(zip(new.tolist(), self._kept.read(new), strict=True))
        described = [self._known[row] for row in rows.tolist()]
        for row in list(self._known)[: max(len(self._known) - KNOWN, 0)]:  # the oldest
            del self._known[row]
        return described

    def _laid_over(self, whole: WholeMatcher, found: Checked, places: Sequence[int]) -> Checked:
        """Return checks with those of the whole query laid over whole photos, where better."""
        rows = found.rows[places]
        others = self._described(rows)
        matches = [self._match(whole.match, *one) for one in zip(others, rows, strict=True)]
        return self._better(found, places, matches, others, 0, whole.query.region)

    def _matched(self, look: "_Look", found: Checked) -> tuple[Checked, list[int]]:
        """Return checks with those of a look's key points, of the photos worth it, where better.

        And the places of these. What has the most votes comes first; once none of PATIENCE photos
        in turn is verified, no other is matched.
        """
        worth = self._worth(look, found)
        patience = len(worth) if self.verification.thoroughly else PATIENCE
        done: list[int] = []
        left = patience  # photos that may still be matched without one that is verified
        with ThreadPoolExecutor(cores()) as pool:
            while left and len(done) < len(worth):
                places, sides = zip(*worth[len(done) : len(done) + left], strict=True)
                rows = found.rows[list(places)]
                others = self._described(rows)
                work = partial(self._match, look.matcher.match)
                matches = list(pool.map(work, others, rows, sides))
                at = look.matcher.keypoints
                found = self._better(found, places, matches, others, at, look.region)
                done += places
                for place in places:
                    left = patience if found.checks[place].verified else left - 1
        return found, done

    def _match(
        self, match: Callable[..., Match], other: Keypoints, row: int, side: int | None = None
    ) -> Match:
        """Return the match with a photo; no match with one that OpenCV fails on, which is told."""
        try:
            return match(other) if side is None else match(other, side)
        except BadImage as error:
            self._skip(row, error)
            return Match()

    def _skip(self, row: int, error: BadImage) -> None:
        if self._report is None or int(row) in self._told:
            return
        self._told.add(int(row))
        (image,) = self._index.read("image", np.array([row]))
        self._report.skip(image, "verify", str(error))

    def _worth(self, look: "_Look", found: Checked) -> list[tuple[int, int | None]]:
        """Return the places of a shortlist that are matched, those with the most votes first.

        Each with the side of the look that is matched, None for both.
        """
        count = len(found.rows)
        if self.verification.thoroughly or count <= PATIENCE + look.surely:
            return [(place, None) for place in range(count)]
        votes = self._votes(look, found.rows)  # (sides, n)
        most = votes.max(axis=0)
        least = max(LEAST_VOTES, HOPELESS * float(most.max()))
        surely = np.argsort(-found.similarities, kind="stable")[: look.surely].tolist()
        order = np.argsort(-most, kind="stable")[:MATCHED]
        voted = [n for n in order[most[order] >= least].tolist() if n not in surely]
        chosen = votes.argmax(axis=0)
        return [(n, None) for n in surely] + [(n, int(chosen[n])) for n in voted]

    def _votes(self, look: "_Look", rows: Rows) -> Votes:
        """Return the votes of each side of a look for some rows, (sides, n)."""
        described = self._described(rows)
        kept = self._words
        if kept is None:  # each side has words of its own
            filed = [Filed(described, side.vocabulary) for side in look.voters]
        else:
            known = [kept.of(row) for row in rows.tolist()]
            filed = [Filed(described, kept.vocabulary, known)] * len(look.voters)
        return np.stack([one.votes(some) for one, some in zip(look.voters, filed, strict=True)])

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
            verified = accepts(match, value, min(keypoints, len(other)))
            checks[place] = surer(checks[place], checked(verified, match, region, other))
        return replace(found, checks=checks)


@dataclass(frozen=True, slots=True)
class _Look:
    """A query at one size: what its sides match and vote for, and what rows share its words."""

    described: list[Keypoints]
    matcher: Matcher
    voters: list[Voter]
    shared: Vector | None
    surely: int  # how many of the most similar photos are matched, whatever the votes

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
