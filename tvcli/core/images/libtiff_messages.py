"""What libtiff says of a picture: for whoever decodes it, not hundreds of lines on stderr."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from PIL import _imaging

PILLOWS_NAME = b"tempfile.tif"  # of every TIFF that it hands to libtiff
LONGEST = 200  # bytes of a message that are kept
HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)

_heard = threading.local()


@contextmanager
def libtiff_messages() -> Iterator[list[str]]:
    """Give the list of errors that libtiff has in this thread inside the block; only the first."""
    _listen()
    messages: list[str] = []
    _heard.messages = messages
    try:
        yield messages
    finally:
        _heard.messages = None


@cache
def _listen() -> tuple[Any, ...]:
    """Take libtiff's handlers, once; where Pillow has no libtiff of its own, nothing happens."""
    handlers = HANDLER(_hear), HANDLER(_ignore)
    try:
        library = ctypes.CDLL(_imaging.__file__)  # finds what it is linked to as well
        for name, handler in zip(("Error", "Warning"), handlers, strict=True):
            take = getattr(library, f"TIFFSet{name}Handler")
            take.argtypes, take.restype = [HANDLER], ctypes.c_void_p
            take(handler)
    except (OSError, AttributeError):
        return ()
    return handlers  # kept for as long as libtiff may call them


def _hear(module: bytes | None, text: bytes | None, values: int | None) -> None:
    messages = getattr(_heard, "messages", None)
    if messages is None or messages or text is None:
        return
    buffer = ctypes.create_string_buffer(LONGEST)
    ctypes.CDLL(None).vsnprintf(buffer, LONGEST, text, ctypes.c_void_p(values))
    name = b"" if module in (None, PILLOWS_NAME) else module or b""
    where = f"{name.decode('utf-8', 'replace')}: " if name else ""
    messages.append(where + buffer.value.decode("utf-8", "replace"))


def _ignore(*_: object) -> None:
    pass
