"""`tv triplets`: encodings and what a person knows -> triplets to learn from."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tvcli.terminal import options, streams
from tvcli.terminal.inputs import SampleOptions
from tvcli.terminal.lines import base_of, emit
from tvcli.terminal.progress import reporting


def triplets(
    source: options.Encodings,
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", help="The .jsonl file of triplets to write, or - for stdout."
        ),
    ],
    *,
    from_folders: Annotated[
        bool, typer.Option("--from-folders", help="Photos in the same folder are similar.")
    ] = False,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels",
            help='Photos with the same label are similar. A file of JSON Lines: {"image", '
            '"label"}.',
        ),
    ] = None,
    clicks: Annotated[
        Path | None,
        typer.Option("--clicks", help="The clicks that tv gallery or tv annotate triplets saved."),
    ] = None,
    flips: Annotated[
        bool,
        typer.Option(
            "--flips",
            help="Make triplets without labels: a photo, its mirror image, and its nearest "
            "neighbour.",
        ),
    ] = False,
    from_copies: Annotated[
        Path | None,
        typer.Option(
            "--from-copies",
            help="Make triplets without labels: a photo, a changed copy (written into this "
            "folder), and its nearest neighbour.",
        ),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            "--index",
            help="Choose negatives by the similarities in this index.  [default: by the "
            "similarities in SRC]",
        ),
    ] = None,
    mine: Annotated[
        Literal["hard", "semi-hard", "random"],
        typer.Option(
            "--mine", help="Which negatives to take: hard ones are the most similar to the anchor."
        ),
    ] = "hard",
    per_anchor: Annotated[
        int, typer.Option("--per-anchor", min=1, help="Triplets per photo of a class.")
    ] = 4,
    test: Annotated[
        float,
        typer.Option("--test", min=0, max=0.9, help="Share of the anchors held out for testing."),
    ] = 0.1,
    sampling: SampleOptions,
    quiet: options.Quiet = False,
) -> None:
    """Make training triplets from what you know to be similar.

    A triplet is an anchor, a positive that should be more similar to it, and a negative that should
    be less similar. The sources can be combined. If you name none, the labels stored in SRC are the
    classes.

    \b
    Examples:
      tv triplets photos.h5 --from-folders -o triplets.jsonl
      tv triplets photos.h5 --clicks clicks.jsonl --flips -o triplets.jsonl
      tv triplets photos.h5 --from-folders --index ranked.tvx --mine semi-hard -o harder.jsonl
    """
    from tvcli.core.files.own_files import check_own
    from tvcli.core.ranking.changed_copies import copier
    from tvcli.core.ranking.triplets import triplet_records
    from tvcli.core.searching.triplet_sets import TripletSpec, make_triplets

    copy_of = copier(from_copies, sampling.seed) if from_copies else None
    spec = TripletSpec(
        from_folders,
        labels,
        clicks,
        flips,
        copy_of,
        index,
        mine,
        per_anchor,
        test,
        sampling.seed,
        sampling.parse(),
    )
    if output != streams.STREAM:
        check_own(Path(output), "triplets")
    with reporting(quiet=quiet) as report, streams.input_file(source) as path:
        triplet_set = make_triplets(path, spec, report, Path(source))
        emit(output, triplet_records(triplet_set.triplets, base_of(output)), "triplets")
        report.summary(triplet_set.counts())
