"""Photos as JPEG of a few sizes, made when they are first asked for and kept in a cache."""

import hashlib
import io
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

from tvcli.core.files.atomic_write import partial_of
from tvcli.core.files.project_settings import own_folder
from tvcli.core.images.photo import BadImage, decode_photo, read_photo, thumbnail
from tvcli.serve.turns import decoding

SIDES = {"thumb": 320, "view": 1600, "full": 6000}  # pixels of the long side at most
MOST_BYTES = 2**30  # of all that is kept; then the oldest go
LEFT = 0.8  # of that is left once they went


def cache_folder() -> Path:
    """Return where thumbnails are kept: the folder that the system has for such things."""
    default = "Library/Caches" if sys.platform == "darwin" else ".cache"
    return own_folder("XDG_CACHE_HOME", default) / "pictures"


class Thumbnails:
    """Makes and keeps JPEG files; the key is the photo's path, time, length and the size asked.

    They are as private as the photos may be: no other user reads them.
    """

    def __init__(self, folder: Path | None = None, most_bytes: int = MOST_BYTES) -> None:
        self._folder, self._most = folder or cache_folder(), most_bytes
        self._lock, self._making = threading.Lock(), dict[str, threading.Lock]()
        self._bytes: int | None = None  # of what is kept, once it was counted

    def tag(self, path: Path, size: str) -> str:
        """Return a key that changes with the photo; raises BadImage if there is none."""
        try:
            stat = path.stat()
        except OSError as error:
            raise BadImage("not found" if not path.exists() else str(error.strerror)) from None
        key = f"{path.absolute()}\0{stat.st_mtime_ns}\0{stat.st_size}\0{SIDES[size]}"
        return hashlib.blake2b(os.fsencode(key), digest_size=16).hexdigest()

    def jpeg(self, path: Path, size: str) -> bytes:
        """Return a photo, upright, as a JPEG of a size of `SIDES`; raises BadImage."""
        tag = self.tag(path, size)
        kept = self._folder / tag[:2] / f"{tag}.jpg"
        with self._lock:
            making = self._making.setdefault(tag, threading.Lock())
        try:
            with making:  # who asks for the same meanwhile waits for what is made already
                if kept.is_file():
                    return kept.read_bytes()
                data = shrink(read_photo(path), size)
                if size != "full":
                    self._keep(kept, data)
                return data
        finally:
            with self._lock:
                self._making.pop(tag, None)

    def _keep(self, path: Path, data: bytes) -> None:
        """Keep a file if that is possible: a cache that cannot be written to is gone without."""
        with suppress(OSError), self._lock:
            _private(path.parent)
            partial = partial_of(path)
            partial.unlink(missing_ok=True)
            try:
                descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
            self._bytes = self._counted() if self._bytes is None else self._bytes + len(data)
            if self._bytes > self._most:
                self._bytes = self._evict()

    def _counted(self) -> int:
        return sum(size for _, size, _ in self._kept())

    def _evict(self) -> int:
        """Remove the oldest files; return the bytes of those that are left."""
        kept = sorted(self._kept())
        total = sum(size for _, size, _ in kept)
        for _, size, path in kept:
            if total <= LEFT * self._most:
                break
            with suppress(FileNotFoundError):
                Path(path).unlink()
            total -= size
        return total

    def _kept(self) -> list[tuple[float, int, str]]:
        """Return time, bytes and path of each file that is kept, or was left half written."""
        found = []
        for folder, _, names in os.walk(self._folder):
            for name in names:
                with suppress(OSError):
                    status = Path(folder, name).lstat()
                    found.append((status.st_mtime, status.st_size, str(Path(folder, name))))
        return found


def _private(folder: Path) -> None:
    """Make a folder of the cache that nobody else may look into; one there is made so."""
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, exist_ok=True)
        if each.stat().st_mode & 0o077:
            each.chmod(0o700)


def shrink(data: bytes, size: str) -> bytes:
    """Return a photo as a JPEG of a size of `SIDES`; raises BadImage."""
    with decoding(data):
        shown = thumbnail(decode_photo(data, size=SIDES[size]), SIDES[size])
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=82 if size == "thumb" else 90)
    return buffer.getvalue()
