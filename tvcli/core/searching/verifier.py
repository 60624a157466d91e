"""Verified hits: which photos of a shortlist show the same picture as the query, by geometry."""

import shlex
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
from tvcli.core.files.paths import shown_path
from tvcli.core.images.arrays import unit
from tvcli.core.images.photo import BadImage, Photo, decode_photo, read_photo
from tvcli.core.indexes.index import Index
from tvcli.core.indexes.keypoints import kept_keypoints, kept_words
from tvcli.core.indexes.words import KeptWords
from tvcli.core.matching.decision import Verification
from tvcli.core.matching.feature_columns import COLUMNS, POINTS
from tvcli.core.matching.features import FINE, Both, Keypoints, describe, describe_both
from tvcli.core.matching.match import Match
from tvcli.core.matching.matcher import Matcher
from tvcli.core.matching.voting import (
    ROOTS,
    ROOTS_FINE,
    Filed,
    Voter,
    Votes,
    own_vocabulary,
    voters,
)
from tvcli.core.matching.whole import WholeMatcher
from tvcli.core.parallel import Mapper, cores, in_order
from tvcli.core.reports import Report
from tvcli.core.searching.checks import UNCHECKED, Check, Checked, checked, surer
from tvcli.core.searching.known_keypoints import KnownKeypoints
from tvcli.core.searching.queries import Query, Vector

SURELY = 2  # photos of the shortlist that are matched whatever the votes: the most similar
LOOKED = 40  # photos that join the shortlist for each other look at the query
SMALL = 400  # photos of an index of which all are looked at again: as many as the looks list
SHARING = 200  # photos of an index that share the most visual words: they join the shortlist
PATIENCE = 4  # photos in turn, by their votes, of which none is verified: then no more are matched
MATCHED = 150  # photos that are matched at most
LEAST_VOTES, LEAST_FINE = 6, 9  # of a photo that is matched: more key points have more by chance
# The same where the index keeps no words: describing its photos costs far more than matching them.
UNKEPT_PATIENCE, UNKEPT_LEAST = 8, 3
FEW = 10  # photos of a list that are all matched
HOPELESS = 0.15  # of the most votes: with fewer a photo is not matched

Looks = Callable[[Photo, Box | None], Vectors]
Chosen = tuple[Vector, Rows, list[Check]]
Failure = tuple[int, str, str]  # the row of a photo, the stage, and the reason


class Search(Protocol):
    """Finds the rows closest to vectors that may join a shortlist, as `Index.search` does."""

    def __call__(self, queries: Vectors, k: int, allowed: Mask | None = None, /) -> Found:
        """Return similarities and rows (Q, n) of the k closest, of those allowed (N,)."""


class Verifier:
    """Checks shortlists of one index, each query on a core of its own.

    `words` are the visual words that the index keeps. Where it keeps none, `looks` gives the
    vectors of a photo looked at in other ways, as `Queries` does; `search` finds the rows closest
    to them that may join a shortlist, as `Index.search` does without filters. Photos that cannot be
    described or compared are told to `report`, once, and are no hits.
    """

    def __init__(
        self,
        index: Index,
        photos: KnownKeypoints,
        words: KeptWords | None,
        verification: Verification,
        pool: ThreadPoolExecutor,
        report: Report,
        looks: Looks | None = None,
        search: Search | None = None,
    ) -> None:
        self.index, self.photos, self.words = index, photos, words
        self.verification, self.looks = verification, looks
        self.search: Search = search or index.search
        self._pool, self._report = pool, report
        self._told: set[tuple[int, str]] = set()

    def chosen(
        self, queries: Sequence[Query], similarities: Vectors, rows: Rows
    ) -> Iterator[Chosen | BadImage]:
        """Yield for each query those of its shortlist (Q, n) that are hits, with their checks.

        Or why its photo cannot be read any more. Several queries are checked at a time; of one
        alone photos are described and matched at a time.

        Raises:
            UsageError: a query is not one photo.
        """
        asked = zip(queries, similarities, rows, strict=True)
        found: Iterator[tuple[Chosen | BadImage, list[Failure]]]
        if len(queries) == 1:
            found = map(partial(self._one, self._pool.map), asked)
        else:
            found = in_order(self._pool, partial(self._one, map), asked)
        for chosen, failures in found:
            for row, stage, reason in failures:
                if (row, stage) not in self._told:
                    self._told.add((row, stage))
                    (image,) = self.index.read("image", np.array([row]))
                    self._report.skip(shown_path(self.index.root, image), stage, reason)
            yield chosen

    def _one(
        self, each: Mapper, asked: tuple[Query, Vector, Rows]
    ) -> tuple[Chosen | BadImage, list[Failure]]:
        """Return the hits of a query, and which photos could not be used."""
        query, similarities, rows = asked
        there = rows >= 0
        one = _Checking(self, query, each)
        try:
            return one.chosen(similarities[there], rows[there]), one.failures
        except BadImage as error:
            return error, one.failures


class _Checking:
    """Checks the shortlist of one query; `each` matches photos, and describes them, as `map` does.

    `failures` are the photos that could not be used.
    """

    def __init__(self, of: Verifier, query: Query, each: Mapper) -> None:
        self._of, self._query, self._each = of, query, each
        self._verification = of.verification
        self.failures: list[Failure] = []

    def chosen(self, similarities: Vector, rows: Rows) -> Chosen:
        """Return those of a shortlist (n,) that are hits, with their checks, in their order.

        They are the verified ones, unless others are wanted too; the most similar comes first, or
        with `by_inliers` the one with the most. Photos that share visual words join the list. Where
        none of them is most of the query, it is looked at again: as a whole, then larger, for small
        pictures in it, and without words in other ways (`looks`) for a longer shortlist.

        Raises:
            UsageError: the query is not one photo.
            BadImage: its photo cannot be read any more.
        """
        query = self._query
        if not query.photo:
            raise UsageError("--verify: goes with photos and --item, not with --like and --unlike")
        # as the looks want it
        colour = self._of.index.settings["encoder"].get("colour", "stored")
        data = query.data or read_photo(Path(query.photo))
        photo = decode_photo(data, size=FINE[0], colour=colour)
        both = describe_both(photo, method=self._of.photos.method, crop=query.crop)
        matcher = Matcher(both, model=self._verification.model)
        region = both[0].region
        given = Checked(similarities, rows, [UNCHECKED] * len(rows))
        if self._verification.thoroughly:
            found = self._matched(matcher, region, given, [(n, None) for n in range(len(rows))])[0]
        else:
            found = self._looked_for(photo, both, matcher, given)
        unverified = self._verification.unverified
        kept = [n for n, check in enumerate(found.checks) if check.verified or unverified]
        kept.sort(key=lambda n: self._order(found, n))
        return found.similarities[kept], found.rows[kept], [found.checks[n] for n in kept]

    def _order(self, found: Checked, place: int) -> tuple[bool, int, float, int]:
        similarity, row = float(found.similarities[place]), int(found.rows[place])
        if not self._verification.by_inliers:
            return False, 0, -similarity, row
        check = found.checks[place]  # whole photos are verified without inliers
        return not check.verified, -check.match.inliers, -similarity, row

    def _looked_for(self, photo: Photo, both: Both, matcher: Matcher, given: Checked) -> Checked:
        """Return the checks of a shortlist and of what joins it, looked at as long as need be."""
        found, similar = self._most_similar(matcher, both[0].region, given)
        sides = found.sides_showing_most(both[0].region) or (0, 1)
        look = self._look(matcher, both, sides, LEAST_VOTES, ROOTS)
        found, voted = self._voted(look, self._and_sharing(look, found), similar)
        if not found.sides_showing_most(look.region):
            whole = WholeMatcher(both[0])
            found = self._laid_over(whole, found, sorted({*range(len(given.rows)), *voted}))
            if not found.sides_showing_most(look.region):
                found = self._again(photo, look, whole, found)
        return found

    def _again(self, photo: Photo, look: "_Look", whole: WholeMatcher, found: Checked) -> Checked:
        """Return the checks of a longer shortlist, and of the query enlarged.

        Its mirror image is not: what is mirrored and small is looked for at the first size only.
        """
        if self._of.words is None:
            new, _ = self._voted(look, self._of_rows(self._more(photo, found.rows)))
            found = found.and_more(self._laid_over(whole, new, range(len(new.rows))))
        side, count = FINE
        method, crop = self._of.photos.method, self._query.crop
        large = [describe(photo, method=method, crop=crop, side=side, count=count)]
        finer = Matcher(large, model=self._verification.model)
        fine = self._look(finer, large, (0,), LEAST_FINE, ROOTS_FINE)
        return self._voted(fine, self._and_sharing(fine, found))[0]

    def _and_sharing(self, look: "_Look", found: Checked) -> Checked:
        """Return a shortlist with the rows that share the most visual words with a look."""
        if look.shared is None:
            return found
        wanted = look.shared > 0
        wanted[found.rows] = False
        if wanted.sum() > SHARING:
            least = np.partition(look.shared[wanted], -SHARING)[-SHARING]
            wanted &= look.shared >= least
        if not wanted.any():
            return found
        values, rows = self._of.search(self._query.vector[None], int(wanted.sum()), wanted)
        there = rows[0] >= 0
        return found.and_more(
            Checked(values[0][there], rows[0][there], [UNCHECKED] * int(there.sum()))
        )

    def _of_rows(self, rows: Rows) -> Checked:
        values = (self._of.index.vectors(rows) @ unit(self._query.vector[None])[0]).clip(-1, 1)
        return Checked(values, rows, [UNCHECKED] * len(rows))

    def _more(self, photo: Photo, rows: Rows) -> Rows:
        """Return rows similar to other looks at the query, the most similar first, but for some."""
        if self._of.looks is None:
            return np.empty(0, np.intp)
        if len(self._of.index) <= SMALL:
            similarities, found = self._of.search(self._query.vector[None], SMALL)
        else:
            similarities, found = self._of.search(self._of.looks(photo, self._query.crop), LOOKED)
        order = found.ravel()[np.argsort(-similarities.ravel(), kind="stable")]
        known = set(rows.tolist())
        new = [row for row in dict.fromkeys(order.tolist()) if row >= 0 and row not in known]
        return np.array(new, np.intp)

    def _look(
        self,
        matcher: Matcher,
        described: list[Keypoints],
        sides: Sequence[int],
        least: int,
        roots: int,
    ) -> "_Look":
        """Return a query at one size, of which some sides vote: `least` for what is matched.

        Words are looked for below so many `roots` of the vocabulary.
        """
        kept = self._of.words
        some = [described[side] for side in sides]
        if kept is None:
            own = [Voter(side, own_vocabulary(side)) for side in some]
            return _Look(described[0].region, matcher, sides, UNKEPT_LEAST, own, None)
        own = voters(some, kept.vocabulary, roots)
        shared = kept.shared([voter.words for voter in own])
        return _Look(described[0].region, matcher, sides, least, own, shared)

    def _described(self, rows: Rows, names: Sequence[str] = COLUMNS) -> list[Keypoints]:
        """Return the key points of rows; votes do without the small pictures, half of the bytes."""
        found = self._of.photos.of(rows, names, self._each)
        if failures := self._of.photos.failures:
            self.failures += [
                (row, "keypoints", failures[row]) for row in rows.tolist() if row in failures
            ]
        return found

    def _laid_over(self, whole: WholeMatcher, found: Checked, places: Sequence[int]) -> Checked:
        """Return checks with those of the whole query laid over whole photos, where better."""
        rows = found.rows[places]
        others = self._described(rows)
        matches = list(map(partial(self._match, whole.match), others, rows))
        return self._better(found, places, matches, others, 0, whole.query.region)

    def _most_similar(
        self, matcher: Matcher, region: Box, found: Checked
    ) -> tuple[Checked, list[int]]:
        """Return checks with those of the photos most similar as vectors, and their places.

        As the query is, then those not verified as its mirror image; and some more as long as all
        are verified: an index may hold many copies.
        """
        order = np.argsort(-found.similarities, kind="stable").tolist()
        done = 0
        while all(found.checks[place].verified for place in order[:done]) and done < len(order):
            some = order[done : done + SURELY]
            for side in (0, 1):
                left = [(place, side) for place in some if not found.checks[place].verified]
                found, _ = self._matched(matcher, region, found, left)
            done += len(some)
        return found, order[:done]

    def _voted(
        self, look: "_Look", found: Checked, known: Sequence[int] = ()
    ) -> tuple[Checked, list[int]]:
        """Return checks with those of the photos that a look votes for, and all places matched.

        Those at `known` places are matched already.
        """
        worth = [one for one in self._worth(look, found) if one[0] not in known]
        found, done = self._matched(look.matcher, look.region, found, worth)
        return found, [*known, *done]

    def _matched(
        self, matcher: Matcher, region: Box, found: Checked, worth: Sequence[tuple[int, int | None]]
    ) -> tuple[Checked, list[int]]:
        """Return checks with those of the key points of a query's region, where better.

        Matched are the photos at places that are worth it, each on one side of the query, None for
        all, until some photos in turn are not verified. Their places are returned, too.
        """
        every = self._verification.thoroughly or len(found.rows) <= FEW
        patience = PATIENCE if self._of.words else UNKEPT_PATIENCE
        patience = len(worth) if every else patience
        done: list[int] = []
        left = patience  # photos that may still be matched without one that is verified
        while left and len(done) < len(worth):
            places, sides = zip(*worth[len(done) : len(done) + left], strict=True)
            rows = found.rows[list(places)]
            others = self._described(rows)
            matches = list(self._each(partial(self._match, matcher.match), others, rows, sides))
            found = self._better(found, places, matches, others, matcher.keypoints, region)
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
            self.failures.append((int(row), "verify", str(error)))
            return Match()

    def _worth(self, look: "_Look", found: Checked) -> list[tuple[int, int | None]]:
        """Return the places of a shortlist that are matched, those with the most votes first.

        Each with the side of the look that is matched, None for all.
        """
        count = len(found.rows)
        if count <= FEW:
            return [(place, None) for place in range(count)]
        asked = self._asked(look, found)
        votes = np.zeros((len(look.sides), count))
        votes[:, asked] = self._votes(look, found.rows[asked])
        most = votes.max(axis=0)
        least = max(look.least, HOPELESS * float(most.max()))
        order = np.argsort(-most, kind="stable")[:MATCHED]
        chosen = votes.argmax(axis=0)
        return [(n, look.sides[chosen[n]]) for n in order[most[order] >= least].tolist()]

    def _asked(self, look: "_Look", found: Checked) -> Rows:
        """Return the places of a list that votes are asked of.

        Those of the shortlist, and those that share the most words with this look: what joined the
        list because it shared many with another look is a fifth of the cost, and no use.
        """
        places: Rows = np.arange(len(found.rows))
        if look.shared is not None and len(places) > SHARING:
            shared = look.shared[found.rows]
            least = np.partition(shared, -SHARING)[-SHARING]
            places = places[(places < self._verification.shortlist) | (shared >= least)]
        return places

    def _votes(self, look: "_Look", rows: Rows) -> Votes:
        """Return the votes of each side of a look for some rows, (sides, n)."""
        described = self._described(rows, POINTS)
        kept = self._of.words
        if kept is None:  # each side has words of its own
            filed = [Filed(described, side.vocabulary) for side in look.voters]
        else:
            filed = [Filed(described, kept.vocabulary, kept.of(rows))] * len(look.voters)
        sides = zip(look.voters, filed, strict=True)
        return np.stack([voter.votes(some, look.least) for voter, some in sides])

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
        accepts = self._verification.rule.accepts
        for place, match, other in zip(places, matches, others, strict=True):
            value = float(found.similarities[place])
            verified = accepts(match, value, min(keypoints, len(other)))
            checks[place] = surer(checks[place], checked(verified, match, region, other))
        return replace(found, checks=checks)


@dataclass(frozen=True, slots=True)
class _Look:
    """A query at one size: what its sides match and vote for, and what rows share its words."""

    region: Box
    matcher: Matcher
    sides: Sequence[int]  # of the matcher, that vote
    least: int  # votes of a photo that is matched
    voters: list[Voter]
    shared: Vector | None


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
    with (
        kept_keypoints(index, verification.method, report) as kept,
        kept_words(index) as words,
        ThreadPoolExecutor(cores()) as pool,
    ):
        if kept.is_empty:
            asked = verification.method
            of, how = (f" of {asked.upper()}", f" --method {asked}") if asked else ("", "")
            path = shown_path(Path(), str(index.path))
            report.note(
                f"{path} keeps no key points{of}, so they are computed now; to keep them: "
                f"tv index PHOTOS -o {shlex.quote(path)} --update --keypoints{how}"
            )
        usable = words if kept.method == "orb" else None  # they are words of ORB
        photos = KnownKeypoints(kept)
        yield Verifier(index, photos, usable, verification, pool, report, looks, search)
