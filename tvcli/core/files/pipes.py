"""Pipes that have a name: those of process substitution, `<(…)`, and of mkfifo.

What came through one is gone, so each is opened once, and whoever looks at its first bytes leaves
them in it.
"""

import stat
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import BinaryIO

from tvcli.core.errors import BadInput

STDIN = "-"


@contextmanager
def told_unreadable(path: str | Path) -> Iterator[None]:
    """Tell of what cannot be read inside the block as of `path`; raises BadInput."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error


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
    with told_unreadable(path):
        status = Path(path).stat()
        return _opened(str(path), status.st_dev, status.st_ino)


def comes_once(path: str | Path) -> bool:
    """Tell whether a path stands for standard input (`-`) or leads to a pipe."""
    return str(path) == STDIN or is_pipe(path)


def opened(path: Path) -> AbstractContextManager[BinaryIO]:
    """Open a file to read its bytes; standard input for `-`, and a pipe, stay open afterwards.

    Raises:
        OSError, BadInput: it cannot be opened.
    """
    if str(path) == STDIN:
        return nullcontext(sys.stdin.buffer)
    return nullcontext(pipe_stream(path)) if is_pipe(path) else path.open("rb")


@cache
def _opened(path: str, device: int, inode: int) -> BinaryIO:
    return Path(path).open("rb")
