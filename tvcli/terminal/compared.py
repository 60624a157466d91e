"""Compared pairs of photos on standard output, in the format asked for."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tvcli.core.files.records import dump_record
from tvcli.terminal.harmless import printable
from tvcli.terminal.lines import tsv_field

if TYPE_CHECKING:  # it brings numpy, which tv --help does without
    from tvcli.core.matching.pairs import ComparedPair

PairFormat = Literal["table", "jsonl", "tsv", "html"]


def print_pairs(
    pairs: "Iterable[ComparedPair]",
    format: PairFormat | None,
    *,
    silent: bool = False,
    allow: Sequence[Path] = (),
) -> tuple[int, int]:
    """Print pairs as they come; return how many there are, and how many are the same picture.

    Without a format: a line to read on a terminal, else JSON Lines. A page holds photos of the
    folders `allow` alone.
    """
    counted = _Counted(pairs)
    chosen = format or ("table" if sys.stdout.isatty() else "jsonl")
    if silent:
        for _ in counted:
            pass
        return counted.count, counted.same
    for text in _texts(counted, chosen, allow):
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    return counted.count, counted.same


class _Counted:
    """Pairs that are counted as they go by."""

    def __init__(self, pairs: "Iterable[ComparedPair]") -> None:
        self._pairs = pairs
        self.count = self.same = 0

    def __iter__(self) -> "Iterator[ComparedPair]":
        for pair in self._pairs:
            self.count += 1
            self.same += pair.same
            yield pair


def _texts(
    pairs: "Iterable[ComparedPair]", format: PairFormat, allow: Sequence[Path]
) -> Iterator[str]:
    if format == "html":
        from tvcli.serve.pairs_page import pairs_page

        yield from pairs_page(pairs, allow)
        return
    line = {"jsonl": _record, "tsv": _tsv, "table": _sentence}[format]
    for pair in pairs:
        yield f"{line(pair)}\n"


def _record(pair: "ComparedPair") -> str:
    return dump_record(pair.as_record())


def _tsv(pair: "ComparedPair") -> str:
    named, shown = pair.named, printable if sys.stdout.isatty() else str
    fields = _verdict(pair), str(pair.match.inliers), named.first, named.second
    return "\t".join(shown(tsv_field(field)) for field in fields)


def _sentence(pair: "ComparedPair") -> str:
    named, match = pair.named, pair.match
    by = f"probability {match.probability:.3f}, "
    by += "whole photo" if match.whole else f"{match.inliers} inliers"
    by += ", mirrored" if match.mirrored else ""
    return f"{_verdict(pair):9}  {printable(named.first)}  {printable(named.second)}  ({by})"


def _verdict(pair: "ComparedPair") -> str:
    return "same" if pair.same else "different"
