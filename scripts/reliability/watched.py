"""All readers in a process of their own, which is killed when one takes too long.

A library that reads without end answers to no signal but SIGKILL, so only another process can tell.
"""

import resource
import sys
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from scripts.reliability.inputs import Input

SECONDS = 20  # for one file; the slowest takes some hundredths
MEMORY = 2**30  # bytes, on top of the most that any file before took


class Unbounded(BaseException):
    """A file was not read in the time or memory it may take.

    No Exception, so that hypothesis stops there and then: trying smaller files would take hours.
    """


class Watched:
    """Readers by name, as in `readers`; use it in a `with`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._start()

    def __enter__(self) -> "Watched":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def sound(self, name: str, path: Path) -> str | None:
        """Read a file by the reader of a name; return what `readers.sound` does.

        Raises:
            Unbounded: it took too long, or too much memory, or the process has crashed.
        """
        return self._ask("sound", name, path)

    def refused(self, name: str, path: Path) -> str | None:
        """Read a good file; return what `readers.refused` does, and raise what `sound` does."""
        return self._ask("refused", name, path)

    def _ask(self, how: str, name: str, path: Path) -> str | None:
        self._connection.send((how, name, path))
        if not self._connection.poll(SECONDS):
            raise self._unbounded(f"{path} was not read within {SECONDS} s")
        fault: str | None
        try:
            fault, grown = self._connection.recv()
        except EOFError:
            raise self._unbounded(f"{path} crashed the process that read it") from None
        if grown > MEMORY:
            raise self._unbounded(f"{path} took {grown / 2**20:.0f} MiB to read")
        return fault

    def _start(self) -> None:
        context = get_context("spawn")  # what was forked would share the threads of torch
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, self._folder), daemon=True)
        self._process.start()
        other.close()
        self.inputs: dict[str, Input] = self._connection.recv()

    def _stop(self) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()

    def _unbounded(self, fault: str) -> Unbounded:
        self._stop()
        self._start()
        return Unbounded(fault)


def _serve(connection: Connection, folder: Path) -> None:
    from scripts.reliability.readers import readers, refused, sound

    known, ways = readers(folder), {"sound": sound, "refused": refused}
    connection.send({name: reader.input for name, reader in known.items()})
    while True:
        how, name, path = connection.recv()
        before = _most_memory()
        connection.send((ways[how](known[name], path), _most_memory() - before))


def _most_memory() -> int:
    """Return the most bytes of memory that this process has taken so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
