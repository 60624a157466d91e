"""What HDF5 follows through a file without an end in sight, followed here before HDF5 does.

HDF5 (seen with 2.0) does not come back, or overflows its stack, where these lead back or nowhere:

- the objects of a collection of its global heap, one behind the size of the other (texts)
- the free list of a local heap (names of links)
- the levels of a B-tree (groups, chunks)

The format: https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html (III.A.1, D, E).
"""

import struct
import sys
from array import array
from collections.abc import Callable

HEADER = 16  # bytes, of a collection and of each object in it
LOCAL_HEAP = struct.Struct("<8xQQQ")  # bytes of its data, its first free block, where its data is
NONE_FREE = 1  # where a list of free blocks ends
FREE_BLOCK = struct.Struct("<QQ")  # the next, its own bytes
NODE = struct.Struct("<4xBBH16x")  # type, level, children; a key, a child, a key, …
CHUNKS = 64  # children that there is room for in a node of chunks, which tells how long keys are
Read = Callable[[int, int], bytes]


class Walks:
    """The walks through one file, of which `read` gives some bytes at a place."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._sound: set[int] = set()  # collections: HDF5 forgets them and reads them again
        self._above: dict[int, tuple[int | None, int]] = {}  # of a node: its parent, its own level

    def check(self, place: int, data: memoryview) -> None:
        """Follow what begins in some data read at a place; raises OSError where it has no end."""
        signature = bytes(data[:5])
        if signature == b"GCOL\1":
            sound = place in self._sound or self._collection(place, bytes(data))
        elif signature == b"HEAP\0":
            sound = self._local_heap(bytes(data))
        elif signature in (b"TREE\0", b"TREE\1"):
            sound = self._node(place, bytes(data))
        else:
            return
        if not sound:
            raise OSError(f"what lies at {place} leads nowhere")

    def _collection(self, place: int, data: bytes) -> bool:
        """Tell whether a collection ends, of which HDF5 has read as much as most are long."""
        size = int.from_bytes(data[8:HEADER], "little")
        if not _ends(data[:size] if size <= len(data) else self._read(place, size)):
            return False
        self._sound.add(place)
        return True

    def _local_heap(self, prefix: bytes) -> bool:
        """Tell whether the list of free blocks ends."""
        size, block, place = LOCAL_HEAP.unpack_from(prefix)
        data = self._read(place, size)
        for _ in range(size // FREE_BLOCK.size + 1):
            if block == NONE_FREE or block > size - FREE_BLOCK.size:  # HDF5 refuses the latter
                return True
            block, _ = FREE_BLOCK.unpack_from(data, block)
        return False

    def _node(self, place: int, data: bytes) -> bool:
        """Tell whether a node is where it belongs in one tree, and its children nowhere else."""
        kind, level, count = NODE.unpack_from(data)
        key = (len(data) - NODE.size - 8 * CHUNKS) // (CHUNKS + 1) if kind else 8
        if self._above.setdefault(place, (None, level))[1] != level or key < 8:
            return False
        starts = range(NODE.size + key, len(data) - 7, key + 8)[:count] if level else ()
        children = [int.from_bytes(data[start : start + 8], "little") for start in starts]
        mine = (place, level - 1)
        return all(self._above.setdefault(child, mine) == mine for child in children)


def _ends(collection: bytes) -> bool:
    """Tell whether the objects of a collection lead to its end, each further than the last."""
    words = array("Q", collection[: len(collection) // 8 * 8])
    if sys.byteorder == "big":
        words.byteswap()
    place, last = HEADER // 8, len(words) - 1
    while place < last:  # a thousand steps for ten photos found: written to be quick
        size = words[place + 1]
        if words[place] & 0xFFFF:
            place += (HEADER + size + 7) >> 3
        elif size < HEADER or size % 8:  # number 0 is what is free, its header included
            return False
        else:
            place += size >> 3
    return place <= len(words)
