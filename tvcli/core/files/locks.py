"""One writer at a time: a lock beside each target, which ends with the process that holds it.

The lock is the system's (flock), so none is left when a process is killed; the file only says who
holds it. Where the file system has no such locks, the process named in the file decides.
"""

import errno
import fcntl
import json
import os
import shlex
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tvcli.core.errors import BadInput
from tvcli.core.files.atomic_write import (
    folder_made,
    is_partial_of,
    is_stream,
    told_unwritable,
)
from tvcli.core.files.paths import absolute_path

NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
ATTEMPTS = 100  # a lock file may be removed by its holder while it is being opened

_held: set[tuple[int, str]] = set()  # by this process: the thread and the target


class Locked(BadInput):
    """Somebody else is writing the same target."""


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Be the only one who writes `target`; a thread that is so already goes on.

    The folder that it is to lie in is made.

    Raises:
        Locked: another process, or another thread of this one, is writing it.
        BadInput: its folder cannot be made or written.
    """
    mine = threading.get_ident(), absolute_path(target)
    if mine in _held or is_stream(target):  # a device has many writers
        yield
        return
    path = lock_file(target)
    with folder_made(target):
        descriptor = _take(path, target)
        _held.add(mine)
        try:
            _sweep(target)
            yield
        finally:
            _held.discard(mine)
            with suppress(OSError):
                path.unlink()  # before it is let go: who waits for it must see that it is gone
            os.close(descriptor)


def check_writable(target: Path) -> None:
    """See that `target` can be written, now rather than when there is something to save.

    Raises:
        Locked: another process, or another thread of this one, is writing it.
        BadInput: its folder cannot be made or written.
    """
    with writing(target):
        pass


def _sweep(target: Path) -> None:
    """Remove what writers that were killed left half done; there are no others now."""
    with suppress(OSError):
        for path in target.absolute().parent.iterdir():
            if is_partial_of(path.name, target):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def lock_file(target: Path) -> Path:
    """Return where the lock of a target lies: beside it."""
    return target.with_name(f".{target.name}.lock")


def _take(path: Path, target: Path) -> int:
    for _ in range(ATTEMPTS):
        with told_unwritable(target):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                _lock(descriptor, target)
                if _is_still(path, descriptor):
                    _sign(descriptor)
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
    raise Locked(f"{target}: others keep writing it; try again")


def _lock(descriptor: int, target: Path) -> None:
    """Take the lock; raises Locked, with who holds it, if somebody does."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Locked(_refusal(target, _holder(descriptor))) from None
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        holder = _holder(descriptor)
        if holder and _may_live(holder):
            raise Locked(_refusal(target, holder)) from None


def _is_still(path: Path, descriptor: int) -> bool:
    """Tell whether the file locked is the one that lies there now."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _sign(descriptor: int) -> None:
    about = {"pid": os.getpid(), "host": socket.gethostname(), "started": round(time.time())}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(about).encode() + b"\n", 0)


def _holder(descriptor: int) -> dict[str, Any]:
    """Return what the file says of its holder; {} if it says nothing that can be read."""
    try:
        about = json.loads(os.pread(descriptor, 4096, 0))
        return about if isinstance(about.get("pid"), int) else {}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


def _may_live(holder: dict[str, Any]) -> bool:
    """Tell whether a holder may still be at work: on another machine nobody knows."""
    if holder.get("host") != socket.gethostname():
        return True
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True


def _refusal(target: Path, holder: dict[str, Any]) -> str:
    if not holder:
        return f"{target}: is being written by another process; wait until it is done"
    host = holder.get("host")
    where = "" if host == socket.gethostname() else f" on {host}"
    started = holder.get("started")
    since = time.strftime(" since %H:%M:%S", time.localtime(started)) if started else ""
    return (
        f"{target}: is being written by process {holder['pid']}{where}{since}; wait until it is "
        f"done (if that process is gone: rm {shlex.quote(str(lock_file(target)))})"
    )
