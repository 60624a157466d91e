"""Files that appear whole: written beside their place under another name, then renamed."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give the path to write to, which replaces `path` when all went well; else nothing is left."""
    partial = partial_of(path)
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def partial_of(path: Path) -> Path:
    """Return the name under which this thread of this process writes what will be `path`."""
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.partial")


def is_partial_of(name: str, path: Path) -> bool:
    """Tell whether a file's name is one under which some process wrote what was to be `path`."""
    return bool(re.fullmatch(re.escape(f".{path.name}.") + r"[\d-]+\.partial", name))
