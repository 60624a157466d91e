"""Where HDF5 writes to: a file whose first error is kept and told in the end.

HDF5 does not survive a write that fails: closing the file then crashes the process (seen with
HDF5 1.14 and 2.0 on a full disk). So it is told that all went well, and whoever writes asks.
"""

import io
from pathlib import Path
from typing import Any


class Sink(io.FileIO):
    """A new file for h5py's driver of file objects; `check` raises the first error there was."""

    def __init__(self, path: Path) -> None:
        self._error: OSError | None = None
        super().__init__(path, "w+")

    def check(self) -> None:
        """Raise the first OSError that writing met, if any."""
        if self._error is not None:
            raise self._error

    def write(self, data: Any) -> int:
        """Write all of some bytes, unless an error came before; return how many they are."""
        view = memoryview(data).cast("B")
        written = 0
        try:
            while written < len(view) and self._error is None:
                written += super().write(view[written:])
        except OSError as error:
            self._error = error
        return len(view)

    def readinto(self, buffer: Any) -> int:
        """Read what was written; where a write failed, zeros."""
        view = memoryview(buffer).cast("B")
        count = super().readinto(view)
        if self._error is not None:
            view[count:] = bytes(len(view) - count)
            return len(view)
        return count

    def truncate(self, size: int | None = None) -> int:
        """Cut or extend the file, unless an error came before."""
        try:
            return super().truncate(size) if self._error is None else size or 0
        except OSError as error:
            self._error = error
            return size or 0
