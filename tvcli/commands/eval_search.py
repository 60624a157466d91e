"""`tv eval search`: an index and the truth -> figures."""

from pathlib import Path
from typing import Annotated

import typer

from tvcli.terminal import options, streams
from tvcli.terminal.metrics import FigureFormat, explain, print_figures
from tvcli.terminal.progress import reporting


def eval_search(
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="The .tvx to measure.")],
    queries: Annotated[
        list[str] | None,
        typer.Option(
            "--queries", help="Photos, a folder, records or encodings.  [default: its own photos]"
        ),
    ] = None,
    truth: Annotated[
        str,
        typer.Option("--truth", help="folders, labels (as recorded), or a file of labels."),
    ] = "folders",
    k: Annotated[str, typer.Option("-k", help="Ranks to look at, with commas.")] = "1,5,10,20",
    compare: Annotated[
        Path | None, typer.Option("--compare", help="Measure this index too: what differs?")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Draw precision over recall of all pairs here.")
    ] = None,
    explained: Annotated[
        bool, typer.Option("--explain", help="Say what each figure means, on stderr.")
    ] = False,
    format: Annotated[
        FigureFormat | None,
        typer.Option("--format", help="[default: table on a terminal, else jsonl]"),
    ] = None,
    root: options.PhotosRoot = None,
    weights: options.Weights = None,
    limit: options.Limit = None,
    sample: options.Sampled = None,
    seed: options.Seed = 0,
    errors: options.Errors = None,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure how well an index finds what belongs together.

    Photos of the same folder, or the same label, should find each other. A query's own photo is
    left out, and so is a query with nothing to find. With --compare the difference is that of the
    other index from this one, query by query.

    \b
    Examples:
      tv eval search photos.tvx --truth folders
      tv eval search photos.tvx --queries new/ --truth labels.jsonl -k 1,10
      tv eval search photos.tvx --queries new/ --compare ranked.tvx
    """
    from tvcli.core.errors import UsageError
    from tvcli.core.files.sampling import parse_sample
    from tvcli.core.searching.eval_search import Trial
    from tvcli.core.searching.eval_search import eval_search as measure

    if not all(part.strip().isdigit() for part in k.split(",")):
        raise UsageError(f"-k {k}: ranks from 1, such as 1,5,10,20")
    ranks = tuple(int(part) for part in k.split(","))
    wanted = parse_sample(limit, sample, seed)
    trial = Trial(queries or [], truth, ranks, weights, seed, root, wanted)
    with reporting(strict=strict, quiet=quiet, errors=errors) as report:
        if explained:
            explain()
        paths = [index, *([compare] if compare else [])]
        found = [measure(path, trial, streams.stdin(), report) for path in paths]
        report.close()
        if plot:
            from tvcli.core.plots import plot_precision_recall

            both = zip(paths, found, strict=True)
            curves = {str(path): measured.pairs.recall_precision() for path, measured in both}
            plot_precision_recall(curves, plot, "all pairs of query and photo")
        print_figures(
            found[0].compared(found[1], seed) if compare else found[0].records(seed), format
        )
        left_out = found[0].without_relevant
        report.summary(
            f"{len(found[0].queries)} queries measured, {left_out} left out (nothing to find)"
        )
