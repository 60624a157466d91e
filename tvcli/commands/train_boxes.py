"""`tv train-boxes`: encoded crops -> a head that says where in a crop the object is."""

from pathlib import Path
from typing import Annotated

import typer

from tvcli.terminal import options, streams
from tvcli.terminal.progress import reporting


def train_boxes(
    crops: options.EncodedCrops,
    output: Annotated[str, typer.Option("-o", "--output", help="The box head (.h5) to write.")],
    plot: Annotated[
        Path | None, options.plot("Write a plot of the loss and of the held-out IoU to this file.")
    ] = None,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
) -> None:
    """Learn where in a crop the object is.

    Trains four small networks, one for each side of the box. Prints the mean error of each side in
    pixels and the IoU on held-out photos, next to the figures of always answering the mean box.

    \b
    Examples:
      tv train-boxes crops.h5 -o boxes.h5
    """
    from tvcli.core.location.location_heads import teach_boxes

    with (
        reporting(quiet=quiet) as report,
        streams.input_file(crops) as path,
        streams.output_file(output, "boxes head") as target,
    ):
        made = streams.provenance_of([crops], seed)
        found = teach_boxes(path, target, made, seed=seed, report=report)
        measured = (("nets", found.errors), ("mean box", found.mean_box))
        for name, errors in measured if found.basis.is_measured else ():
            sides = ", ".join(
                f"{side} {error:.1f}"
                for side, error in zip(("x0", "y0", "x1", "y1"), errors.pixels, strict=True)
            )
            report.note(f"{name + ':':9} off by {sides} pixels, IoU {errors.iou:.3f}")
        for warning in found.basis.warnings():
            report.note(warning)
        if found.basis.is_measured and not found.is_better:
            report.note("the nets do not beat the mean box: annotate more photos")
        if plot is not None:
            from tvcli.core.plots import plot_history

            plot_history(found.history, plot, "boxes")
        report.summary(f"{output}: {found.basis.said()}")
