"""Attributes of a file, looked at before HDF5 reads them: it makes room for whatever they declare.

Of a text, an attribute holds its length and where in the file it lies. h5py tells neither, so
the object header of the root is read here, as `writer` has HDF5 write it. The format:
https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html (IV.A, object headers).
"""

import struct
from collections.abc import Iterator
from typing import Any

import h5py

from tvcli.core.artifacts.source import MOST_TEXT, Source

PREFIX = struct.Struct("<BxHIIxxxx")  # version, messages, references, bytes
MESSAGE = struct.Struct("<HHBxxx")  # type, bytes, flags
CONTINUATION = struct.Struct("<QQ")  # where, bytes
ATTRIBUTE = struct.Struct("<BxHHH")  # version; bytes of name, type and shape
IS_CONTINUATION, IS_ATTRIBUTE, SHARED, VARIABLE = 0x10, 0x0C, 2, 9
MOST_BLOCKS = 100  # of messages; a header has two or three


def check_attributes(file: h5py.File, source: Source) -> None:
    """See that no attribute of a file declares a text longer than the file, or far too long.

    Raises:
        ValueError: one does, or the file is not laid out as `writer` has it.
        OSError: a part of the header is not in the file.
    """
    made = file.id.get_create_plist()
    if made.get_version()[0] != 0 or made.get_sizes() != (8, 8) or file.userblock_size:
        raise ValueError("laid out as no file of tv is")
    for message in _attributes(source, address_of(file["/"])):
        version, *sizes = ATTRIBUTE.unpack_from(message)
        name, kind, shape = (-(-size // 8) * 8 for size in sizes)
        start = ATTRIBUTE.size + name
        if version != 1 or start + kind + shape > len(message):
            raise ValueError("attributes as no file of tv has")
        length = int.from_bytes(message[start + kind + shape :][:4], "little")
        if message[start] & 15 == VARIABLE and length > min(MOST_TEXT, source.length):
            raise ValueError(f"an attribute of {length} bytes")


def read_attribute(file: h5py.File, name: str) -> Any:
    """Return a checked attribute, a text or a number; None if it is missing or anything else."""
    if name not in file.attrs:
        return None
    attribute = file.attrs.get_id(name)
    plain = isinstance(attribute.get_type(), h5py.h5t.TypeStringID | h5py.h5t.TypeIntegerID)
    scalar = attribute.get_space().get_simple_extent_type() == h5py.h5s.SCALAR
    return file.attrs[name] if plain and scalar else None


def address_of(node: h5py.Group | h5py.Dataset) -> int:
    """Return where the header of a group or dataset lies; `h5o.get_info` follows trees for more."""
    low, high = h5py.h5g.get_objinfo(node.id).objno
    return int(low) | int(high) << 32  # as the two halves of an unsigned long, whatever its size


def _attributes(source: Source, address: int) -> Iterator[bytes]:
    """Yield the attributes in an object header."""
    version, _, _, size = PREFIX.unpack(source.at(address, PREFIX.size))
    if version != 1:
        raise ValueError("a header as no file of tv has")
    blocks = [(address + PREFIX.size, size)]
    for block in blocks:
        for kind, flags, body in _messages(source.at(*block)):
            if kind == IS_CONTINUATION:
                blocks.append(CONTINUATION.unpack_from(body))
            elif kind == IS_ATTRIBUTE and not flags & SHARED:
                yield body
            elif kind == IS_ATTRIBUTE or len(blocks) > MOST_BLOCKS:
                raise ValueError("a header as no file of tv has")


def _messages(block: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the type, flags and content of the messages in a part of a header."""
    place = 0
    while place + MESSAGE.size <= len(block):
        kind, size, flags = MESSAGE.unpack_from(block, place)
        place += MESSAGE.size + size
        yield kind, flags, block[place - size : place]
