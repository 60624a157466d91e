"""Standard input and output as files: `-` on either side of a command."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.own_files import OwnKind, check_own
from tvcli.core.files.pipes import is_pipe, pipe_stream

STREAM = "-"


def stdin() -> IO[bytes]:
    """Return standard input as bytes."""
    return sys.stdin.buffer


def stdin_of_a_thread() -> IO[bytes]:
    """Return standard input for a thread that may still wait for it when the process ends.

    It has no buffer: Python aborts where a buffer's lock is held as it ends.
    """
    raw: IO[bytes] = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
    return raw


@contextmanager
def input_file(name: str, *, rows: bool = True) -> Iterator[Path]:
    """Give a path to read an artifact from; that of a pipe is a temporary file.

    So is that of `rows` which lie in a table.
    """
    piped = is_pipe(name)
    if name != STREAM and not piped:
        if not rows:
            yield Path(name)
            return
        from tvcli.core.files.parquet_rows import rows_file

        with rows_file(Path(name)) as path:
            yield path
        return
    with tempfile.NamedTemporaryFile(prefix="tv-", suffix=".h5") as file:
        shutil.copyfileobj(pipe_stream(name) if piped else stdin(), file, 2**20)
        file.flush()
        if file.tell() == 0:
            raise BadInput(f"{name}: nothing {'came through it' if piped else 'on standard input'}")
        yield Path(file.name)


@contextmanager
def output_file(name: str, kind: OwnKind) -> Iterator[Path]:
    """Give a path to write an artifact to; for `-` it is copied to standard output when whole.

    Raises:
        UsageError: standard output is a terminal, or a file that is not of the kind is in the way.
    """
    if name != STREAM:
        check_own(Path(name), kind)
        yield Path(name)
        return
    if sys.stdout.isatty():
        raise UsageError("-o -: HDF5 does not go to a terminal; pipe it on or name a file")
    with tempfile.TemporaryDirectory(prefix="tv-") as folder:
        path = Path(folder) / "out.h5"
        yield path
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer, 2**20)
        sys.stdout.buffer.flush()


def where(output: str) -> str:
    """Return where results are, for a last line: nothing of standard output."""
    return "" if output == STREAM else f" in {output}"


@contextmanager
def encodings_file(name: str) -> Iterator[Path]:
    """Give a path to write encodings to, as `output_file`; they become Parquet if so named."""
    if Path(name).suffix.lower() != ".parquet":
        with output_file(name, "encodings") as path:
            yield path
        return
    from tvcli.core.files.parquet import arrow
    from tvcli.core.files.parquet_rows import write_encodings_table

    arrow()  # before hours of work
    target = Path(name)
    check_own(target, "table")
    path = target.with_name(f".{target.name}.h5")  # a name that the same command finds again
    yield path
    write_encodings_table(path, target)
    path.unlink()


def provenance_of(inputs: Sequence[str | Path], seed: int | None = None) -> dict[str, Any]:
    """Return what an artifact records of its making: the command line, and the files it reads."""
    from tvcli.core.files.provenance import provenance
    from tvcli.core.files.sources import input_files

    typed = (os.fsencode(argument).decode("utf-8", "replace") for argument in sys.argv[1:])
    return provenance(["tv", *typed], input_files([str(path) for path in inputs]), seed)
