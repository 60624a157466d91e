"""Work on all cores: how many there are, results in order, a bounded number of items under way."""

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import Any, TypeVar

AHEAD = 2  # items in flight for each core
# 2 to the power of this is how many cycles a thread of numpy's BLAS turns round before it sleeps:
# 20 microseconds. By its own 26 each thread burns 20 ms when numpy is loaded, and after products.
SPINS = 16
CGROUPS, OWN_GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
# What applies a function to each of some values as `map` does, or as the map of an executor.
Mapper = Callable[..., Iterable[Any]]
T = TypeVar("T")
R = TypeVar("R")


@lru_cache(maxsize=1)
def cores() -> int:
    """Return how many cores this process may use: of its affinity, and of its container's quota."""
    quota = min(cgroup_quota(OWN_GROUPS, CGROUPS), _allowed())
    return max(1, math.ceil(quota))


def limit_libraries() -> None:
    """Have numpy and torch start no more threads than a container's quota has cores, and wait less.

    They go by the machine; it counts only before they are loaded. Who has set it is not overruled.
    OpenCV starts none of its own: where it has much to do, ours are as many as there are cores.
    """
    if cores() < _allowed():
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ.setdefault(name, str(cores()))
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", str(SPINS))
    os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Have numpy's linear algebra use one thread: what it decomposes here is small.

    Its threads wait for each other by turning round: beside a busy neighbour two of them take three
    times the CPU seconds, and the time, of one.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        yield


def _allowed() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cgroup_quota(own_groups: Path, cgroups: Path) -> float:
    """Return the cores' worth of time that control groups leave a process; infinite without any.

    `docker run --cpus 2` leaves the affinity as it is, and so does a Kubernetes limit: as many
    threads as the machine has cores would be stopped most of the time.

    Source: Linux's Documentation/admin-guide/cgroup-v2.rst (cpu.max) and scheduler/sched-bwc.rst.
    """
    quota = math.inf
    with suppress(OSError):
        for line in own_groups.read_text("utf-8", "replace").splitlines():
            number, controllers, path = [*line.split(":", 2), "", ""][:3]
            if number == "0":
                quota = min(quota, _least(cgroups, path, _of_version_2))
            elif "cpu" in controllers.split(","):
                for mounted in (controllers, "cpu"):
                    quota = min(quota, _least(cgroups / mounted, path, _of_version_1))
    return quota


def _least(mounted: Path, path: str, quota_of: Callable[[Path], float]) -> float:
    """Return the least quota of a group and of those around it."""
    group = mounted / path.strip("/")
    around = [group, *group.parents]
    return min(
        (quota_of(folder) for folder in around if folder.is_relative_to(mounted)), default=math.inf
    )


def _of_version_2(group: Path) -> float:
    try:
        quota, period = (group / "cpu.max").read_text().split()
        return math.inf if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return math.inf


def _of_version_1(group: Path) -> float:
    try:
        quota = int((group / "cpu.cfs_quota_us").read_text())
        return math.inf if quota <= 0 else quota / int((group / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError, ZeroDivisionError):
        return math.inf


def in_order(pool: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield `work(item)` in the items' order, a bounded number of them under way at once.

    An error of the items is raised after the results of those before it.
    """
    waiting: deque[Future[R]] = deque()
    limit = AHEAD * cores()
    try:
        for future in _submitted(pool, work, items):
            waiting.append(future)
            if len(waiting) >= limit:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def as_they_come(
    pool: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T]
) -> Iterator[R]:
    """Yield `work(item)` in the items' order, each when it is known, though the next item is not.

    Otherwise as `in_order`. The items are taken in a thread of their own, which goes on waiting for
    the next one where nobody wants more.
    """
    room, stopped = Semaphore(AHEAD * cores()), Event()
    under_way: SimpleQueue[Future[R] | None] = SimpleQueue()

    def taken() -> Iterator[T]:
        for item in items:
            room.acquire()
            if stopped.is_set():
                return
            yield item

    def take() -> None:
        for future in _submitted(pool, work, taken()):
            under_way.put(future)
        under_way.put(None)

    Thread(target=take, daemon=True).start()
    try:
        while future := under_way.get():
            result = future.result()
            room.release()
            yield result
    finally:
        stopped.set()
        room.release()
        while not under_way.empty():
            if future := under_way.get():
                future.cancel()


def _submitted(
    pool: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T]
) -> Iterator[Future[R]]:
    """Yield what becomes of each item; where the items fail, their error is the last."""
    try:
        for item in items:
            yield pool.submit(work, item)
    except Exception as error:
        failed: Future[R] = Future()
        failed.set_exception(error)
        yield failed
