"""Triplet records: an anchor, what is similar to it, and what is less so."""

import marshal
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tvcli.core.boxes import Box
from tvcli.core.errors import BadInput
from tvcli.core.files.paths import folder_of, path_in
from tvcli.core.files.records import (
    Record,
    part_from_record,
    text_from_record,
    write_records,
)

ROLES = ("anchor", "positive", "negative")
SPLITS = ("train", "test")
MOST_KNOWN = 100_000  # spellings of items that are kept, to be read once


class Item(NamedTuple):
    """A photo (absolute path), or the part of it in a box; with `flip`, its mirror image."""

    image: str
    box: Box | None = None
    flip: bool = False
    label: str = ""

    def shows_same_as(self, other: "Item") -> bool:
        """Tell whether two items are the same part of a photo, whatever they are called."""
        return self.image == other.image and self.box == other.box and self.flip == other.flip

    def as_record(self, folder: Path) -> Record:
        """Return the item as JSON can hold it, its path relative to `folder`."""
        record: Record = {"image": os.path.relpath(self.image, folder)}
        if self.box is not None:
            record["box"] = list(self.box)
        if self.flip:
            record["flip"] = True
        if self.label:
            record["label"] = self.label
        return record


@dataclass(frozen=True, slots=True)
class Triplet:
    """The anchor should be more similar to the positive than to the negative."""

    anchor: Item
    positive: Item
    negative: Item
    split: str = "train"

    @property
    def fault(self) -> str:
        """What keeps it from teaching anything; empty if nothing does."""
        anchor, positive, negative = self.anchor.image, self.positive.image, self.negative.image
        if anchor != positive and anchor != negative and positive != negative:
            return ""
        for other, name in ((self.positive, "positive"), (self.negative, "negative")):
            if self.anchor.shows_same_as(other):
                return f"its anchor is its {name}"
        if self.positive.shows_same_as(self.negative):
            return "its positive is its negative"
        return ""

    @property
    def items(self) -> tuple[Item, Item, Item]:
        """Anchor, positive and negative."""
        return self.anchor, self.positive, self.negative


def write_triplets(path: Path, triplets: Iterable[Triplet]) -> int:
    """Write triplets as JSON Lines with paths relative to the file's folder; return how many."""
    return write_records(path, triplet_records(triplets, folder_of(path)))


def triplet_records(triplets: Iterable[Triplet], folder: Path) -> Iterator[Record]:
    """Yield triplets as records with paths relative to `folder`."""
    return (_as_record(triplet, folder) for triplet in triplets)


class Items:
    """The items of one file of triplets: what is written twice is read once, and is one item."""

    def __init__(self, folder: Path) -> None:
        """Take the folder that paths are relative to."""
        self._folder, self._known = str(folder), dict[bytes, Item]()

    def triplet_of(self, record: Record, where: str) -> Triplet:
        """Return the triplet of a record.

        Raises:
            BadInput: an item is missing or is none; the message starts with `where`.
        """
        anchor, positive, negative = (self._item(record.get(role), role, where) for role in ROLES)
        split = record.get("split") or "train"
        if split not in SPLITS:
            raise BadInput(f'{where}: "split" is train or test, not {split!r:.40}')
        return Triplet(anchor, positive, negative, split)

    def _item(self, value: Any, role: str, where: str) -> Item:
        written = marshal.dumps(value, 2)  # a key that tells 1 from true; 2: without references
        item = self._known.get(written)
        if item is None:
            item = item_of(value, role, where, self._folder)
            if len(self._known) < MOST_KNOWN:
                self._known[written] = item
        return item


def item_of(value: object, role: str, where: str, folder: str) -> Item:
    """Return an item of an absolute folder, written as a record, or as the bare path of a photo."""
    record = {"image": value} if isinstance(value, str) else value
    if not isinstance(record, dict):
        raise BadInput(f'{where}: a triplet needs "{role}": {{"image": …}}')
    named = f"{where}: {role}"
    image, part, _ = part_from_record(record, named)
    label = text_from_record(record, "label", named)
    return Item(path_in(folder, image), part, record.get("flip") is True, label)


def _as_record(triplet: Triplet, folder: Path) -> Record:
    roles = zip(ROLES, triplet.items, strict=True)
    return {role: item.as_record(folder) for role, item in roles} | {"split": triplet.split}
