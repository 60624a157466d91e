"""`tv train-rank`: encodings and triplets -> a head that ranks as it was taught."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tvcli.terminal import options, streams
from tvcli.terminal.metrics import print_learned
from tvcli.terminal.progress import reporting

StartChoice = Literal["auto", "identity", "wccn", "discriminant", "blend"]


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
        typer.Option(
            "--dim", min=1, help="Project to so many dimensions at most.  [default: keep all]"
        ),
    ] = None,
    pool: Annotated[
        str,
        options.pool(
            "auto",
            heads=True,
            help="How maps become vectors. auto tries all of them and takes the best on held-out "
            "photos.",
        ),
    ] = "auto",
    start: Annotated[
        StartChoice,
        typer.Option(
            "--start",
            help="What the head starts from: the encodings as they are (identity), whitened within "
            "what is similar (wccn), the directions that tell classes apart (discriminant), or "
            "these two together (blend). auto tries all and takes the best on held-out photos "
            "and classes.",
        ),
    ] = "auto",
    steps: Annotated[
        int,
        typer.Option(
            "--steps",
            min=0,
            help="Refine the start with the hinge loss for at most this many steps, and only while "
            "held-out photos gain; 0 does not.",
        ),
    ] = 150,
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
        Path | None,
        options.plot(
            "Write a plot of the loss, the held-out score, and how true the probabilities of "
            "held-out pairs are, to this file."
        ),
    ] = None,
    weights: options.Weights = None,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
) -> None:
    """Learn from triplets what "similar" means.

    Learns a linear map of the encodings, so that anchors come closer to their positives than to
    their negatives. Of several starts in closed form it takes the one that ranks held-out photos
    and held-out classes best, and refines it where that helps. Prints how well held-out photos are
    ranked before and after.

    \b
    Examples:
      tv train-rank photos.h5 triplets.jsonl -o rank.h5
      tv train-rank photos.h5 triplets.jsonl -o rank.h5 --dim 128 --plot rank.png
      tv train-rank photos.h5 triplets.jsonl -o rank.h5 --start discriminant --steps 0
    """
    from tvcli.core.files.own_files import check_own
    from tvcli.core.ranking.learn_rank import learn_rank
    from tvcli.core.ranking.rank_training import RankSettings

    settings = RankSettings(margin, dim, (pool,), start, steps, hold, seed)
    check_own(output, "rank head")
    with reporting(quiet=quiet) as report, streams.input_file(source) as path:
        made = streams.provenance_of([path, triplets], seed)
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
            from tvcli.core.plots import plot_history

            title = "held-out score: hinge loss, negative"
            plot_history(trained.history, plot, title, trained.reliability)
        print_learned(trained, report)
        report.summary(
            f"{trained.start.title} of {trained.start.pool} vectors, {trained.steps} steps of the "
            f"hinge loss kept"
        )
