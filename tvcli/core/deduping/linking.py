"""Linking: candidates compared on all cores, the links that hold kept."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tvcli.core.deduping.candidates import Pairs
from tvcli.core.deduping.keypoint_store import KeypointStore
from tvcli.core.deduping.same import BOTH, Comparer, Link, Rule, joined
from tvcli.core.deduping.seam import is_pasted
from tvcli.core.deduping.words import Words, in_common
from tvcli.core.images.photo import BadImage
from tvcli.core.matching.features import Both
from tvcli.core.parallel import cores, in_order
from tvcli.core.reports import Report

COMMON = 14  # key points of the same word: copies have more, two photos of anything mostly fewer

Pair = tuple[int, int]


class Links:
    """What is known of which photos are the same; what is asked for is compared once, and kept."""

    def __init__(self, store: KeypointStore, rule: Rule, words: Words | None = None) -> None:
        self._store, self._rule, self._words = store, rule, words
        self._known: dict[Pair, Link | None] = {}
        self._joined: dict[Pair, Link] = {}

    def between(self, first: int, second: int) -> Link | None:
        """Return the link from the lower to the higher of two photos; None if they differ."""
        pair = _pair(first, second)
        if pair not in self._known:
            self._known[pair] = self._compare(*pair)
        return self._known[pair]

    def _compare(self, first: int, second: int) -> Link | None:
        try:
            read = self._store.read
            return Comparer(read(first), self._rule).link(read(second))
        except BadImage:  # OpenCV fails on them: nothing says that they are the same
            return None

    def known(self, first: int, second: int) -> Link | None:
        """Return the link of two photos found before, by themselves or through another."""
        pair = _pair(first, second)
        return self._known.get(pair) or self._joined.get(pair)

    def towards(self, first: int, second: int) -> Link | None:
        """Return the link from one photo to another, by themselves or through a third."""
        return _turned(self.known(first, second) or self.between(first, second), first, second)

    def pasted(self, own: int, into: int) -> bool:
        """Tell whether a photo lies in another that is the same like something pasted there."""
        link = self.towards(own, into)
        if link is None:
            return False
        return is_pasted(link.transform, self._store.read(own)[0], self._store.read(into)[0])

    def through(self, first: int, between: int, last: int) -> Link | None:
        """Return the link of two photos by way of one that is known to be the same as both.

        The maps in turn give the map between the two, and it is laid over by that map that they
        must agree: no more is taken on trust than where to look.
        """
        lower, higher = _pair(first, last)
        to = _turned(self._known.get(_pair(lower, between)), lower, between)
        back = _turned(self._known.get(_pair(between, higher)), between, higher)
        if to is None or back is None:
            return None
        link = joined(self._store.read(lower)[0], self._store.read(higher)[0], to, back)
        if not self._rule.accepts(link):
            return None
        self._joined[lower, higher] = link
        return link

    def find(self, pairs: Pairs, report: Report) -> list[Pair]:
        """Compare pairs (P, 2), sorted, and return those that are the same.

        Pairs that OpenCV fails on are not, and are counted.
        """
        failures: list[BadImage] = []
        starts = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1))
        report.start("comparing", "pairs", len(pairs))
        with ThreadPoolExecutor(cores()) as pool:
            parts = np.split(pairs, starts[1:]) if len(pairs) else []
            for some, links in in_order(pool, self._compared, parts):
                report.advance(len(some))
                failures += [link for link in links if isinstance(link, BadImage)]
                found = zip(some.tolist(), links, strict=True)
                self._known.update(
                    {(a, b): link for (a, b), link in found if isinstance(link, Link)}
                )
        if failures:
            report.note(f"{len(failures)} pairs of photos: {failures[0]}")
        return list(self._known)

    def _compared(self, pairs: Pairs) -> tuple[Pairs, list[Link | BadImage | None]]:
        """Compare pairs that all have the same first photo, on the sides where they may match."""
        own, others = int(pairs[0, 0]), pairs[:, 1].tolist()
        comparer, read = Comparer(self._store.read(own), self._rule), self._store.read
        sides = zip(others, self._sides(own, others), strict=True)
        return pairs, [_link_or_failure(comparer, read(other), some) for other, some in sides]

    def _sides(self, own: int, others: list[int]) -> list[Sequence[int]]:
        """Return for each other photo the sides of one on which enough words are shared."""
        if self._words is None:
            return [BOTH] * len(others)
        enough = in_common(self._words, own, others) >= COMMON  # (2, n)
        return [np.flatnonzero(sides).tolist() for sides in enough.T]


def _link_or_failure(
    comparer: Comparer, other: Both, sides: Sequence[int]
) -> "Link | BadImage | None":
    try:
        return comparer.link(other, sides)
    except BadImage as error:
        return error


def _pair(first: int, second: int) -> Pair:
    return min(first, second), max(first, second)


def _turned(link: Link | None, first: int, second: int) -> Link | None:
    """Return the link of two photos as it leads from the first to the second."""
    return link.inverse if link is not None and second < first else link
