"""Pipes that have a name: those of process substitution, `<(…)`, and of mkfifo.

What came through one is gone, so each is opened once, and whoever looks at its first bytes leaves
them in it.
"""

import stat
from functools import cache
from pathlib import Path
from typing import BinaryIO

from tvcli.core.errors import BadInput


def is_pipe(path: str | Path) -> bool:
    """Tell whether a path leads to a pipe."""
    try:
        return stat.S_ISFIFO(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False


def pipe_stream(path: str | Path) -> BinaryIO:
    """Return the stream of a pipe, the same each time; waits until somebody writes to it.

    Raises:
        BadInput: it cannot be opened.
    """
    try:
        status = Path(path).stat()
        return _opened(str(path), status.st_dev, status.st_ino)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error


@cache
def _opened(path: str, device: int, inode: int) -> BinaryIO:
    return Path(path).open("rb")
