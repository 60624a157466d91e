"""Indexes beside each other, of which the first gives the items the keys that a page knows."""

from collections.abc import Iterator, Sequence
from typing import Any

from tvcli.core.images.photo import read_photo
from tvcli.serve.answers import Refused, whole
from tvcli.serve.finder import Finder


class Compared:
    """The indexes that a page can search, often one."""

    def __init__(self, finders: Sequence[Finder]) -> None:
        self._finders = list(finders)

    def __iter__(self) -> Iterator[Finder]:
        return iter(self._finders)

    @property
    def first(self) -> Finder:
        """The index whose keys the page knows, and which learns."""
        return self._finders[0]

    def replace_first(self, finder: Finder) -> None:
        """Take what has become of the first index in its place."""
        self._finders[0] = finder

    def at(self, number: object) -> Finder:
        """Return an index by its number, from 0; raises Refused if there is none."""
        return self._finders[whole(number, "index", 0, len(self._finders) - 1)]

    def item(self, finder: Finder, key: object) -> tuple[int | None, bytes | None]:
        """Return the row of an item in an index; if it is not in that one, the photo itself."""
        row = self.first.row_of(key)
        there = row if finder is self.first else finder.row_at(self.first.path_of(row))
        if there is not None:
            return there, None
        return None, read_photo(self.first.collection.path(row))

    def rows(self, finder: Finder, keys: object, name: str) -> list[int]:
        """Return the rows of a list of items; what the index lacks is left out."""
        if not isinstance(keys, list):
            raise Refused(400, f"{name} must be a list of items")
        rows = [self.first.row_of(key) for key in keys]
        if finder is self.first:
            return rows
        found = (finder.row_at(self.first.path_of(row)) for row in rows)
        return [row for row in found if row is not None]

    def keyed(self, finder: Finder, hit: dict[str, Any]) -> dict[str, Any]:
        """Return a hit with the key that the first index has for it, None if it has none."""
        if finder is self.first:
            return hit
        row = self.first.row_at(finder.path_of(hit["row"]))
        return hit | {"key": None if row is None else self.first.key_of(row)}
