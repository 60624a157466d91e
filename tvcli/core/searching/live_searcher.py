"""An index that stays open while others write it: searches end on what they began with."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tvcli.core.errors import TvError, UsageError
from tvcli.core.files.paths import MANIFEST
from tvcli.core.indexes.index import open_index
from tvcli.core.searching.searcher import Searcher

if TYPE_CHECKING:  # it brings torch, which most searches do without
    from tvcli.core.backbones.specs import Device

GLANCE = 1.0  # seconds between looks at whether an index was written


class LiveSearcher:
    """A `Searcher` for many threads, replaced when the index is opened again.

    Raises:
        BadInput: no index, or one that is damaged.
        Mismatch: written by a newer version.
    """

    def __init__(
        self,
        path: Path,
        *,
        root: Path | None = None,
        weights: Path | None = None,
        device: "Device" = "auto",
    ) -> None:
        self.path, self._root, self._weights, self._device = path, root, weights, device
        self._lock = threading.Lock()
        self._looked = time.monotonic()
        self._opened: _Opened | None = self._open()

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._opened is None

    @contextmanager
    def using(self) -> Iterator[Searcher]:
        """Give the searcher as it is now, which stays open until the block ends.

        Raises:
            UsageError: it was closed.
        """
        with self._lock:
            opened = self._opened
            if opened is None:
                raise UsageError(f"{self.path}: this index is closed; open it again")
            opened.enter()
        try:
            yield opened.searcher
        finally:
            opened.leave()

    def reload(self) -> None:
        """See the index as it is now; raises as opening does, and is then as before."""
        fresh = self._open()
        with self._lock:
            before, self._opened = self._opened, fresh
        if before is not None:
            before.leave()

    def follow(self) -> None:
        """Reload if the index was written since it was opened; looks at most once in GLANCE.

        One that is being replaced, or cannot be opened just now, stays as it was.
        """
        with self._lock:
            opened, now = self._opened, time.monotonic()
            if opened is None or now - self._looked < GLANCE:
                return
            self._looked = now
        if _state(self.path) in (None, opened.state):
            return
        try:
            self.reload()
        except TvError:
            return

    def close(self) -> None:
        """Close the index; closing it again does nothing."""
        with self._lock:
            before, self._opened = self._opened, None
        if before is not None:
            before.leave()

    def _open(self) -> "_Opened":
        return _Opened(self.path, self._root, self._weights, self._device)


class _Opened:
    """One state of an index, which closes when it is let go and its last search has ended."""

    def __init__(
        self, path: Path, root: Path | None, weights: Path | None, device: "Device"
    ) -> None:
        self._stack, self._lock = ExitStack(), threading.Lock()
        self._users = 1  # who holds it
        self.state = _state(path)  # before it is read: what is written meanwhile is seen next time
        index = self._stack.enter_context(open_index(path, root))
        self.searcher = Searcher(index, weights=weights, device=device)

    def enter(self) -> None:
        with self._lock:
            self._users += 1

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            ended = self._users == 0
        if ended:
            self._stack.close()


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        known = (path / MANIFEST).stat()
    except OSError:
        return None
    return known.st_mtime_ns, known.st_ino, known.st_size
