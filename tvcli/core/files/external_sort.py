"""Records kept in a temporary file: sorted, or read more than once, in little memory."""

import heapq
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import IO, Any

from tvcli.core.files.records import Record

RECORDS_A_RUN = 50_000  # records sorted in memory at a time


class SpilledRecords:
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
def spilled(records: Iterable[Record]) -> Iterator[SpilledRecords]:
    """Keep records on the disk for the time of the block."""
    with tempfile.TemporaryFile(prefix="tv-") as file:
        spilled_records = SpilledRecords(file)
        spilled_records.write(records)
        yield spilled_records


def external_sort(records: Iterable[Record], key: Callable[[Record], Any]) -> Iterator[Record]:
    """Yield records sorted by a key, equal ones as they came, `RECORDS_A_RUN` in memory."""
    source = iter(records)
    with ExitStack() as stack:
        runs: list[Iterable[Record]] = []
        while run := sorted(islice(source, RECORDS_A_RUN), key=key):
            if len(run) < RECORDS_A_RUN and not runs:
                yield from run  # few enough
                return
            spilled_records = stack.enter_context(spilled(()))
            spilled_records.write(run)
            run.clear()  # before the next is read
            runs.append(spilled_records)
        yield from heapq.merge(*runs, key=key)
