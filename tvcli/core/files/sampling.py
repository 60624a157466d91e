"""Some of the photos of a stream: the first, or some chosen by a hash of their names and a seed."""

import hashlib
import heapq
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from tvcli.core.errors import UsageError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sample:
    """Which photos are taken: a `share` of all, or so `many` of them; of these the first `limit`.

    A photo is taken with all of its records. Whether a share takes it depends on its name and the
    seed alone, so it stays when photos are added.
    """

    limit: int | None = None
    share: float | None = None
    many: int | None = None
    seed: int = 0

    def of(self, items: Iterable[T], photo: Callable[[T], str]) -> Iterator[T]:
        """Yield the items whose photo is taken, in order; `photo` tells an item's photo.

        In memory are the items of `many` photos at most. With a limit the stream is read no further
        than to the first item of a photo beyond it.
        """
        chosen: Iterator[T] = iter(items)
        if self.share is not None:
            share = self.share
            chosen = (item for item in chosen if self._rank(photo(item)) < share)
        elif self.many is not None:
            chosen = self._drawn(chosen, photo, self.many)
        return chosen if self.limit is None else _first(chosen, photo, self.limit)

    def expected(self, total: int) -> int:
        """Return how many of so many photos are about taken."""
        taken = total if self.share is None else round(total * self.share)
        return min(number for number in (taken, self.many, self.limit) if number is not None)

    def _drawn(self, items: Iterator[T], photo: Callable[[T], str], many: int) -> Iterator[T]:
        """Yield the items of the `many` photos of lowest rank."""
        kept: dict[str, list[tuple[int, T]]] = {}
        worst: list[tuple[float, str]] = []  # a heap of the photos kept, the highest rank on top
        for place, item in enumerate(items):
            name = photo(item)
            if name not in kept:
                rank = self._rank(name)
                if len(kept) >= many:
                    if -worst[0][0] <= rank:
                        continue
                    del kept[heapq.heappop(worst)[1]]
                heapq.heappush(worst, (-rank, name))
                kept[name] = []
            kept[name].append((place, item))
        found = (pair for pairs in kept.values() for pair in pairs)
        yield from (item for _, item in sorted(found, key=lambda pair: pair[0]))

    def _rank(self, photo: str) -> float:
        """Return a number from 0 to 1 that a photo draws."""
        content = str(self.seed).encode() + b":" + os.fsencode(photo)
        return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big") / 2**64


ALL = Sample()


def parse_sample(limit: int | None, sample: str | None, seed: int = 0) -> Sample:
    """Return what --limit and --sample say: `500` photos, or a share such as `0.1` or `10%`.

    Raises:
        UsageError: neither a number nor a share.
    """
    if sample is None:
        return Sample(limit)
    try:
        percent = sample.endswith("%")
        number = float(sample.removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        number = -1.0
    if not percent and number >= 1 and number.is_integer() and "." not in sample:
        return Sample(limit, many=int(number), seed=seed)
    if 0 < number <= 1:
        return Sample(limit, share=number, seed=seed)
    raise UsageError(f"--sample {sample}: a number of photos, or a share such as 0.1 or 10%")


def _first(items: Iterator[T], photo: Callable[[T], str], limit: int) -> Iterator[T]:
    taken: set[str] = set()
    for item in items:
        if photo(item) not in taken:
            if len(taken) == limit:
                return
            taken.add(photo(item))
        yield item
