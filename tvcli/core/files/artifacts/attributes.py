"""Attributes, looked at before HDF5 reads them: it makes room for whatever they declare."""

import struct
from pathlib import Path
from typing import Any

import h5py

from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts.headers import ATTRIBUTE, messages
from tvcli.core.files.artifacts.source import MOST_TEXT, Source

PREFIX = struct.Struct("<BxHHH")  # version; bytes of name, type and shape
VARIABLE = 9  # a type: of the value, only its length and where it lies are here


def check_attributes(path: Path, file: h5py.File, source: Source) -> None:
    """See that no attribute of a file declares a text longer than the file, or far too long.

    Raises:
        BadInput: the file is of a later format of HDF5, which `writer` never has it write.
        ValueError: an attribute does, or is laid out as none of `writer` is.
        OSError: a part of the header is not in the file.
    """
    made = file.id.get_create_plist()
    if made.get_version()[0] != 0 or made.get_sizes() != (8, 8) or file.userblock_size:
        raise BadInput(f"{path}: HDF5, but not written by tv")
    for message in messages(file["/"], source, ATTRIBUTE):
        version, *sizes = PREFIX.unpack_from(message)
        name, kind, shape = (-(-size // 8) * 8 for size in sizes)
        start = PREFIX.size + name
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
