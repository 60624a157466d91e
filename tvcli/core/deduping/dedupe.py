"""Deduping: from an index to groups of the same picture, each with what to keep and what to drop.

Nothing is ever deleted here.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from tvcli.core.deduping.candidates import candidate_pairs
from tvcli.core.deduping.decisions import Decisions, read_decisions
from tvcli.core.deduping.facts import Facts, facts_of
from tvcli.core.deduping.grouping import components, parted
from tvcli.core.deduping.keypoint_store import store_keypoints
from tvcli.core.deduping.linking import Links
from tvcli.core.deduping.loss import loss
from tvcli.core.deduping.names import Names
from tvcli.core.deduping.photos import Photos, photos_of
from tvcli.core.deduping.preference import Preference
from tvcli.core.deduping.same import Link, Rule
from tvcli.core.deduping.transform_description import transform_description
from tvcli.core.deduping.words import words_of
from tvcli.core.files.paths import absolute_path, shown_path
from tvcli.core.files.records import Record
from tvcli.core.images.photo import BadImage
from tvcli.core.indexes.index import Index
from tvcli.core.indexes.keypoints import kept_keypoints
from tvcli.core.matching.match import Match
from tvcli.core.parallel import cores, in_order
from tvcli.core.reports import Report, Skip

Action = Literal["keep", "drop"]
Numbered = tuple[int, Facts]  # a photo, and the number of its content
Read = tuple[list[Numbered], list[Skip]]  # photos read again, and those that cannot be used


@dataclass(frozen=True, slots=True)
class DedupeSettings:
    """How to look and what to prefer: `candidates` of each kind are compared with each photo."""

    preference: Preference = field(default_factory=Preference)
    rule: Rule = field(default_factory=Rule)
    candidates: int = 10
    different: Path | None = None  # a file of what a person said is not the same


@dataclass(frozen=True, slots=True)
class Member:
    """A photo of a group: what is proposed for it and why; how it comes to be the same."""

    facts: Facts
    action: Action
    reason: str
    transform_description: str = ""
    match: Match | None = None

    def as_record(self) -> Record:
        """Return the member as `tv dedupe` writes it."""
        facts = self.facts
        record: Record = {
            "image": facts.image,
            "action": self.action,
            "reason": self.reason,
            "width": facts.width,
            "height": facts.height,
            "bytes": facts.bytes,
            "format": facts.format,
            "digest": facts.digest,
        }
        if facts.links:
            record["links"] = list(facts.links)
        if self.transform_description:
            record["relation"] = self.transform_description
        if self.match is None:  # the photo kept, or a file of the same bytes
            return record | {"inliers": 0, "probability": 1.0, "agreement": 1.0}
        zncc = self.match.evidence.zncc or 0.0
        found = {"inliers": self.match.inliers, "probability": round(self.match.probability, 6)}
        return record | found | {"agreement": round(zncc, 4)}


@dataclass(frozen=True, slots=True)
class Group:
    """Photos of the same picture; the first is the one kept, and the others agree with it."""

    number: int
    members: list[Member]

    def as_record(self) -> Record:
        """Return the group as `tv dedupe` writes it."""
        return {"group": self.number, "members": [member.as_record() for member in self.members]}

    @property
    def to_drop(self) -> list[Facts]:
        """The photos proposed to be dropped."""
        return [member.facts for member in self.members if member.action == "drop"]

    @property
    def dropped(self) -> list[str]:
        """The names proposed to be dropped: of a photo, and of the links that lead to it."""
        return [name for facts in self.to_drop for name in (facts.image, *facts.links)]


def find_groups(index: Index, settings: DedupeSettings, report: Report) -> Iterator[Group]:
    """Yield the groups of the same picture among an index's photos, by the name of the one kept.

    In memory at a time: the index's vectors as its engine has them, about 3 kB a photo of words
    and candidates, and the key points of the few photos under comparison.

    Raises:
        BadInput: the file of decisions is not one.
    """
    photos = photos_of(index, report)
    decisions = decisions_about(settings.different, photos)
    with (
        kept_keypoints(index, "orb", report) as kept,
        store_keypoints(photos.paths, report, kept.known_in_order(photos.rows)) as store,
    ):
        words = words_of(store, report)
        links = Links(store, settings.rule, words)
        pairs = links.find(
            candidate_pairs(index, photos, words, settings.candidates, report), report
        )
        alone = [(n, n) for n, images in enumerate(photos.images) if len(images) > 1]
        names = Names(photos.root, photos.images)
        groups: list[list[Member]] = []
        read = partial(facts_of_contents, photos, names)
        with ThreadPoolExecutor(cores()) as pool:
            for found, skips in in_order(pool, read, components([*pairs, *alone])):
                report.skip_all(skips)
                groups += _grouped(found, photos, links, decisions, settings.preference)
    yield from numbered(groups)


def numbered(groups: list[list[Member]]) -> Iterator[Group]:
    """Yield groups by the name of the photo kept, numbered from 1."""
    groups.sort(key=lambda members: members[0].facts.image)
    yield from (Group(number, members) for number, members in enumerate(groups, 1))


def decisions_about(path: Path | None, *collections: Photos) -> Decisions:
    """Return what a file says is not the same, of some collections' photos; raises BadInput."""
    if path is None:
        return Decisions()
    known = {
        absolute_path(photos.root / image): digest
        for photos in collections
        for digest, images in zip(photos.digests, photos.images, strict=True)
        for image in images
    }
    return read_decisions(path, known.get)


def facts_of_contents(photos: Photos, names: Names, contents: Sequence[int]) -> Read:
    """Return the facts of the files of some contents, each file once, with the content's number.

    And which cannot be used. A file is read again: one that changed since it was indexed is not
    what it is taken for.
    """
    found: list[Numbered] = []
    skips: list[Skip] = []
    for number in contents:
        files: list[Facts] = []
        known: set[str] = set()
        for image in photos.images[number]:
            if image in known:
                continue
            same = names.of_same_file(image)
            known.update(same)
            try:
                facts = _facts_of_file(photos, names, same)
                if facts.digest != photos.digests[number]:
                    raise BadImage("changed since it was indexed; tv index --update")
                files.append(facts)
            except (BadImage, OSError) as error:
                skips.append(Skip(shown_path(photos.root, image), "dedupe", str(error)))
        found += [(number, facts) for facts in _entries_counted(files)]
    return found, skips


def _facts_of_file(photos: Photos, names: Names, same: Sequence[str]) -> Facts:
    """Return the facts of a file by all its names, of which the first is the one it goes by."""
    first, *links = names.entries(same)
    facts = facts_of(photos.root / first, shown_path(photos.root, first))
    paths = tuple(photos.root / image for image in same)
    return replace(facts, paths=paths, links=tuple(shown_path(photos.root, n) for n in links))


def _entries_counted(files: Sequence[Facts]) -> list[Facts]:
    """Return files without those that can be no hard links, as more paths lead there than entries.

    One entry has several paths where a folder is mounted twice, or case makes no difference.
    """
    by_inode: dict[tuple[int, ...], list[Facts]] = defaultdict(list)
    for place, facts in enumerate(files):
        by_inode[facts.inode[:2] if facts.inode.number else (place,)].append(facts)
    found: list[Facts] = []
    for same in by_inode.values():
        if len(same) <= same[0].inode.entries:
            found += same
            continue
        paths = tuple(path for facts in same for path in facts.paths)
        links = tuple(link for facts in same for link in facts.links)
        found.append(replace(same[0], paths=paths, links=links))
    return found


def _grouped(
    found: list[Numbered],
    photos: Photos,
    links: Links,
    decisions: Decisions,
    preference: Preference,
) -> list[list[Member]]:
    """Part connected photos into groups, and say what to do with each."""
    found = sorted(found, key=lambda one: one[1].image)
    proposing = Proposing(links, preference)

    def best(places: Sequence[int]) -> int:
        kept = proposing.best([found[place] for place in places])
        return next(place for place in places if found[place] is kept)

    def same(first: int, second: int) -> bool:
        a, b = found[first][0], found[second][0]
        return a == b or links.between(a, b) is not None

    def through(first: int, between: int, last: int) -> bool:
        numbers = (found[place][0] for place in (first, between, last))
        return links.through(*numbers) is not None

    def different(first: int, second: int) -> bool:
        return decisions.differ(found[first][1].digest, found[second][1].digest)

    return [
        proposing.members([found[place] for place in group])
        for group in parted(range(len(found)), best, same, different, through)
    ]


class Proposing:
    """What to keep of photos that are the same: the best, and what it would not replace."""

    def __init__(self, links: Links, preference: Preference) -> None:
        self._links, self._preference = links, preference

    def best(self, photos: Sequence[Numbered]) -> Numbered:
        """Return the one to keep: the preferred; where that shows others smaller, or among other
        things, the preferred one of these instead, of all photos again until none is lost by it.

        So a collage of two collages gives way to a photo, not to one of the two.
        """
        kept, passed = self._preferred(photos), list[Numbered]()
        while better := [
            one
            for one in photos
            if one not in passed
            and self._loss(one, kept)
            and self._loss(kept, one)
            and not self._links.pasted(kept[0], one[0])
        ]:
            passed.append(kept)
            kept = self._preferred(better)
        return kept

    def members(self, group: Sequence[Numbered]) -> list[Member]:
        """Return what is proposed for each of a group, of which the first is kept."""
        first, *left = group
        preferred = self._preferred(group)
        reason = (
            self._preference.why_kept(first[1], [facts for _, facts in left])
            if preferred is first
            else f"what has more pixels {self._loss(first, preferred) or 'shows it smaller'}"
        )
        kept, members = first, dict[str, Member]()
        while True:  # what is kept, and what may be dropped for it; of the rest the same again
            members[kept[1].image] = Member(kept[1], "keep", reason, **self._about(kept, first))
            for one in left:
                if one is not kept and self._same(one, kept) and not self._loss(one, kept):
                    members[one[1].image] = self._dropped(one, kept)
            left = [one for one in left if one[1].image not in members]
            if not left:
                return [members[facts.image] for _, facts in group]
            kept = self._preferred(left)
            reason = f"the first of the group {self._loss(kept, first)}"

    def _preferred(self, photos: Sequence[Numbered]) -> Numbered:
        kept = self._preference.best([facts for _, facts in photos])
        return next(one for one in photos if one[1] is kept)

    def _loss(self, one: Numbered, kept: Numbered) -> str:
        """Return what would be lost if one photo were dropped for another that is linked.

        Nothing if they have one content, or a person prefers that other by its folder.
        """
        link = self._link(one, kept)
        if link is None or self._preference.by_folder(kept[1], one[1]):
            return ""
        return loss(link, one[1], kept[1], lambda: self._links.pasted(one[0], kept[0]))

    def _same(self, one: Numbered, kept: Numbered) -> bool:
        return one[0] == kept[0] or self._link(one, kept) is not None

    def _link(self, one: Numbered, kept: Numbered) -> Link | None:
        return self._links.towards(one[0], kept[0]) if one[0] != kept[0] else None

    def _dropped(self, one: Numbered, kept: Numbered) -> Member:
        reason = self._preference.why_dropped(one[1], kept[1])
        return unless_protected(one[1], reason, self._preference, self._about(one, kept))

    def _about(self, one: Numbered, kept: Numbered) -> dict[str, Any]:
        link = self._link(one, kept)
        return about_link(link, one[1], kept[1]) if link else {}


def unless_protected(
    facts: Facts, reason: str, preference: Preference, about: dict[str, Any]
) -> Member:
    """Return what is dropped for a reason, but kept where it lies in a protected folder."""
    if (folder := preference.protector(facts)) is not None:
        return Member(facts, "keep", f"in the protected folder {folder}", **about)
    return Member(facts, "drop", reason, **about)


def about_link(towards_kept: Link, facts: Facts, kept: Facts) -> dict[str, Any]:
    """Return what a member says of how it is the same as the one kept."""
    return {
        "transform_description": transform_description(towards_kept, facts.whole, kept.whole),
        "match": towards_kept.match,
    }
