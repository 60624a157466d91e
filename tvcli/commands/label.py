"""`tv label`: photos and an index of labelled ones -> labels."""

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import typer

from tvcli.core.errors import UsageError
from tvcli.terminal import options
from tvcli.terminal.inputs import InputOptions
from tvcli.terminal.lines import base_of, emit
from tvcli.terminal.progress import ReportOptions
from tvcli.terminal.streams import STREAM


def label(
    sources: options.Sources,
    *,
    index: Annotated[
        Path | None,
        typer.Option(
            "-i",
            "--index",
            envvar="TV_INDEX",
            help="The index of labelled photos.  [default: $TV_INDEX, else the nearest .tv/]",
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels",
            metavar="index|folders|FILE",
            help="Where the labels of the index's photos are: in the index, the names of their "
            'folders, or a file of JSON Lines: {"image", "label"}.  [default: index, if it has '
            "any, else folders]",
        ),
    ] = None,
    fit_on: Annotated[
        list[str] | None,
        typer.Option(
            "--fit-on",
            metavar="SRC",
            help="Fit the probabilities to these photos, which are not in the index and have "
            "labels in the same place.  [default: to the index's own, each left out in turn]",
        ),
    ] = None,
    others: Annotated[
        float,
        typer.Option(
            "--others",
            min=0,
            max=0.95,
            help="The share of your photos that you expect to show nothing the index has a label "
            "for.",
        ),
    ] = 0.1,
    min_probability: Annotated[
        float | None,
        typer.Option(
            "--min-probability",
            min=0,
            max=1,
            help="Give a label only if it is at least so probable.  [default: fitted, so that "
            "most decisions are right]",
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option("-o", "--output", help="The file of records to write, or - for stdout."),
    ] = "-",
    format: Annotated[
        Literal["table", "jsonl", "csv", "parquet"] | None,
        typer.Option(
            "--format",
            help="How to write them.  [default: as -o is named, else table on a terminal, else "
            "jsonl]",
        ),
    ] = None,
    xmp: Annotated[
        bool,
        typer.Option(
            "--xmp",
            help="Also add each label as a keyword to the XMP sidecar beside its photo "
            "(photo.jpg.xmp); what is in a sidecar stays.",
        ),
    ] = False,
    locate: Annotated[
        bool | None,
        typer.Option(
            "--locate/--no-locate",
            help="Find the objects in the photos first, and label these.  [default: as the index "
            "was made]",
        ),
    ] = None,
    allow: Annotated[
        list[Path] | None,
        typer.Option(
            "--allow",
            metavar="DIR",
            help="With --xmp: write beside photos of this folder too, if records name them. "
            "Repeatable.",
        ),
    ] = None,
    weights: options.Weights = None,
    device: options.Device = "auto",
    inputs: InputOptions,
    reports: ReportOptions,
) -> None:
    """Label photos by the most similar photos of an index.

    The nearest labelled photos vote, each by its similarity. How many vote, how probable a label
    is, and below which probability a photo gets none (label null) is fitted to the labels that the
    index has. Records with a box, such as those of tv locate, get a label for each box. A photo
    that is in the index is labelled by the others.

    \b
    Examples:
      tv label new/ -i photos.tvx
      tv label new/ -i photos.tvx --labels folders --format csv > labels.csv
      tv label new/ -i photos.tvx --min-probability 0.9 --xmp
      tv locate new/ --classifier classifier.h5 --boxes boxes.h5 | tv label - -i objects.tvx
      tv label new/ -i photos.tvx -o labels.jsonl && tv index labels.jsonl -o new.tvx
    """
    from tvcli.core.files.sources import roots_of
    from tvcli.core.files.tables import table_format
    from tvcli.core.labelling.labelling import LabelSettings, label_records
    from tvcli.core.labelling.sidecars import Sidecars
    from tvcli.terminal.labels import counted, print_labels

    settings = LabelSettings(
        labels=labels,
        fit_on=fit_on or [],
        others=others,
        cutoff=min_probability,
        locate=locate,
        seed=inputs.sampling.seed,
        weights=weights,
        device=device,
    )
    shown = "table" if output == STREAM and sys.stdout.isatty() else "jsonl"
    chosen = format or table_format(output) or shown
    if inputs.shard and chosen != "jsonl":
        raise UsageError("--shard: its last line is a note, which tables do not have")
    if output != STREAM and chosen == "table":
        raise UsageError("--format table: is for a terminal; leave out -o, or name another format")
    with reports.open(sources) as report:
        sidecars = Sidecars([*roots_of(sources), *(allow or [])], report) if xmp else None
        records = label_records(
            sources,
            index,
            settings,
            lambda: inputs.open(sources, report),
            base_of(output),
            report,
            sidecars=sidecars,
        )
        given: Counter[bool] = Counter()
        records = counted(records, given)
        if chosen == "table":
            print_labels(records)
        else:
            emit(output, records, "labels", table_format(f"x.{chosen}"))
        written = f", {sidecars.count} sidecars written" if sidecars else ""
        report.summary(f"{given[True]} labelled, {given[False]} without a label{written}")
