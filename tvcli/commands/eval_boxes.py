"""`tv eval boxes`: detections and the truth -> how good they are."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tvcli.core.errors import UsageError
from tvcli.terminal import options
from tvcli.terminal.tables import cell, new_table, show_table


def eval_boxes(
    located: Annotated[
        Path, typer.Argument(help="The boxes that tv locate found (.jsonl), or - for stdin.")
    ],
    truth: Annotated[Path, typer.Argument(help="The true boxes (.jsonl).")],
    plot: Annotated[
        Path | None,
        options.plot("Write a plot of precision over recall, at IoU 0.5, to this file."),
    ] = None,
    format: Annotated[
        Literal["table", "jsonl", "json"] | None,
        typer.Option(
            "--format",
            help="How to print the result; json is jsonl.  [default: table on a terminal, else "
            "jsonl]",
        ),
    ] = None,
) -> None:
    """Measure located boxes against true boxes.

    Prints the IoU, COCO's average precision, the missed and spurious objects, and the threshold of
    the score that balances these best, over all labels and for each label. Photos that the truth
    does not name are left out.

    \b
    Examples:
      tv eval boxes located.jsonl truth.jsonl
      tv locate photos/ --classifier c.h5 --boxes b.h5 --threshold 0 | tv eval boxes - truth.jsonl
    """
    from tvcli.core.files.pipes import STDIN
    from tvcli.core.location.detection_metrics import evaluate

    if str(located) == str(truth) == STDIN:
        raise UsageError("only one of the two files can come from stdin")
    measures, curves = evaluate(located, truth)
    if plot is not None:
        from tvcli.core.plots import plot_precision_recall

        plot_precision_recall(curves, plot, "located boxes, IoU 0.5")
    if format in ("jsonl", "json") or (format is None and not sys.stdout.isatty()):
        print(json.dumps(measures, ensure_ascii=False))
        return
    _print_table(measures)


def _print_table(measures: dict[str, Any]) -> None:
    labels = measures.pop("labels")
    columns = {"all": measures} | (labels if len(labels) > 1 else {})
    table = new_table()
    table.add_column("")
    for name in columns:
        table.add_column(cell(name), justify="right")
    for measure in measures:
        table.add_row(measure, *(str(values[measure]) for values in columns.values()))
    show_table(table)
