"""Deduping across: which photos of one collection are in another, without a look within either.

New imports against an archive, photos to train with against those to test with.
"""

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import numpy as np

from tvcli.core.deduping.candidates import joined_pairs, near_by_index
from tvcli.core.deduping.decisions import Decisions
from tvcli.core.deduping.dedupe import (
    DedupeSettings,
    Group,
    Member,
    Read,
    about_link,
    decisions_about,
    facts_of_contents,
    numbered,
    unless_protected,
)
from tvcli.core.deduping.facts import Facts
from tvcli.core.deduping.keypoint_store import store_keypoints
from tvcli.core.deduping.linking import Links
from tvcli.core.deduping.names import Names, file_of
from tvcli.core.deduping.photos import Photos, photos_of
from tvcli.core.deduping.preference import Preference
from tvcli.core.deduping.sharing import near_by_words
from tvcli.core.deduping.words import words_of
from tvcli.core.indexes.index import Index
from tvcli.core.indexes.keypoints import kept_keypoints
from tvcli.core.parallel import cores, in_order
from tvcli.core.reports import Report

HEADS = ("rank", "classifier", "boxes")  # of indexes with other ones the vectors are others

Matched = dict[int, list[int]]  # photos of a collection, by the photo of the archive that they are


def find_groups_across(
    index: Index, archive: Index, settings: DedupeSettings, report: Report
) -> Iterator[Group]:
    """Yield the groups of an archive's photo, which is kept, and the photos that are the same.

    Photos are compared across alone, never with those of their own collection; each is in one group
    at most. A file in both collections counts as one of `index`. Photos of the archive are
    never proposed to be dropped.

    Raises:
        BadInput: the file of decisions is not one.
    """
    own = photos_of(index, report)
    other = photos_of(archive, report).without(_files(own))
    if not len(other):
        report.note("no photo to compare with is another file than those that are compared")
    decisions = decisions_about(settings.different, own, other)
    with (
        kept_keypoints(index, "orb", report) as kept,
        kept_keypoints(archive, "orb", report) as archived,
        store_keypoints(
            [*own.paths, *other.paths],
            report,
            chain(kept.known_in_order(own.rows), archived.known_in_order(other.rows)),
        ) as store,
    ):
        words = words_of(store, report)
        links = Links(store, settings.rule, words)
        pairs: list[tuple[int, int]] = []
        if len(own) and len(other):
            near = [near_by_words(words, settings.candidates, report, own=len(own))]
            if _comparable(index, archive):
                similar = near_by_index((index, own), (archive, other), settings.candidates, report)
                near.append(np.where(similar < 0, -1, similar + len(own)))
            else:
                report.note(
                    "the indexes were made in other ways: candidates are those of key points"
                )
            pairs = links.find(joined_pairs(*near), report)
        matched = _matched(own, other, pairs, links, decisions)
        yield from _groups(own, other, matched, links, settings.preference, report)


def _files(photos: Photos) -> set[str]:
    """Return the files, links followed, that the names of a collection are entries of."""
    return {file_of(photos.root / image) for images in photos.images for image in images}


def _comparable(index: Index, archive: Index) -> bool:
    """Tell whether cosines of vectors of one with those of the other say anything."""
    known = [
        [one.settings["encoder"], *(one.settings.get(head, {}).get("hash") for head in HEADS)]
        for one in (index, archive)
    ]
    return known[0] == known[1]


def _matched(
    own: Photos,
    other: Photos,
    pairs: list[tuple[int, int]],
    links: Links,
    decisions: Decisions,
) -> Matched:
    """Return which own photos are which of the archive: that of the same bytes, else the one that
    shares the most with it.
    """
    by_digest = {digest: number for number, digest in enumerate(other.digests)}
    best: dict[int, tuple[float, int]] = {}
    for number, digest in enumerate(own.digests):
        if digest in by_digest:
            best[number] = (2.0, -by_digest[digest])  # more than any share
    for number, further in pairs:
        place = further - len(own)
        link = links.known(number, further)
        if link is None or decisions.differ(own.digests[number], other.digests[place]):
            continue
        best[number] = max(best.get(number, (0.0, 0)), (link.share, -place))
    matched: Matched = defaultdict(list)
    for number in sorted(best):
        matched[-best[number][1]].append(number)
    return matched


def _groups(
    own: Photos,
    other: Photos,
    matched: Matched,
    links: Links,
    preference: Preference,
    report: Report,
) -> Iterator[Group]:
    names, archived = (Names(photos.root, photos.images) for photos in (own, other))
    groups: list[list[Member]] = []

    def read(match: tuple[int, list[int]]) -> tuple[int, Read, Read]:
        place, numbers = match
        kept = facts_of_contents(other, archived, [place])
        return place, kept, facts_of_contents(own, names, numbers)

    with ThreadPoolExecutor(cores()) as pool:
        for place, (kept, bad), (found, worse) in in_order(pool, read, matched.items()):
            report.skip_all([*bad, *worse])
            if not (kept and found):
                continue
            first = min((facts for _, facts in kept), key=lambda facts: facts.image)
            members = [Member(first, "keep", "in the collection compared with")]
            for number, facts in sorted(found, key=lambda one: one[1].image):
                members.append(_member(facts, first, links, number, len(own) + place, preference))
            groups.append(members)
    yield from numbered(groups)


def _member(
    facts: Facts, kept: Facts, links: Links, number: int, further: int, preference: Preference
) -> Member:
    """Return what is said of a photo that is one of the archive, too."""
    link = links.known(number, further)
    same = facts.digest == kept.digest
    about = about_link(link, facts, kept) if link is not None and not same else {}
    return unless_protected(facts, _why(facts, kept), preference, about)


def _why(facts: Facts, kept: Facts) -> str:
    if facts.is_hard_link_to(kept):
        return "a hard link to that one: to drop it frees no space"
    if facts.digest == kept.digest:
        return "the same bytes as that one"
    sizes = f"{facts.width}x{facts.height}"
    if (facts.width, facts.height, facts.shown) == (kept.width, kept.height, kept.shown):
        return f"the same picture as that one, of the same size, {sizes}"
    sizes += f" next to {kept.width}x{kept.height}"
    more = (
        "fewer" if facts.shown < kept.shown else "more" if facts.shown > kept.shown else "as many"
    )
    return f"the same picture as that one, {more} pixels, {sizes}"
