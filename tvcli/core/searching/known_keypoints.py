"""Key points of an index's photos for several queries at a time: each photo is described once."""

from collections.abc import Sequence
from concurrent.futures import Future
from itertools import islice
from threading import Lock

import numpy as np

from tvcli.core.engines import Rows
from tvcli.core.indexes.keypoints import Kept
from tvcli.core.matching.features import Keypoints
from tvcli.core.parallel import Mapper

KNOWN = 4096  # photos: about 150 MB of key points


class KnownKeypoints:
    """Key points by row of an index; those of the last KNOWN photos stay at hand.

    Many threads may ask: what one of them describes the others wait for. `failures` tell, by row,
    why a photo has none.
    """

    def __init__(self, kept: Kept) -> None:
        self.method = kept.method
        self.failures: dict[int, str] = {}
        self._kept, self._lock = kept, Lock()
        self._known: dict[int, Keypoints] = {}
        self._under_way: dict[int, Future[Keypoints]] = {}

    def of(self, rows: Rows, names: Sequence[str], each: Mapper) -> list[Keypoints]:
        """Return the key points of rows, of those that the index keeps the columns named at least.

        `each` applies what describes a photo to those that it does not keep.
        """
        known = {row: self._known.get(row) for row in rows.tolist()}
        new = [row for row, one in known.items() if one is None or _lacks(one, names)]
        if new:
            kept = self._kept.known(np.array(new, np.intp), names)
            read = {row: one for row, one in zip(new, kept, strict=True) if one is not None}
            self._remember(read)
            unkept = [row for row in new if row not in read]
            described = zip(unkept, list(each(self._described, unkept)), strict=True)
            known |= read | {row: waiting.result() for row, waiting in described}
        return [one for row in rows.tolist() if (one := known[row]) is not None]

    def _described(self, row: int) -> "Future[Keypoints]":
        """Describe a photo, or return what another thread has begun to."""
        with self._lock:
            if row in self._under_way:
                return self._under_way[row]
            own: Future[Keypoints] = Future()
            if (known := self._known.get(row)) is not None:
                own.set_result(known)
                return own
            self._under_way[row] = own
        try:
            found, failure = self._kept.described(row)
            if failure:
                self.failures[row] = failure
            self._remember({row: found})
            own.set_result(found)
        except BaseException as error:
            own.set_exception(error)
            raise
        finally:
            del self._under_way[row]
        return own

    def _remember(self, new: dict[int, Keypoints]) -> None:
        with self._lock:
            self._known |= new
            for row in list(islice(self._known, max(len(self._known) - KNOWN, 0))):  # the oldest
                del self._known[row]


def _lacks(one: Keypoints, names: Sequence[str]) -> bool:
    """Tell whether key points were read for votes, which do without the small pictures."""
    return "preview" in names and not one.preview.size
