"""Work in a process of its own, beside this one while it loads modules or computes in Python."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tvcli.core.parallel import cores

WHOLE = b"."  # what ends an outcome: a process that dies does not write it
Outcome = Callable[[], bytes | None]  # waits for what the work came to; None if it came to nothing


@contextmanager
def forked(work: Callable[[], bytes]) -> Iterator[Outcome]:
    """Have some work done beside what follows, and give what waits for its outcome.

    There is none where no second core is free for it, where a process with threads must not be
    forked, and where the work fails: then it is to be done here, which says what is wrong. The
    process ends with the block, whether it is waited for or not.
    """
    if sys.platform != "linux" or cores() < 2 or threading.active_count() > 1:
        yield lambda: None
        return
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _work(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        try:
            yield lambda: found[:-1] if (found := stream.read()).endswith(WHOLE) else None
        finally:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _work(work: Callable[[], bytes], writing: int) -> None:
    """Do the work, write its outcome, and end this process without any of its parent's endings."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        with os.fdopen(writing, "wb") as stream:
            stream.write(work())
            stream.write(WHOLE)
    finally:
        os._exit(0)
