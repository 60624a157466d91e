"""`tv locate`: photos and two heads -> boxes of the object."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tvcli.core.errors import UsageError
from tvcli.core.reports import number_of
from tvcli.terminal import options
from tvcli.terminal.efforts import EffortOptions
from tvcli.terminal.inputs import InputOptions
from tvcli.terminal.lines import base_of, emit
from tvcli.terminal.progress import ReportOptions


def locate(
    sources: options.Sources,
    classifier: Annotated[
        Path, typer.Option("--classifier", help="The head that tv train-classifier wrote.")
    ],
    boxes: Annotated[Path, typer.Option("--boxes", help="The head that tv train-boxes wrote.")],
    *,
    output: Annotated[
        str,
        typer.Option(
            "-o", "--output", help="The .jsonl file of detections to write, or - for stdout."
        ),
    ] = "-",
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            "--threshold",
            metavar="[LABEL=]VALUE",
            help="Report only objects with at least this probability; with LABEL= only of those "
            "that are named so. Repeatable.  [default: the threshold that the classifier learned]",
        ),
    ] = None,
    effort: EffortOptions,
    scales: Annotated[
        str | None,
        typer.Option(
            "--scales",
            help="Sizes at which each photo is searched: its short side, as a multiple of the "
            "sliding window; 0 squeezes the whole photo into one window.  [default: 0, and where "
            "nothing is found 1, then 2; all three for several objects]",
        ),
    ] = None,
    combine: Annotated[
        Literal["mean", "median", "weighted", "cluster", "look"],
        typer.Option(
            "--combine",
            help="How overlapping boxes become one. look merges the boxes of one object, then "
            "zooms in on it to place the box more exactly.",
        ),
    ] = "look",
    looks: Annotated[
        int | None,
        typer.Option(
            "--looks",
            min=0,
            help="With --combine look: how many times to zoom in.  [default: 1; 0 with --fast, 2 "
            "with --thorough]",
        ),
    ] = None,
    max_objects: Annotated[
        int, typer.Option("--max-objects", min=1, help="At most this many objects per photo.")
    ] = 1,
    keep_empty: Annotated[
        bool,
        typer.Option(
            "--keep-empty",
            help="Also write the photos in which no object was found, without a box.",
        ),
    ] = False,
    save_crops: Annotated[
        Path | None,
        typer.Option(
            "--save-crops", help="Write the cut-out objects as pictures into this folder."
        ),
    ] = None,
    draw: Annotated[
        Path | None,
        typer.Option("--draw", help="Write the photos with their boxes drawn in into this folder."),
    ] = None,
    format: Annotated[
        Literal["jsonl", "csv", "parquet"] | None,
        typer.Option("--format", help="How to write them.  [default: as -o is named, else jsonl]"),
    ] = None,
    weights: options.Weights = None,
    device: options.Device = "auto",
    inputs: InputOptions,
    reports: ReportOptions,
) -> None:
    """Find the object in photos.

    Needs the two heads that tv train-classifier and tv train-boxes wrote. They slide over the
    map of the photo, windows of background are dropped, the boxes of the remaining windows are
    combined, and the object is looked at again from close by. Photos without an object are reported
    on stderr, the first 20 by name; --verbose names all.

    \b
    Examples:
      tv locate photos/ --classifier classifier.h5 --boxes boxes.h5 -o located.jsonl
      tv locate img.jpg --classifier classifier.h5 --boxes boxes.h5 --draw seen/
      tv locate photos/ --classifier classifier.h5 --boxes boxes.h5 --thorough --max-objects 5
      tv locate photos/ --classifier classifier.h5 --boxes boxes.h5 --threshold shirt=0.8
      tv locate photos/ --classifier classifier.h5 --boxes boxes.h5 | tv encode - -o objects.h5
    """
    from tvcli.core.files.tables import table_format
    from tvcli.core.location.crops import parse_numbers
    from tvcli.core.location.locate import LocateSettings
    from tvcli.core.location.locating import Pictures, load_locator, locate_photos
    from tvcli.core.location.thresholds import parse_thresholds

    every, labelled = parse_thresholds(threshold or ())
    settings = LocateSettings(
        threshold=every,
        scales=None if scales is None else parse_numbers("--scales", scales),
        combine=combine,
        max_objects=max_objects,
        looks=looks,
        effort=effort.effort(),
        label_thresholds=labelled,
    )
    with reports.open(sources) as report:
        source = inputs.open(sources, report)
        locator = load_locator(classifier, boxes, settings, weights=weights, device=device)
        pictures = Pictures(save_crops, draw)
        found = locate_photos(
            source, locator, base_of(output), report, pictures=pictures, keep_empty=keep_empty
        )
        chosen = format or table_format(output) or "jsonl"
        table = None if chosen == "jsonl" else chosen
        if table and inputs.shard:
            raise UsageError("--shard: its last line is a note, which tables do not have")
        count = emit(output, found, "detections", table)
        count -= inputs.shard is not None  # the last line of a shard is a note
        report.summary(f"{number_of(count, 'box', 'boxes')} in {number_of(report.done, 'photo')}")
