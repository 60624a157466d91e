"""`tv train-rank`: encodings and triplets -> a head that ranks as it was taught."""

from pathlib import Path
from typing import Annotated

import typer

from tvcli.terminal import options, streams
from tvcli.terminal.metrics import print_learned
from tvcli.terminal.progress import reporting


def train_rank(
    source: options.Encodings,
    triplets: options.Triplets,
    output: Annotated[Path, typer.Option("-o", "--output", help="The rank head (.h5) to write.")],
    margin: Annotated[
        float,
        typer.Option(
            "--margin",
            min=0,
            help="Margin of the hinge loss: by how much a positive must be more similar than a "
            "negative.",
        ),
    ] = 0.1,
    dim: Annotated[
        int | None,
        typer.Option("--dim", min=1, help="Project to this many dimensions.  [default: keep all]"),
    ] = None,
    pool: Annotated[
        str,
        options.pool(
            "auto",
            heads=True,
            help="How maps become vectors: mean or gem. auto picks what suits the backbone.",
        ),
    ] = "auto",
    epochs: Annotated[
        int, typer.Option("--epochs", min=1, help="Train for at most this many epochs.")
    ] = 20,
    hold: Annotated[
        float,
        typer.Option(
            "--hold",
            min=0,
            help="How strongly the head is kept close to where training started; higher changes "
            "less.",
        ),
    ] = 0.3,
    plot: Annotated[
        Path | None, options.plot("Write a plot of the loss and the held-out score to this file.")
    ] = None,
    weights: options.Weights = None,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
) -> None:
    """Learn from triplets what "similar" means.

    Trains a 1x1 convolution over the encodings, so that anchors come closer to their positives than
    to their negatives. Prints how well held-out photos are ranked before and after.

    \b
    Examples:
      tv train-rank photos.h5 triplets.jsonl -o rank.h5
      tv train-rank photos.h5 triplets.jsonl -o rank.h5 --dim 128 --plot rank.png
    """
    from tvcli.core.files.own_files import check_own
    from tvcli.core.files.provenance import provenance
    from tvcli.core.plots import plot_history
    from tvcli.core.ranking.learn_rank import learn_rank
    from tvcli.core.ranking.rank_training import RankSettings

    settings = RankSettings(margin, dim, pool, epochs, hold, seed)
    check_own(output, "artifact")
    with reporting(quiet=quiet) as report, streams.input_file(source) as path:
        inputs = [path, *([triplets] if str(triplets) != streams.STREAM else [])]
        made = provenance(streams.command_line(), inputs, seed)
        trained = learn_rank(
            path,
            triplets,
            output,
            settings,
            report,
            made,
            name=Path(source),
            weights=weights,
            stdin=streams.stdin(),
        )
        if plot:
            plot_history(trained.history, plot, "held-out score: hinge loss, negative")
        print_learned(trained, report)
        report.summary(f"epoch {trained.history.best} of {len(trained.history.scores) - 1} kept")
