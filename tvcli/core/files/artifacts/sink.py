"""Where HDF5 writes to: a file whose first error is kept and told in the end.

HDF5 does not survive a write that fails: closing the file then crashes the process (seen with
HDF5 1.14 and 2.0 on a full disk). So it is told that all went well, and whoever writes asks.
"""

import io
from pathlib import Path
from typing import Any


class Sink(io.RawIOBase):
    """A new file for h5py's driver of file objects; `check` raises the first error there was."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=0)
        self._error: OSError | None = None

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
                written += self._file.write(view[written:])
        except OSError as error:
            self._error = error
        return len(view)

    def readinto(self, buffer: Any) -> int:
        """Read what was written; where a write failed, zeros."""
        view = memoryview(buffer).cast("B")
        count = self._file.readinto(view) or 0
        if self._error is not None:
            view[count:] = bytes(len(view) - count)
            return len(view)
        return count

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place; return it."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()

    def truncate(self, size: int | None = None) -> int:
        """Cut or extend the file, unless an error came before."""
        try:
            return self._file.truncate(size) if self._error is None else size or 0
        except OSError as error:
            self._error = error
            return size or 0

    def close(self) -> None:
        """Close the file, if there is one: finalisers come here where none could be opened."""
        if hasattr(self, "_file"):
            self._file.close()
        super().close()

    def flush(self) -> None:
        """Nothing is held back."""

    def readable(self) -> bool:
        """Whether it can be read: HDF5 reads what it wrote."""
        return True

    def writable(self) -> bool:
        """Whether it can be written."""
        return True

    def seekable(self) -> bool:
        """Whether it has places to go to."""
        return True
