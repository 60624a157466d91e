"""Pairs of photos, named or streamed, each told whether it shows the same picture."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box
from tvcli.core.errors import BadInput
from tvcli.core.files.photo_formats import MAX_BYTES
from tvcli.core.files.pipes import STDIN, is_pipe, pipe_stream
from tvcli.core.files.records import Record, parse_record
from tvcli.core.files.sources import split_stream
from tvcli.core.images.photo import BadImage, decode_photo, read_photo
from tvcli.core.matching.homography import inverse, outline
from tvcli.core.matching.match import Match
from tvcli.core.matching.pair import Pair, match_pair
from tvcli.core.parallel import as_they_come, cores
from tvcli.core.reports import Report, Skip

# Which fields of a record name the two: of copies, of hits, of what says so.
FIELDS = (("first", "second"), ("original", "image"), ("query", "image"))
WANTED = 'two paths with a tab between them, or {"first": …, "second": …}'
STAGE = "same"

Corners = list[list[float]]


@dataclass(frozen=True, slots=True)
class NamedPair:
    """Two photos by name; `piped` holds, by name, what came through a pipe."""

    first: str
    second: str
    piped: Mapping[str, bytes] = field(default_factory=dict)

    def read(self, name: str) -> bytes:
        """Return the bytes of one of the two; raises BadImage."""
        if name in self.piped:
            return self.piped[name]
        try:
            return read_photo(Path(name))
        except ValueError:  # a NUL in it
            raise BadImage("not a path") from None


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """Whether two photos show the same picture, how the first lies in the second, and their sizes.

    `outline` are the corners of the first in the second, `inside` those of the second in the first,
    in pixels; None where no map was found.
    """

    named: NamedPair
    same: bool
    match: Match
    outline: Corners | None = None
    inside: Corners | None = None

    def as_record(self) -> Record:
        """Return what `tv same` writes of it."""
        match = self.match
        record: Record = {"first": self.named.first, "second": self.named.second}
        record |= {"same": self.same, "probability": round(match.probability, 6)}
        record["inliers"] = match.inliers
        if match.transform is None:
            return record
        return record | match.map_record() | {"outline": self.outline}


def pair_of(first: str, second: str, stdin: IO[bytes]) -> NamedPair:
    """Return two photos that a command line names; `-` is a photo on `stdin`, pipes are read.

    Raises:
        BadInput: both are on `stdin`, or what comes is too large for a photo.
    """
    if first == second == STDIN:
        raise BadInput("only one of the two photos can come from stdin")
    piped: dict[str, bytes] = {}
    for name in (first, second):
        if name not in piped and (name == STDIN or is_pipe(name)):
            piped[name] = (stdin if name == STDIN else pipe_stream(name)).read(MAX_BYTES + 1)
            if len(piped[name]) > MAX_BYTES:
                raise BadInput(f"{name}: larger than {MAX_BYTES >> 20} MiB")
    return NamedPair(first, second, piped)


def read_pairs(stream: IO[bytes], *, null: bool = False) -> Iterator[NamedPair]:
    """Yield the pairs of a stream as they come.

    A line has two paths with a tab between them, or is a JSON record with `first` and `second`, or
    such as `tv copies` and `tv search` write. With `null` paths end with NUL, and each two are a
    pair.

    Raises:
        BadInput: a line is neither; the message says which.
    """
    if null:
        yield from _by_twos(split_stream(stream, b"\0"))
        return
    for number, line in enumerate(split_stream(stream, b"\n"), 1):
        line = line.removesuffix(b"\r")
        if line.strip():
            yield _pair_of_line(line, f"stdin:{number}")


def _by_twos(names: Iterator[bytes]) -> Iterator[NamedPair]:
    for first in names:
        second = next(names, None)
        if second is None:
            raise BadInput("stdin: an odd number of paths; each two are a pair")
        yield NamedPair(_text(first), _text(second))


def _pair_of_line(line: bytes, where: str) -> NamedPair:
    if line.lstrip().startswith(b"{"):
        record = parse_record(line, where)
        for names in FIELDS:
            found = [record.get(name) for name in names]
            if all(isinstance(name, str) and name for name in found):
                return NamedPair(str(found[0]), str(found[1]))
        raise BadInput(f"{where}: {WANTED} is wanted")
    parts = line.split(b"\t")
    if len(parts) != 2 or not all(parts):
        raise BadInput(f"{where}: {WANTED} is wanted")
    return NamedPair(_text(parts[0]), _text(parts[1]))


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def compare_pairs(pairs: Iterable[NamedPair], report: Report) -> Iterator[ComparedPair]:
    """Yield what is found of pairs, in their order; one with a photo that is of no use is skipped.

    Each is yielded when it is known, whether or not the next pair has come. Two pairs for each core
    are in memory at a time.
    """
    report.start("comparing", "pairs")
    with ThreadPoolExecutor(cores()) as pool:
        for found in as_they_come(pool, _found, pairs):
            if isinstance(found, ComparedPair):
                report.advance()
                yield found
            else:
                report.skip(found.image, STAGE, found.reason)


def compare_pair(named: NamedPair) -> ComparedPair:
    """Return what is found of two photos; raises BadInput, naming the one that is of no use."""
    found = _found(named)
    if isinstance(found, ComparedPair):
        return found
    raise BadInput(f"{found.image}: {found.reason}")


def _found(named: NamedPair) -> ComparedPair | Skip:
    name = named.first
    try:
        first = decode_photo(named.read(name))
        name = named.second
        second = decode_photo(named.read(name))
        return _compared(named, match_pair(first, second), first.whole, second.whole)
    except BadImage as error:
        return Skip(name, STAGE, str(error))


def _compared(named: NamedPair, pair: Pair, first: Box, second: Box) -> ComparedPair:
    transform = pair.match.transform
    if transform is None:
        return ComparedPair(named, pair.same, pair.match)
    there, here = outline(transform, first), outline(inverse(transform), second)
    return ComparedPair(named, pair.same, pair.match, _rounded(there), _rounded(here))


def _rounded(corners: npt.NDArray[np.float64]) -> Corners:
    return [[round(x, 1), round(y, 1)] for x, y in corners.tolist()]
