"""Watching: an index that follows folders of photos, one atomic update for each time they rest."""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from tvcli.core.encoding.updates import Counts, UpdateRequest
from tvcli.core.errors import Mismatch, TvError
from tvcli.core.files.locks import Locked
from tvcli.core.files.watching import settled
from tvcli.core.indexes.updates import change_photos
from tvcli.core.reports import Report

SOON, LATER = 1.0, 60.0  # seconds until an update that failed is tried again
R = TypeVar("R", bound=Report)


def watch_photos(
    target: Path,
    request: Callable[[], UpdateRequest],
    reports: Callable[[], AbstractContextManager[R]],
    provenance: dict[str, Any],
    done: Callable[[Counts, R], None],
) -> None:
    """Bring an index up to date whenever its photos changed and have come to rest, until stopped.

    Each update is one of `change_photos`, of a request and a report of its own; `done` is told what
    became of it, of the first even where nothing changed. An update that fails is noted and tried
    again: within seconds where others write the index, else after a minute.

    Raises:
        BadInput: what follows folders is not installed, or a folder is not there at first.
        Mismatch: other settings are asked for than those of the index.
    """
    first, due = True, math.inf  # when what failed the last time is tried again
    failed: type[TvError] | None = None

    def again() -> bool:
        return time.monotonic() >= due

    with reports() as report:
        for _ in settled(request().arguments, target, report, again):
            with reports() as told:
                try:
                    own = replace(request(), tell_older=first)  # which is said once
                    counts = change_photos(target, own, told, provenance)
                except Mismatch:
                    raise
                except TvError as error:
                    if type(error) is not failed:  # told once, however often it is tried
                        told.note(f"not updated: {error}")
                    failed = type(error)
                    due = time.monotonic() + (SOON if isinstance(error, Locked) else LATER)
                    continue
                if first or any((counts.added, counts.changed, counts.moved, counts.removed)):
                    done(counts, told)
                first, failed, due = False, None, math.inf
