"""Compared pairs of photos on standard output, in the format asked for."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tvcli.core.files.records import dump_record
from tvcli.terminal.harmless import printable
from tvcli.terminal.lines import print_texts, tsv_field

if TYPE_CHECKING:  # it brings numpy, which tv --help does without
    from tvcli.core.matching.pairs import ComparedPair

PairFormat = Literal["table", "jsonl", "tsv", "html"]


def print_pairs(
    pairs: "Iterable[ComparedPair]",
    format: PairFormat | None,
    *,
    silent: bool,
    allow: Sequence[Path],
) -> tuple[int, int]:
    """Print pairs as they come; return how many there are, and how many are the same picture.

    Without a format: a line to read on a terminal, else JSON Lines. A page holds photos of the
    folders `allow` alone.
    """
    verdicts: list[bool] = []

    def told() -> "Iterator[ComparedPair]":
        for pair in pairs:
            verdicts.append(pair.same)
            yield pair

    if silent:
        verdicts = [pair.same for pair in pairs]
    else:
        chosen = format or ("table" if sys.stdout.isatty() else "jsonl")
        print_texts(_texts(told(), chosen, allow))
    return len(verdicts), sum(verdicts)


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
    by = f"probability {match.probability:.3f}, {match.in_short}"
    return f"{_verdict(pair):9}  {printable(named.first)}  {printable(named.second)}  ({by})"


def _verdict(pair: "ComparedPair") -> str:
    return "same" if pair.same else "different"
