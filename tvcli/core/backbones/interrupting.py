"""Work in foreign code that Ctrl-C and SIGTERM end, though it does not look at signals itself."""

import threading
from collections.abc import Callable
from typing import Any

GRACE = 5.0  # seconds that what was told to stop may take


def interruptible(work: Callable[[], Any], stop: Callable[[], None] | None = None) -> Any:
    """Return what `work` returns or raise what it raises; a signal ends the wait and calls `stop`.

    Python handles signals between its own instructions in the main thread, so there the work goes
    to a thread of its own; in another thread it is just done. After a signal it has a while to end:
    foreign code that comes back to Python as the process ends aborts it, with a status of its own.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    found: list[Any] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:  # it is raised again below
            failed.append(error)
        finally:
            done.release()

    done = threading.Lock()
    done.acquire()
    thread = threading.Thread(target=run, daemon=True)  # one that is stuck ends with the process
    try:
        thread.start()
        done.acquire()
    except BaseException:
        if stop is not None:
            stop()
        done.acquire(timeout=GRACE)
        raise
    if failed:
        raise failed[0]
    return found[0]
