"""`tv eval search`: an index and the truth -> metrics."""

from pathlib import Path
from typing import Annotated

import typer

from tvcli.terminal import options, streams
from tvcli.terminal.inputs import SampleOptions
from tvcli.terminal.metrics import MetricFormat, explain_metrics, print_metrics
from tvcli.terminal.progress import ReportOptions


def eval_search(
    index: Annotated[Path, typer.Argument(metavar="INDEX", help="The index to measure.")],
    *,
    queries: Annotated[
        list[str] | None,
        typer.Option(
            "--queries",
            help="The photos to search with: photos, folders, records or encodings.  [default: the "
            "index's own photos]",
        ),
    ] = None,
    truth: Annotated[
        str,
        typer.Option(
            "--truth",
            help="What says which photos belong together: folders, labels (those in the index), "
            "or a file of labels.",
        ),
    ] = "folders",
    k: Annotated[
        str, typer.Option("-k", help="Numbers of hits to measure at, separated by commas.")
    ] = "1,5,10,20",
    compare: Annotated[
        Path | None,
        typer.Option("--compare", help="Measure this index too, and show the difference."),
    ] = None,
    plot: Annotated[
        Path | None,
        options.plot("Write a plot of precision over recall, over all pairs, to this file."),
    ] = None,
    explained: Annotated[
        bool, typer.Option("--explain", help="Explain each figure on stderr.")
    ] = False,
    format: Annotated[MetricFormat | None, options.FORMAT] = None,
    root: options.PhotosRoot = None,
    weights: options.Weights = None,
    sampling: SampleOptions,
    reports: ReportOptions,
) -> None:
    """Measure how well an index finds photos that belong together.

    Photos in the same folder, or with the same label, should find each other. The query's own photo
    does not count as a hit, and queries with nothing to find are left out. --compare measures a
    second index on the same queries and shows the difference.

    \b
    Examples:
      tv eval search photos.tvx --truth folders
      tv eval search photos.tvx --queries new/ --truth labels.jsonl -k 1,10
      tv eval search photos.tvx --queries new/ --compare ranked.tvx
    """
    from tvcli.core.errors import UsageError
    from tvcli.core.searching.eval_search import Trial
    from tvcli.core.searching.eval_search import eval_search as measure
    from tvcli.core.searching.evaluation import verdict

    if not all(part.strip().isdigit() for part in k.split(",")):
        raise UsageError(f"-k {k}: ranks from 1, such as 1,5,10,20")
    ranks = tuple(int(part) for part in k.split(","))
    seed = sampling.seed
    trial = Trial(queries or [], truth, ranks, weights, seed, root, sampling.parse())
    with reports.open() as report:
        if explained:
            explain_metrics()
        paths = [index, *([compare] if compare else [])]
        found = [measure(path, trial, streams.stdin(), report) for path in paths]
        report.close()
        if plot:
            from tvcli.core.plots import plot_precision_recall

            both = zip(paths, found, strict=True)
            curves = {str(path): measured.pairs.recall_precision() for path, measured in both}
            plot_precision_recall(curves, plot, "all pairs of query and photo")
        records = found[0].compared(found[1], seed) if compare else found[0].records(seed)
        print_metrics(records, format)
        if compare:
            report.note(verdict(records, str(index), str(compare)))
        left_out = found[0].without_relevant
        report.summary(
            f"{len(found[0].queries)} queries measured, {left_out} left out (nothing to find)"
        )
