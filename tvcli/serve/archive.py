"""Photos as one zip archive, written while it is sent: the files as they are, nothing else."""

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from tvcli.core.images.photo import BadImage, photo_size, read_photo
from tvcli.serve.answers import Refused
from tvcli.serve.collection import Collection
from tvcli.serve.turns import TURNS

MOST_PHOTOS = 1000  # in one archive
MOST_BYTES = 2**29  # of the photos in one archive
LEFT_OUT = "LEFT-OUT.txt"
FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can tell


def archive(collection: Collection, places: Iterable[int]) -> Iterator[bytes]:
    """Return the parts of a zip with some photos of a collection, each file once.

    What is no picture is left out, and named in `LEFT-OUT.txt` with the reason.

    Raises:
        Refused: more than `MOST_PHOTOS` photos or `MOST_BYTES` (413), or one that must not be
            shown (403).
    """
    by_path = {collection.path(place): collection.names[place] for place in places}
    if len(by_path) > MOST_PHOTOS:
        raise Refused(413, f"{len(by_path)} photos: an archive holds {MOST_PHOTOS} at most")
    total = sum(path.stat().st_size for path in by_path if path.is_file())
    if total > MOST_BYTES:
        said = f"{total >> 20} MiB of photos: an archive holds {MOST_BYTES >> 20} MiB at most"
        raise Refused(413, said)
    return _parts(list(by_path), _entries(list(by_path.values())))


def _parts(paths: Sequence[Path], entries: Sequence[str]) -> Iterator[bytes]:
    sent, left_out = _Sent(), []
    with zipfile.ZipFile(sent, "w", zipfile.ZIP_STORED) as file:
        for path, entry in zip(paths, entries, strict=True):
            try:
                with TURNS.turn(path.stat().st_size // 3 if path.is_file() else 1):
                    data = read_photo(path)
                    photo_size(data)  # a picture, by its header
                    file.writestr(zipfile.ZipInfo(entry, FIRST_DAY), data)
            except (BadImage, OSError) as error:
                left_out.append(f"{entry}: {error}\n")
            yield sent.taken()
        if left_out:
            file.writestr(zipfile.ZipInfo(LEFT_OUT, FIRST_DAY), "".join(left_out))
    yield sent.taken()


def _entries(names: Sequence[str]) -> list[str]:
    """Return a name in the archive for each photo, none of which leads out of where it is unpacked.

    A name that is taken, as by what differs in bytes that are not UTF-8, gets a number before it.
    """
    taken, entries = {LEFT_OUT}, []
    for name in names:
        text = name.encode("utf-8", "replace").decode().replace("\\", "_").replace("\0", "_")
        parts = [part for part in PurePosixPath(text).parts if part not in ("/", "//", "..")]
        entry = whole = "/".join(part.replace(":", "_") for part in parts)
        number = 1
        while entry in taken:
            number += 1
            entry = f"{number}/{whole}"
        taken.add(entry)
        entries.append(entry)
    return entries


class _Sent(io.RawIOBase):
    """A file that is only written to, and whose bytes are taken as they come."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def writable(self) -> bool:
        """Tell that it may be written to."""
        return True

    def write(self, data: object) -> int:
        """Add some bytes; return how many."""
        view = memoryview(data)  # type: ignore[arg-type]
        self._bytes += view
        return view.nbytes

    def taken(self) -> bytes:
        """Return what was written since it was asked last."""
        taken, self._bytes = bytes(self._bytes), bytearray()
        return taken
