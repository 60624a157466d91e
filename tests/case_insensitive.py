"""A file system that keeps the case of names and does not go by it, as those of Macs: over FUSE.

    python case_insensitive.py STORE MOUNT [nfd]

Names are the same however they are written, in upper or lower case, composed or not; with `nfd`
they are listed with their accents taken apart, as HFS+ keeps them. Needs fusepy and libfuse.
"""

import errno
import os
import sys
import unicodedata
from pathlib import Path
from typing import Any

import fuse


def folded(name: str) -> str:
    return unicodedata.normalize("NFD", name).casefold()


class CaseInsensitive(fuse.Operations):  # type: ignore[misc]
    def __init__(self, store: str, *, apart: bool) -> None:
        self.store, self.apart = store, apart

    def at(self, path: str) -> str:
        """Return where a path lies: each part as it is kept, or as it is given where it is new."""
        place = self.store
        for part in filter(None, path.split("/")):
            names = list(Path(place).iterdir()) if Path(place).is_dir() else []
            kept = {folded(path.name): path.name for path in names}
            place = str(Path(place, kept.get(folded(part), part)))
        return place

    def access(self, path: str, mode: int) -> None:
        if not os.access(self.at(path), mode):
            raise fuse.FuseOSError(errno.EACCES)

    def getattr(self, path: str, handle: Any = None) -> dict[str, Any]:
        known = os.lstat(self.at(path))
        names = ("mode", "ino", "nlink", "uid", "gid", "size", "atime", "mtime", "ctime")
        return {f"st_{name}": getattr(known, f"st_{name}") for name in names}

    def readdir(self, path: str, handle: int) -> list[str]:
        names = [".", "..", *(entry.name for entry in Path(self.at(path)).iterdir())]
        return [unicodedata.normalize("NFD", name) for name in names] if self.apart else names

    def create(self, path: str, mode: int, info: Any = None) -> int:
        return os.open(self.at(path), os.O_RDWR | os.O_CREAT | os.O_TRUNC, mode)

    def open(self, path: str, flags: int) -> int:
        return os.open(self.at(path), flags)

    def read(self, path: str, size: int, offset: int, handle: int) -> bytes:
        return os.pread(handle, size, offset)

    def write(self, path: str, data: bytes, offset: int, handle: int) -> int:
        return os.pwrite(handle, data, offset)

    def truncate(self, path: str, length: int, handle: Any = None) -> None:
        os.truncate(self.at(path), length)

    def release(self, path: str, handle: int) -> None:
        os.close(handle)

    def mkdir(self, path: str, mode: int) -> None:
        Path(self.at(path)).mkdir(mode)

    def rmdir(self, path: str) -> None:
        Path(self.at(path)).rmdir()

    def unlink(self, path: str) -> None:
        Path(self.at(path)).unlink()

    def rename(self, old: str, new: str) -> None:
        source, target = self.at(old), self.at(new)
        if source == target:  # another case of the same name
            target = str(Path(source).with_name(Path(new).name))
        Path(source).rename(target)

    def chmod(self, path: str, mode: int) -> None:
        Path(self.at(path)).chmod(mode)

    def utimens(self, path: str, times: Any = None) -> None:
        os.utime(self.at(path), times)

    def statfs(self, path: str) -> dict[str, int]:
        known = os.statvfs(self.at(path))
        return {name: getattr(known, name) for name in dir(known) if name.startswith("f_b")}


if __name__ == "__main__":
    system = CaseInsensitive(sys.argv[1], apart=sys.argv[3:] == ["nfd"])
    fuse.FUSE(system, sys.argv[2], foreground=True, nothreads=True, use_ino=True)
