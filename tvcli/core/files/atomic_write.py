"""Files that appear whole: written beside their place under another name, then renamed."""

import os
import re
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tvcli.core.errors import BadInput


class Unwritable(BadInput):
    """A file cannot be written, for a `reason` that may be that of a larger job."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: cannot be written: {reason}")
        self.reason = reason


@contextmanager
def told_unwritable(target: Path) -> Iterator[None]:
    """Tell of what cannot be written inside the block as of `target`; raises Unwritable."""
    try:
        yield
    except OSError as error:
        raise Unwritable(target, error.strerror or str(error)) from error
    except Unwritable as error:
        raise Unwritable(target, error.reason) from error


@contextmanager
def folder_made(target: Path) -> Iterator[None]:
    """Make the folder that `target` is to lie in; made in vain, it is gone afterwards.

    Raises:
        Unwritable: it cannot be made.
    """
    folder = target.absolute().parent
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    with told_unwritable(target):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise Unwritable(target, "its folder is a file") from None
    try:
        yield
    finally:
        with suppress(OSError):  # something lies in it
            for each in made:
                each.rmdir()


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give the path to write to, which replaces `path` when all went well; else nothing is left.

    A device or a pipe is written itself: renamed over, /dev/null would be gone for all.

    Raises:
        Unwritable: the system's error names no file, as where a disk is full.
    """
    partial = path if is_stream(path) else partial_of(path)
    try:
        yield partial
        if partial != path:
            partial.replace(path)
    except OSError as error:
        if error.errno is None or error.filename is not None or isinstance(error, BrokenPipeError):
            raise
        raise Unwritable(path, os.strerror(error.errno)) from error
    finally:
        if partial != path:
            partial.unlink(missing_ok=True)


def is_stream(path: Path) -> bool:
    """Tell whether a path leads to a device or a pipe, such as /dev/null and /dev/stdout."""
    if path.absolute().parts[1:2] in (("dev",), ("proc",)) and path.exists():
        return not path.is_dir()
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def partial_of(path: Path) -> Path:
    """Return the name under which this thread of this process writes what will be `path`."""
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.partial")


def is_partial_of(name: str, path: Path) -> bool:
    """Tell whether a file's name is one under which some process wrote what was to be `path`."""
    return bool(re.fullmatch(re.escape(f".{path.name}.") + r"[\d-]+\.partial", name))
