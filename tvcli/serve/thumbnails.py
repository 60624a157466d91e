"""Photos as JPEG of a few sizes, made when they are first asked for and kept in a cache."""

import contextlib
import hashlib
import io
import os
import sys
import threading
from pathlib import Path

from tvcli.core.files.atomic_write import atomic_write
from tvcli.core.images.photo import BadImage, decode_photo, photo_size, read_photo, thumbnail

SIDES = {"thumb": 320, "view": 1600, "full": 6000}  # pixels of the long side at most
MAX_PIXELS = 100_000_000  # of a photo that is shown or dropped: a few hundred MB while decoded
_TURNS = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))  # photos decoded at a time


def cache_folder() -> Path:
    """Return where thumbnails are kept: the folder that the system has for such things."""
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named) / "tv" / "pictures"
    home = Path("~/Library/Caches" if sys.platform == "darwin" else "~/.cache").expanduser()
    return home / "tv" / "pictures"


class Thumbnails:
    """Makes and keeps JPEG files; the key is the photo's path, time, length and the size asked."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or cache_folder()

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
        if kept.is_file():
            return kept.read_bytes()
        with _TURNS:
            data = shrink(read_photo(path), size)
        if size != "full":
            _keep(kept, data)
        return data


def shrink(data: bytes, size: str) -> bytes:
    """Return a photo as a JPEG of a size of `SIDES`; raises BadImage."""
    check_pixels(data)
    photo = decode_photo(data, size=SIDES[size])
    buffer = io.BytesIO()
    quality = 82 if size == "thumb" else 90
    thumbnail(photo, SIDES[size]).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def check_pixels(data: bytes) -> tuple[int, int]:
    """Return width and height of a photo; raises BadImage if it is none, or too large."""
    width, height = photo_size(data)
    if width * height > MAX_PIXELS:
        raise BadImage(f"more than {MAX_PIXELS // 10**6} million pixels")
    return width, height


def _keep(path: Path, data: bytes) -> None:
    """Keep a file if that is possible: a cache that cannot be written to is gone without."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as partial:
            partial.write_bytes(data)
