"""Records kept in a temporary file: sorted, or read more than once, in little memory."""

import heapq
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import IO, Any

from tvcli.core.files.records import Record

RUN = 50_000  # records sorted in memory at a time


class Spool:
    """Records in a temporary file, read as often as wished."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._count = file, 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Record]:
        self._file.seek(0)
        return map(json.loads, self._file)

    def write(self, records: Iterable[Record]) -> None:
        """Append records; all are written before any is read."""
        for record in records:
            self._file.write(json.dumps(record).encode() + b"\n")  # NaN too: it is judged later
            self._count += 1


@contextmanager
def spooled(records: Iterable[Record]) -> Iterator[Spool]:
    """Keep records on the disk for the time of the block."""
    with tempfile.TemporaryFile(prefix="tv-") as file:
        spool = Spool(file)
        spool.write(records)
        yield spool


def in_order_of(records: Iterable[Record], key: Callable[[Record], Any]) -> Iterator[Record]:
    """Yield records sorted by a key, equal ones as they came; `RUN` of them are in memory."""
    source = iter(records)
    with ExitStack() as stack:
        runs: list[Iterable[Record]] = []
        while run := sorted(islice(source, RUN), key=key):
            if len(run) < RUN and not runs:
                yield from run  # few enough
                return
            spool = stack.enter_context(spooled(()))
            spool.write(run)
            run.clear()  # before the next is read
            runs.append(spool)
        yield from heapq.merge(*runs, key=key)
