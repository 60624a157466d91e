"""What the system says of photos' files, so that the unchanged are not read again.

Size and time of the last change are not enough: two files of equal size and time may be swapped,
and copying may set the time back. The inode tells the one; the time of the last change of the
inode, which no program can set, the other.

A cache: what it lacks, or what does not fit, is read and hashed again. It lies beside an artifact,
not in it, so that the same photos give the same file wherever they were copied to.
"""

import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tvcli.core.files.atomic_write import atomic_write
from tvcli.core.files.records import Region
from tvcli.core.images.photo import digest, read_photo

STAMP = np.dtype(
    [
        ("name", "u8"),
        ("size", "i8"),
        ("time", "i8"),
        ("inode_time", "i8"),
        ("inode", "u8"),
        ("digest", "S32"),
    ]
)

Seen = tuple[int, int, int, int]  # bytes, nanoseconds of both changes, inode


class StatCache:
    """What is known of photos under `root`: size, times of the last change, inode, content hash.

    What was noticed in this run goes before what was known before.
    """

    def __init__(self, root: Path, known: npt.NDArray[Any] | None = None) -> None:
        self.root = root
        self._known = np.sort(np.empty(0, STAMP) if known is None else known, order="name")
        self._noticed: dict[str, Seen] = {}

    @classmethod
    def load(cls, path: Path, root: Path) -> "StatCache":
        """Read what a file keeps; nothing where it is not there or cannot be used."""
        try:
            stream = io.BytesIO(path.read_bytes())
            known = np.lib.format.read_array(stream, allow_pickle=False)
        except Exception:  # numpy raises nearly anything on damaged files
            return cls(root)
        return cls(root, known if known.dtype == STAMP and known.ndim == 1 else None)

    def sizes_of(self, images: Iterable[str]) -> set[int] | None:
        """Return the sizes in bytes of photos, as they were; None if that of one is not known."""
        keys = np.array([_key(image) for image in images], np.uint64)
        known = np.isin(self._known["name"], keys)
        whole = int(known.sum()) == len(np.unique(keys))
        return set(self._known["size"][known].tolist()) if whole else None

    def watch(self, regions: Iterable[Region]) -> Iterator[Region]:
        """Yield regions as they are, having noticed how the photo of each is before it is read."""
        for region in regions:
            if region.data is None and region.image not in self._noticed:
                self.notice(region.image)
            yield region

    def notice(self, image: str) -> Seen | None:
        """Return what is seen of a photo, and remember it; None if it cannot be found."""
        try:
            status = (self.root / image).stat()
        except (OSError, ValueError):
            return None
        times = status.st_mtime_ns, status.st_ctime_ns
        self._noticed[image] = status.st_size, *times, status.st_ino % 2**64
        return self._noticed[image]

    def forget(self, image: str) -> None:
        """Let a photo, whose content is not known, be read whatever is seen of it the next time."""
        self._noticed.pop(image, None)

    def digest(self, image: str) -> str:
        """Return the content hash of a photo: the one known if all that is seen is the same.

        Raises:
            BadImage: the photo cannot be read.
        """
        seen = self.notice(image)
        if seen is not None and (known := self._find(image, seen)):
            return known
        return digest(read_photo(self.root / image))

    def save(self, path: Path, digests: dict[str, str], *, add: bool = False) -> None:
        """Write the stamps of photos whose content hashes are given; with `add` to those known."""
        noticed = self._noticed.items()
        rows = [(_key(n), *seen, digests[n].encode()) for n, seen in noticed if n in digests]
        table = np.array(rows, STAMP)
        if add:
            others = self._known[~np.isin(self._known["name"], table["name"])]
            table = np.concatenate([table, others])
        table = np.sort(table, order="name")
        if np.array_equal(table, self._known) and path.exists():
            return
        # It is a cache: where it cannot be written, more is read the next time.
        with suppress(OSError), atomic_write(path) as partial, partial.open("wb") as file:
            np.save(file, table, allow_pickle=False)

    def _find(self, image: str, seen: Seen) -> str:
        key = np.uint64(_key(image))
        place = int(np.searchsorted(self._known["name"], key))
        if place == len(self._known):
            return ""
        name, *before, known = self._known[place].tolist()
        same = (name, *before) == (int(key), *seen)
        return bytes(known).decode("ascii", "replace") if same else ""


def _key(image: str) -> int:
    return int.from_bytes(hashlib.blake2b(os.fsencode(image), digest_size=8).digest(), "little")
