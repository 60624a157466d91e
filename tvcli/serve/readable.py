"""Which photos can be shown: all of a photo is decoded once; its header alone promises little."""

from tvcli.core.images.photo import BadImage
from tvcli.serve.collection import Collection
from tvcli.serve.thumbnails import Thumbnails

SHOWN = "view"  # the size that a page asks for next anyway


class Readable:
    """Tells whether photos can be shown, and remembers it for as long as they stay the same."""

    def __init__(self, collection: Collection, thumbnails: Thumbnails) -> None:
        self._collection, self._thumbnails = collection, thumbnails
        self._good: dict[int, str] = {}
        self._bad: set[int] = set()

    def size(self, place: int) -> tuple[int, int]:
        """Return width and height as displayed of a photo that can be shown.

        Raises:
            Refused: no such photo, or it must not be shown.
            BadImage: it cannot be read, or only in part.
        """
        path = self._collection.path(place)
        try:
            tag = self._thumbnails.tag(path, SHOWN)
            if self._good.get(place) != tag:
                self._thumbnails.jpeg(path, SHOWN)
                self._good[place] = tag
            size = self._collection.size(place)
        except BadImage:
            self._bad.add(place)
            raise
        self._bad.discard(place)
        return size

    def unreadable(self) -> int:
        """Return how many photos could not be shown when they were asked for last."""
        return len(self._bad)
