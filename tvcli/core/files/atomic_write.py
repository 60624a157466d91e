"""Files that appear whole: written beside their place under another name, then renamed."""

import os
import re
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give the path to write to, which replaces `path` when all went well; else nothing is left.

    A device or a pipe is written itself: renamed over, /dev/null would be gone for all.
    """
    if is_stream(path):
        yield path
        return
    partial = partial_of(path)
    try:
        yield partial
        partial.replace(path)
    finally:
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
