"""Where HDF5 reads from: a file of which nothing is given to HDF5 that it would follow for ever."""

import io
import os
from pathlib import Path
from typing import Any

from tvcli.core.files.artifacts.walks import Walks

MOST_TEXT = 2**26  # bytes; the longest text known, all settings of a file, takes some thousands


class Source(io.FileIO):
    """A file for h5py's driver of file objects, which reads each structure of HDF5 by itself."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.length = os.fstat(self.fileno()).st_size
        self._walks = Walks(self.at)

    def at(self, place: int, count: int) -> bytes:
        """Return some bytes of the file; raises OSError where it has none, or not as many."""
        if not 0 <= place <= self.length - count or count > 2 * MOST_TEXT:
            raise OSError(f"{count} bytes at {place} of {self.length}")
        return os.pread(self.fileno(), count, place)

    def readinto(self, buffer: Any) -> int:
        """Read what lies at the place; raises OSError where HDF5 would follow it for ever."""
        place, view = self.tell(), memoryview(buffer).cast("B")
        count = super().readinto(view)
        self._walks.check(place, view[:count])
        return count
