"""Where HDF5 reads from: a file of which nothing is given to HDF5 that it would follow for ever."""

import io
import os
from pathlib import Path
from typing import Any

from tvcli.core.files.artifacts.walks import Walks

MOST_TEXT = 2**26  # bytes; the longest text known, all settings of a file, takes some thousands


class Source(io.RawIOBase):
    """A file for h5py's driver of file objects, which reads each structure of HDF5 by itself."""

    def __init__(self, path: Path) -> None:
        self._file = io.FileIO(path)
        self.length = os.fstat(self._file.fileno()).st_size
        self._place = 0
        self._walks = Walks(self.at)

    def at(self, place: int, count: int) -> bytes:
        """Return some bytes of the file; raises OSError where it has none, or not as many."""
        if not 0 <= place <= self.length - count or count > 2 * MOST_TEXT:
            raise OSError(f"{count} bytes at {place} of {self.length}")
        return os.pread(self._file.fileno(), count, place)

    def readinto(self, buffer: Any) -> int:
        """Read what lies at the place; raises OSError where HDF5 would follow it for ever."""
        view = memoryview(buffer).cast("B")
        if self._place >= self.length:
            return 0
        self._file.seek(self._place)
        count = self._file.readinto(view) or 0
        self._walks.check(self._place, view[:count])
        self._place += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place; return it."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self.length}[whence]
        self._place = start + offset
        return self._place

    def tell(self) -> int:
        """Return the place."""
        return self._place

    def fileno(self) -> int:
        """Return the descriptor of the file."""
        return self._file.fileno()

    def close(self) -> None:
        """Close the file, if there is one: finalisers come here where none could be opened."""
        if hasattr(self, "_file"):
            self._file.close()
        super().close()

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def seekable(self) -> bool:
        """Whether it has places to go to."""
        return True
