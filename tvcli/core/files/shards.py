"""Shards: a source divided among processes that know nothing of each other.

A photo belongs to the shard that the hash of its path (relative to the root) names, with all of its
regions. So a photo added or removed while the shards start changes no other's shard: none is taken
twice. Every shard reads the whole list, but opens its own photos only, and notes what the list was:
parts of different lists do not merge unasked.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from tvcli.core.errors import UsageError
from tvcli.core.files.records import Region


@dataclass(frozen=True, slots=True)
class Shard:
    """Shard `number`, from 1 on, `of` so many."""

    number: int
    of: int

    def takes(self, image: str) -> bool:
        """Tell whether a photo is of this shard, by its path."""
        content = hashlib.blake2b(os.fsencode(image), digest_size=8).digest()
        return int.from_bytes(content, "big") % self.of == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def parse_shard(text: str | None) -> Shard | None:
    """Return the shard that `3/8` names (None: no shards); raises UsageError for others."""
    if text is None:
        return None
    if not (found := re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)):
        raise UsageError(f"--shard {text}: two numbers such as 3/8, the third of eight")
    number, of = map(int, found.groups())
    if not 1 <= number <= of:
        raise UsageError(f"--shard {text}: shards count from 1: 1/{of or 1} to {of or 1}/{of or 1}")
    return Shard(number, of)


class Share:
    """The regions of one shard, each with its position in the whole list; to be read once."""

    def __init__(self, regions: Iterable[Region], shard: Shard) -> None:
        self.shard, self._regions = shard, regions
        self.listed, self._content = 0, hashlib.blake2b(digest_size=16)

    def __iter__(self) -> Iterator[Region]:
        for region in self._regions:
            self._content.update(_identity(region))
            self.listed += 1
            if self.shard.takes(region.image):
                yield replace(region, position=self.listed - 1)

    def note(self) -> dict[str, Any]:
        """Return what a part records, once all regions are read: which shard of what list."""
        return {
            "number": self.shard.number,
            "of": self.shard.of,
            "listed": self.listed,
            "list": self._content.hexdigest(),
        }


def _identity(region: Region) -> bytes:
    """Return what makes a region another one, as bytes."""
    known = (region.crop, region.box, region.label, region.split, region.flip, region.target)
    return os.fsencode(region.image) + b"\0" + repr(known).encode("utf-8", "surrogatepass") + b"\0"
