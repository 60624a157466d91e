"""Reading a file of triplets beside what loads modules: both are Python, which one core does."""

import marshal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tvcli.core.files.pipes import comes_once
from tvcli.core.forked import forked
from tvcli.core.ranking.triplets import Item, OnFault

if TYPE_CHECKING:  # what loads numpy, which is what this goes on beside
    from tvcli.core.ranking.triplet_table import TripletTable

LEAST = 2**20  # bytes of a file that is worth a process

ReadTable = Callable[[Path, IO[bytes] | None, OnFault], "TripletTable"]


@contextmanager
def reading_beside(path: Path) -> Iterator[ReadTable]:
    """Begin to read a file of triplets, and give what does so as `read_triplet_table` does."""
    if comes_once(path) or not path.is_file() or path.stat().st_size < LEAST:
        from tvcli.core.ranking.triplet_table import read_triplet_table

        yield read_triplet_table
        return
    with forked(lambda: _dumped(path)) as outcome:

        def read(wanted: Path, stdin: IO[bytes] | None, on_fault: OnFault) -> "TripletTable":
            from tvcli.core.ranking.triplet_table import read_triplet_table

            found = outcome()
            if found is None:  # what is wrong with the file is said where it is read
                return read_triplet_table(wanted, stdin, on_fault)
            return _loaded(found, on_fault)

        yield read


def _dumped(path: Path) -> bytes:
    from tvcli.core.ranking.triplet_table import read_triplet_table

    faults: list[tuple[str, str]] = []
    table = read_triplet_table(path, None, lambda *fault: faults.append(fault))
    items = [tuple(item) for item in table.items]
    return marshal.dumps((faults, items, table.numbers.tobytes(), table.testing.tobytes()))


def _loaded(found: bytes, on_fault: OnFault) -> "TripletTable":
    import numpy as np

    from tvcli.core.ranking.triplet_table import TripletTable

    faults, items, numbers, testing = marshal.loads(found)
    for where, fault in faults:
        on_fault(where, fault)
    return TripletTable(
        [Item(*item) for item in items],
        np.frombuffer(numbers, np.intp).reshape(-1, 3),
        np.frombuffer(testing, np.bool_),
    )
