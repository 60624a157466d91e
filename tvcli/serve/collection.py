"""The photos that may be looked at: named by number, and never outside the collection's folder."""

import os
from functools import cached_property, lru_cache
from pathlib import Path

from tvcli.core.images.photo import photo_size, read_photo
from tvcli.serve.answers import Refused


class Collection:
    """A list of photos, with names relative to `root`.

    Whatever is asked for is a place in the list, so no path of a request ever reaches the disk.
    A photo that is a link is served only if it leads to a file in the folder that holds them all.
    """

    def __init__(self, root: Path, names: list[str]) -> None:
        self.root, self.names = root, names

    def __len__(self) -> int:
        return len(self.names)

    def path(self, place: int) -> Path:
        """Return the file of a photo; raises Refused (404, or 403 where a link leads outside)."""
        if not 0 <= place < len(self.names):
            raise Refused(404, f"no photo {place}")
        path = self.root / self.names[place]
        real = os.path.realpath(path)
        if os.path.commonpath((real, self._real_folder)) != self._real_folder:
            raise Refused(403, "a link that leads out of the collection")
        return path

    def size(self, place: int) -> tuple[int, int]:
        """Return width and height as displayed; raises as `path` does, or BadImage."""
        path = self.path(place)
        changed = path.stat().st_mtime_ns if path.exists() else 0
        return _size(path, changed)

    @cached_property
    def folder(self) -> Path:
        """The folder that holds all photos, by their names alone."""
        if not any(name.startswith(("..", "/")) for name in self.names):
            return self.root
        paths = {os.path.dirname(os.path.abspath(self.root / name)) for name in self.names}  # noqa: PTH100, PTH120
        return Path(os.path.commonpath(paths))

    @cached_property
    def _real_folder(self) -> str:
        return os.path.realpath(self.folder)


@lru_cache(maxsize=4096)
def _size(path: Path, changed: int) -> tuple[int, int]:
    return photo_size(read_photo(path))
