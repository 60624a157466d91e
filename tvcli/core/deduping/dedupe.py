"""Deduping: from an index to groups of the same picture, each with what to keep and what to drop.

Nothing is ever deleted here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tvcli.core.deduping.candidates import candidate_pairs
from tvcli.core.deduping.decisions import Decisions, read_decisions
from tvcli.core.deduping.facts import Facts, facts_of
from tvcli.core.deduping.grouping import components, parted
from tvcli.core.deduping.keypoint_store import store_keypoints
from tvcli.core.deduping.linking import Links
from tvcli.core.deduping.photos import Photos, photos_of
from tvcli.core.deduping.preference import Preference
from tvcli.core.deduping.same import Link, Rule
from tvcli.core.deduping.transform_description import transform_description
from tvcli.core.deduping.words import words_of
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.records import Record
from tvcli.core.images.photo import BadImage
from tvcli.core.indexes.index import Index
from tvcli.core.indexes.keypoints import kept_keypoints
from tvcli.core.reports import Report
from tvcli.core.searching.queries import shown_path

Action = Literal["keep", "drop"]


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
    inliers: int = 0
    zncc: float = 1.0

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
        if self.transform_description:
            record["relation"] = self.transform_description
        return record | {"inliers": self.inliers, "agreement": round(self.zncc, 4)}


@dataclass(frozen=True, slots=True)
class Group:
    """Photos of the same picture; the first is the one kept, and the others agree with it."""

    number: int
    members: list[Member]

    def as_record(self) -> Record:
        """Return the group as `tv dedupe` writes it."""
        return {"group": self.number, "members": [member.as_record() for member in self.members]}

    @property
    def dropped(self) -> list[str]:
        """The images proposed to be dropped."""
        return [member.facts.image for member in self.members if member.action == "drop"]


def find_groups(index: Index, settings: DedupeSettings, report: Report) -> Iterator[Group]:
    """Yield the groups of the same picture among an index's photos, by the name of the one kept.

    In memory at a time: the index's vectors as its engine has them, about 3 kB a photo of words
    and candidates, and the key points of the few photos under comparison.

    Raises:
        BadInput: the file of decisions is not one.
    """
    photos = photos_of(index, report)
    decisions = _decisions(settings.different, photos)
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
        groups: list[list[Member]] = []
        for contents in components([*pairs, *alone]):
            found = _facts(photos, contents, report)
            groups += _grouped(found, photos, links, decisions, settings.preference)
    groups.sort(key=lambda members: members[0].facts.image)
    yield from (Group(number, members) for number, members in enumerate(groups, 1))


def _decisions(path: Path | None, photos: Photos) -> Decisions:
    if path is None:
        return Decisions()
    known = {
        absolute_path(photos.root / image): digest
        for digest, images in zip(photos.digests, photos.images, strict=True)
        for image in images
    }
    return read_decisions(path, known.get)


def _facts(photos: Photos, contents: Sequence[int], report: Report) -> list[tuple[int, Facts]]:
    """Return the facts of the files of some contents, with the content's number.

    A file is read again: one that changed since it was indexed is not what it is taken for.
    """
    found = []
    for number in contents:
        for image in photos.images[number]:
            try:
                facts = facts_of(photos.root / image, shown_path(photos.root, image))
                if facts.digest != photos.digests[number]:
                    raise BadImage("changed since it was indexed; tv index --update")
                found.append((number, facts))
            except BadImage as error:
                report.skip(image, "dedupe", str(error))
    return found


def _grouped(
    found: list[tuple[int, Facts]],
    photos: Photos,
    links: Links,
    decisions: Decisions,
    preference: Preference,
) -> list[list[Member]]:
    """Part connected photos into groups, and say what to do with each."""
    found = sorted(found, key=lambda one: one[1].image)

    def best(places: Sequence[int]) -> int:
        kept = preference.best([found[place][1] for place in places])
        return next(place for place in places if found[place][1] is kept)

    def same(first: int, second: int) -> bool:
        a, b = found[first][0], found[second][0]
        return a == b or links.between(a, b) is not None

    def through(first: int, between: int, last: int) -> bool:
        numbers = (found[place][0] for place in (first, between, last))
        return links.through(*numbers) is not None

    def different(first: int, second: int) -> bool:
        return decisions.differ(found[first][1].digest, found[second][1].digest)

    return [
        _members([found[place] for place in group], links, preference)
        for group in parted(range(len(found)), best, same, different, through)
    ]


def _members(group: list[tuple[int, Facts]], links: Links, preference: Preference) -> list[Member]:
    (number, kept), *others = group
    members = [Member(kept, "keep", preference.why_kept(kept, [facts for _, facts in others]))]
    for other, facts in others:
        folder = preference.protector(facts)
        why = f"in the protected folder {folder}" if folder else preference.why_dropped(facts, kept)
        about: dict[str, Any] = {}
        if other != number and (link := links.known(number, other)) is not None:
            about = _about(link, other < number, facts, kept)
        members.append(Member(facts, "keep" if folder else "drop", why, **about))
    return members


def _about(link: Link, towards_kept: bool, facts: Facts, kept: Facts) -> dict[str, Any]:
    own, whole = ((0.0, 0.0, float(f.width), float(f.height)) for f in (facts, kept))
    seen = link if towards_kept else link.inverse
    return {
        "transform_description": transform_description(seen, own, whole),
        "inliers": link.inliers,
        "zncc": link.zncc,
    }
