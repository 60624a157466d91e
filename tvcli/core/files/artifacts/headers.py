"""Object headers: the messages that say what a group or dataset is, read without HDF5.

HDF5 makes room for whatever a text declares, and h5py does not tell what that is. The format, of
which `writer` has HDF5 write the oldest:
https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html (IV.A, object headers).
"""

import struct
from collections.abc import Iterator

import h5py

from tvcli.core.files.artifacts.source import Source

PREFIX = struct.Struct("<BxHIIxxxx")  # version, messages, references, bytes
MESSAGE = struct.Struct("<HHBxxx")  # type, bytes, flags
CONTINUATION = struct.Struct("<QQ")  # where, bytes
OLD_FILL, FILL, ATTRIBUTE, CONTINUED = 0x04, 0x05, 0x0C, 0x10  # types of messages
SHARED = 2  # a flag: the message lies elsewhere, where `writer` has none
MOST_BLOCKS = 100  # of messages; a header has two or three


def messages(node: h5py.Group | h5py.Dataset, source: Source, *types: int) -> Iterator[bytes]:
    """Yield the messages of some types in the header of a group or dataset.

    Raises:
        ValueError: the header is laid out as none of `writer` is.
        OSError: a part of it is not in the file.
    """
    address = address_of(node)
    version, _, _, size = PREFIX.unpack(source.at(address, PREFIX.size))
    blocks = [(address + PREFIX.size, size)]
    for block in blocks:
        if version != 1 or len(blocks) > MOST_BLOCKS:
            raise ValueError("a header as no file of tv has")
        for kind, flags, body in _split(source.at(*block)):
            if kind == CONTINUED:
                blocks.append(CONTINUATION.unpack_from(body))
            elif kind in types and flags & SHARED:
                raise ValueError("a header as no file of tv has")
            elif kind in types:
                yield body


def address_of(node: h5py.Group | h5py.Dataset) -> int:
    """Return where the header of a group or dataset lies; `h5o.get_info` follows trees for more."""
    low, high = h5py.h5g.get_objinfo(node.id).objno
    return int(low) | int(high) << 32  # as the two halves of an unsigned long, whatever its size


def _split(block: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the type, flags and content of the messages in a part of a header."""
    place = 0
    while place + MESSAGE.size <= len(block):
        kind, size, flags = MESSAGE.unpack_from(block, place)
        place += MESSAGE.size + size
        yield kind, flags, block[place - size : place]
