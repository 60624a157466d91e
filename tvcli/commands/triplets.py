"""`tv triplets`: encodings and what a person knows -> triplets to learn from."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tvcli.terminal import options, streams
from tvcli.terminal.lines import base_of, emit
from tvcli.terminal.progress import reporting


def triplets(
    source: Annotated[str, typer.Argument(metavar="SRC", help="Encodings (.h5), - for stdin.")],
    output: Annotated[
        str, typer.Option("-o", "--output", help="The .jsonl to write, - for stdout.")
    ],
    from_folders: Annotated[
        bool, typer.Option("--from-folders", help="A photo's folder is its class.")
    ] = False,
    labels: Annotated[
        Path | None,
        typer.Option("--labels", help='Classes as JSON Lines: {"image","label"}.'),
    ] = None,
    clicks: Annotated[
        Path | None, typer.Option("--clicks", help="What was said of hits, or triplets.")
    ] = None,
    flips: Annotated[
        bool, typer.Option("--flips", help="A photo, its mirror image, its nearest neighbour.")
    ] = False,
    from_copies: Annotated[
        Path | None,
        typer.Option("--from-copies", help="A photo, a changed copy made here, its neighbour."),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option("--index", help="Mine by this index's vectors.  [default: pooled SRC]"),
    ] = None,
    mine: Annotated[
        Literal["hard", "semi-hard", "random"], typer.Option("--mine", help="Which negatives.")
    ] = "hard",
    per_anchor: Annotated[
        int, typer.Option("--per-anchor", min=1, help="Triplets of each photo of a class.")
    ] = 4,
    test: Annotated[
        float, typer.Option("--test", min=0, max=0.9, help="Share of anchors kept for testing.")
    ] = 0.1,
    limit: options.Limit = None,
    sample: options.Sampled = None,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
) -> None:
    """Make triplets of what is known to be similar.

    An anchor, a positive that should be more similar to it, and a negative that should be less.
    Sources may be combined; with none named, the labels in SRC are the classes.

    \b
    Examples:
      tv triplets photos.h5 --from-folders -o triplets.jsonl
      tv triplets photos.h5 --clicks clicks.jsonl --flips -o triplets.jsonl
      tv triplets photos.h5 --from-folders --index ranked.tvx --mine semi-hard -o harder.jsonl
    """
    from tvcli.core.files.sampling import parse_sample
    from tvcli.core.ranking.changed_copies import copier
    from tvcli.core.ranking.triplets import triplet_records
    from tvcli.core.searching.triplet_sets import Lesson, teach

    copy_of = copier(from_copies, seed) if from_copies else None
    lesson = Lesson(
        from_folders,
        labels,
        clicks,
        flips,
        copy_of,
        index,
        mine,
        per_anchor,
        test,
        seed,
        parse_sample(limit, sample, seed),
    )
    with reporting(quiet=quiet) as report, streams.input_file(source) as path:
        taught = teach(path, lesson, report, Path(source))
        emit(output, triplet_records(taught.triplets, base_of(output)))
        report.summary(taught.counts())
