"""The photos that may be looked at: named by number, and never outside the collection's folder."""

from functools import lru_cache
from pathlib import Path

from tvcli.core.images.photo import BadImage, photo_size, read_photo
from tvcli.serve.answers import Refused
from tvcli.serve.folders import Folders
from tvcli.serve.turns import TURNS


class Collection:
    """A list of photos, with names relative to `root`.

    Whatever is asked for is a place in the list, so no path of a request ever reaches the disk. The
    names may be anybody's: a photo is served only if it lies in `folders`: `root` if not said.
    """

    def __init__(self, root: Path, names: list[str], folders: Folders | None = None) -> None:
        self.root, self.names = root, names
        self.folders = folders or Folders([root])

    def __len__(self) -> int:
        return len(self.names)

    def path(self, place: int) -> Path:
        """Return the file of a photo; raises Refused (404, or 403 where it must not be shown)."""
        if not 0 <= place < len(self.names):
            raise Refused(404, f"no photo {place}")
        path = self.root / self.names[place]
        try:
            self.folders.check(path)
        except BadImage as error:
            raise Refused(403, str(error)) from None
        return path

    def size(self, place: int) -> tuple[int, int]:
        """Return width and height as displayed; raises as `path` does, or BadImage."""
        path = self.path(place)
        changed = path.stat().st_mtime_ns if path.exists() else 0
        return _size(path, changed)

    def pixels(self, place: int) -> int:
        """Return how many pixels a photo has; raises as `size` does."""
        width, height = self.size(place)
        return width * height


@lru_cache(maxsize=4096)
def _size(path: Path, changed: int) -> tuple[int, int]:
    data = read_photo(path)
    with TURNS.turn(len(data) // 3):  # it is read whole, as many bytes as so many pixels
        return photo_size(data)
