"""Standard input, output and error, as a command finds them: closed ones, and poor encodings."""

import errno
import io
import os
import sys

NUMBERS = {"stdin": 0, "stdout": 1, "stderr": 2}


def make_usable() -> None:
    """Put something in the place of closed standard files, and escape what others cannot write.

    A closed one would give its number to the next file that is opened, a photo or an index, and
    what is printed would go there. Reading or writing one in its place fails as it does for any
    Unix tool; what is said on a closed stderr is lost.
    """
    for name, number in NUMBERS.items():
        if _is_closed(number):
            _replace(name, number)
        elif (stream := getattr(sys, name)) is not None and name != "stdin":
            stream.reconfigure(errors="backslashreplace")


def is_closed_standard_file(error: OSError) -> bool:
    """Tell whether an error comes of using a closed standard file."""
    return error.errno == errno.EBADF


def discard_stdout() -> None:
    """Let what is still to be written to standard output go nowhere, as nobody takes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), NUMBERS["stdout"])


def _is_closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False


def _replace(name: str, number: int) -> None:
    """Open the null device under a number, so that it can only be used the wrong way round."""
    wrong = {"stdin": os.O_WRONLY, "stdout": os.O_RDONLY, "stderr": os.O_WRONLY}[name]
    opened = os.open(os.devnull, wrong)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
    raw = io.FileIO(number, "r" if name == "stdin" else "w", closefd=False)
    buffer = io.BufferedReader(raw) if name == "stdin" else io.BufferedWriter(raw)
    setattr(sys, name, io.TextIOWrapper(buffer, "utf-8", errors="backslashreplace"))
