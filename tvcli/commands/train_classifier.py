"""`tv train-classifier`: encoded crops -> a head that tells the object from the background."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tvcli.core.reports import number_of
from tvcli.terminal import options, streams
from tvcli.terminal.progress import reporting

if TYPE_CHECKING:
    from tvcli.core.location.verifier_training import Verification


def train_classifier(
    crops: options.EncodedCrops,
    output: Annotated[
        str, typer.Option("-o", "--output", help="The classifier head (.h5) to write.")
    ],
    plot: Annotated[
        Path | None,
        options.plot("Write a plot of the loss and of precision over recall to this file."),
    ] = None,
    distractors: Annotated[
        bool | None,
        typer.Option(
            "--distractors/--no-distractors",
            help="Learn from what mini sees in 500 photos of as many kinds of things, too, so that "
            "these are not taken for the object.  [default: if tv crops was given photos without "
            "the object]",
        ),
    ] = None,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
) -> None:
    """Learn to tell the object from the background.

    Trains on object and background crops, and stops early when the held-out photos no longer
    improve, if there are at least five. Prints accuracy, precision and recall on the held-out
    photos, and the threshold that tv locate will use.

    If tv crops was given photos without the object, it also learns to tell the object, seen from
    close by, from what those photos show, and from 500 kinds of things that ship with mini (with
    other backbones, at least five photos are needed). tv locate then drops boxes of other things.
    The threshold is chosen so that 1 of 20 photos with the object is missed. --distractors does so
    without any photos of yours. If the boxes have several labels, it learns to tell these apart,
    and tv locate names what it finds.

    \b
    Examples:
      tv train-classifier crops.h5 -o classifier.h5 --plot classifier.png
    """
    from tvcli.core.location.location_heads import teach_classifier

    with (
        reporting(quiet=quiet) as report,
        streams.input_file(crops) as path,
        streams.output_file(output, "classifier head") as target,
    ):
        made = streams.provenance_of([crops], seed)
        found = teach_classifier(
            path, target, made, seed=seed, report=report, distractors=distractors
        )
        quality = found.quality
        if found.basis.is_measured:
            photos = number_of(found.basis.held_out_photos, "held-out photo")
            report.note(
                f"on {number_of(found.basis.held_out_crops, 'crop')} of {photos}: "
                f"accuracy {quality.accuracy:.3f}, precision {quality.precision:.3f}, "
                f"recall {quality.recall:.3f} at threshold {quality.threshold:.3f}"
            )
        if (verified := found.verification) is not None:
            report.note(f"by cross-validation, {_said(verified)}")
        if (named := found.naming) is not None:
            each = ", ".join(f"{label} {share:.1%}" for label, share in named.recalls.items())
            report.note(f"by cross-validation, labels are right in {named.accuracy:.1%}: {each}")
        for warning in found.basis.warnings():
            report.note(warning)
        if plot is not None:
            from tvcli.core.plots import plot_history, plot_precision_recall

            plot_history(found.history, plot, "target against background")
            beside = plot.with_name(f"{plot.stem}-precision-recall{plot.suffix}")
            plot_precision_recall({"classifier": found.curve}, beside, "held-out crops")
        report.summary(f"{output}: {found.basis.said()}")


def _said(verified: "Verification") -> str:
    """Return how well photos are told apart, as a person reads it."""
    missed = f"{verified.lost:.1%} of {verified.photos} photos with the object are missed"
    others = [
        f"{share:.1%} of {count} {kind}"
        for share, count, kind in (
            (verified.false, verified.others, "photos without it"),
            (verified.taken, verified.distractors, "distractors"),
        )
        if count
    ]
    return f"{missed}, and {' and '.join(others)} get a box"
