"""`tv eval triplets`: triplets and vectors -> the share in the right order."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tvcli.terminal import options, streams
from tvcli.terminal.metrics import MetricFormat, print_metrics
from tvcli.terminal.progress import reporting


def eval_triplets(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SRC",
            help="Encodings (.h5) or an index (.tvx); left out, with TRIPLETS alone, $TV_INDEX, "
            "else the nearest .tv/.",
        ),
    ],
    triplets: Annotated[Path | None, options.TRIPLETS] = None,
    rank: Annotated[
        Path | None,
        typer.Option("--rank", help="Apply this head of tv train-rank to the encodings first."),
    ] = None,
    split: Annotated[
        Literal["all", "train", "test"],
        typer.Option("--split", help="Which of the triplets to measure."),
    ] = "all",
    format: Annotated[MetricFormat | None, options.FORMAT] = None,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
) -> None:
    """Measure how many triplets are in the right order.

    A triplet is right if its anchor is more similar to its positive than to its negative.

    \b
    Examples:
      tv eval triplets photos.h5 triplets.jsonl --split test
      tv eval triplets photos.h5 triplets.jsonl --split test --rank rank.h5
      tv eval triplets ranked.tvx triplets.jsonl
      tv eval triplets triplets.jsonl
    """
    from tvcli.core.files.project_settings import index_or_default
    from tvcli.core.searching.eval_search import eval_triplets as measure

    if triplets is None:  # the one argument are they
        source, triplets = index_or_default(None, "name SRC"), source
    with reporting(quiet=quiet) as report:
        records, missing = measure(source, triplets, rank, split, seed, streams.stdin(), report)
        print_metrics(records, format)
        left_out = f", {missing} left out (photos that are not in {source})" if missing else ""
        report.summary(f"{records[0]['triplets']} triplets measured{left_out}")
