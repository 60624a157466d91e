"""The Learn button: a head trained on the clicks, tried beside what is, then kept or discarded."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

from tvcli.core.errors import reason_of
from tvcli.core.files.atomic_write import atomic_write
from tvcli.core.files.provenance import provenance
from tvcli.core.heads import save_head
from tvcli.core.indexes.index import open_index
from tvcli.core.indexes.previous import copy_index, previous_of
from tvcli.core.reports import Report
from tvcli.core.searching.feedback import Learned, composed, learn_from_feedback, write_learned
from tvcli.core.searching.learned_index import LearnedIndex
from tvcli.serve.answers import Refused
from tvcli.serve.finder import Finder

PATIENCE = 2.0  # seconds that a request waits for what is learned

State = dict[str, Any]


class _Progress(Report):
    """Tells the page how far a training is."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state

    def start(
        self, what: str, unit: str, total: int | Callable[[], int | None] | None = None
    ) -> None:
        self._state |= {"epoch": 0, "epochs": total if isinstance(total, int) else None}

    def advance(self, steps: int = 1) -> None:
        self._state["epoch"] = self._state.get("epoch", 0) + steps


class Learner:
    """One training at a time on an index's vectors; `state` is what the page is told."""

    def __init__(self, stack: ExitStack) -> None:
        self.state: State = {"state": "idle"}
        self._stack, self._lock = stack, threading.Lock()
        self._tried: ExitStack | None = None
        self._finder: Finder | None = None
        self._learned: Learned | None = None

    @property
    def finder(self) -> Finder:
        """What searches with the learned head; raises Refused (409) when there is none."""
        if self._finder is None:
            raise Refused(409, "nothing is learned yet, or it was kept or discarded")
        return self._finder

    def start(self, finder: Finder, clicks: Path) -> State:
        """Begin to learn from a file of clicks; raises Refused (409) while it does so already."""
        with self._lock:
            if self.state["state"] == "running":
                raise Refused(409, "it is learning already")
            self._drop()
            self.state = {"state": "running", "epoch": 0, "epochs": None}
        working = threading.Thread(target=self._run, args=(finder, clicks), daemon=True)
        working.start()
        working.join(PATIENCE)  # most are done at once: then the answer says so
        return self.state

    def keep(self, finder: Finder, clicks: Path) -> tuple[Finder, Path]:
        """Put the learned head into the index; return what searches there now, and its file."""
        with self._lock:
            if self._learned is None:
                raise Refused(409, "nothing is learned yet")
            path, learned = finder.index.path, self._learned
            made = provenance(["tv", "gallery", str(path)], [clicks])
            head = path.with_suffix(".rank.h5")
            copy_index(path, previous_of(path))
            save_head(head, composed(finder.index, learned), made)
            write_learned(finder.index, learned, path, made)
            self._drop()
            return self._opened(finder), head

    def undo(self, finder: Finder) -> Finder:
        """Put back the index as it was before what was kept last; return what searches there now.

        The head beside it is again that of the index, or gone where it had none. Raises Refused
        (409) where nothing was kept.
        """
        with self._lock:
            path = finder.index.path
            before = previous_of(path)
            if self.state["state"] == "running" or not before.is_dir():
                raise Refused(409, "nothing was kept that could be undone, or it is learning now")
            copy_index(before, path)
            shutil.rmtree(before, ignore_errors=True)
            self._drop()
            restored, head = self._opened(finder), path.with_suffix(".rank.h5")
            rank = restored.index.rank_file
            with atomic_write(head) if rank else nullcontext(head) as file:
                if rank:
                    shutil.copyfile(rank, file)
                else:
                    file.unlink(missing_ok=True)
            return restored

    def _opened(self, finder: Finder) -> Finder:
        """Return what searches the index as it is now."""
        index = self._stack.enter_context(open_index(finder.index.path))
        return Finder(index, finder.encoder, finder.collection.folders)

    def discard(self) -> State:
        """Forget what was learned."""
        with self._lock:
            if self.state["state"] != "running":
                self._drop()
            return self.state

    def _run(self, finder: Finder, clicks: Path) -> None:
        started, state = time.monotonic(), self.state
        try:
            learned = learn_from_feedback(finder.index, clicks, _Progress(state))
            self._try(finder, learned)
        except Exception as error:
            state |= {"state": "failed", "error": reason_of(error)}
            return
        state |= {
            "train": learned.train,
            "held_out": learned.held_out,
            "before": learned.before,
            "after": learned.after,
            "seconds": round(time.monotonic() - started, 2),
            "state": "ready",
        }

    def _try(self, finder: Finder, learned: Learned) -> None:
        """Search by the learned head beside what there is; nothing but the head is written."""
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tv-"))
            head = Path(folder) / "rank.h5"
            save_head(head, composed(finder.index, learned), {"command": ["tv", "gallery"]})
            index = LearnedIndex(finder.index, learned.weight, head)
            tried = Finder(index, finder.encoder, finder.collection.folders)
            self._tried = self._stack.enter_context(stack.pop_all())
        self._finder, self._learned = tried, learned

    def _drop(self) -> None:
        if self._tried is not None:
            self._tried.close()
        self._tried = self._finder = self._learned = None
        self.state = {"state": "idle"}
