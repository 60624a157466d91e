"""`tv eval search`: an index and the truth -> metrics."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tvcli.core.reports import number_of
from tvcli.terminal import options, streams
from tvcli.terminal.inputs import SampleOptions
from tvcli.terminal.metrics import MetricFormat, explain_metrics, print_compared, print_metrics
from tvcli.terminal.neighbours import NeighbourOptions
from tvcli.terminal.progress import ReportOptions

if TYPE_CHECKING:  # they bring numpy, which tv --help does without
    from tvcli.core.ranking.metrics import Values
    from tvcli.core.searching.evaluation import Measured


def eval_search(
    index: Annotated[
        Path | None,
        typer.Argument(
            metavar="INDEX",
            help="The index to measure.  [default: $TV_INDEX, else the nearest .tv/]",
        ),
    ] = None,
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
        typer.Option(
            "--compare",
            help="Measure this index too, and show how much higher its figures are than those of "
            "INDEX. INDEX itself is measured without --query-expansion and --k-reciprocal.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        options.plot(
            "Write a plot of precision over recall, over all pairs, to this file; with --calibrate "
            "of how true the probabilities are, of queries that they were not fitted on."
        ),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Fit the probability that photos belong together to the similarities, and keep "
            "it in INDEX: hits of tv search then carry a probability.",
        ),
    ] = False,
    neighbours: NeighbourOptions,
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
    second index on the same queries and shows what it gains. --calibrate writes into the index
    how probable it is, at each similarity, that two photos belong together.

    \b
    Examples:
      tv eval search --truth folders
      tv eval search photos.tvx --queries new/ --truth labels.jsonl -k 1,10
      tv eval search photos.tvx --queries new/ --compare ranked.tvx
      tv eval search photos.tvx --queries new/ --k-reciprocal 100 --compare photos.tvx
      tv eval search photos.tvx --queries new/ --calibrate --plot reliability.png
    """
    from tvcli.core.errors import UsageError
    from tvcli.core.files.project_settings import index_or_default
    from tvcli.core.searching.eval_search import Trial, compared_trials
    from tvcli.core.searching.eval_search import eval_search as measure
    from tvcli.core.searching.evaluation import verdict

    if not all(part.strip().isdigit() for part in k.split(",")):
        raise UsageError(f"-k {k}: ranks from 1, such as 1,5,10,20")
    ranks = tuple(int(part) for part in k.split(","))
    seed = sampling.seed
    asked = neighbours.parse()
    if calibrate and asked.expansion:
        raise UsageError("--calibrate: is of the queries themselves, not of --query-expansion")
    index = index_or_default(index)
    trial = Trial(queries or [], truth, ranks, weights, seed, root, sampling.parse(), asked)
    with reports.open(queries or []) as report:
        if explained:
            explain_metrics()
        trials = compared_trials(index, compare, trial)
        found = [measure(path, own, streams.stdin(), report) for _, path, own in trials]
        report.close()
        if calibrate:
            said, so = _calibrated(index, found[0])
            report.note(f"{index}: hits carry probabilities from now on")
            if plot:
                from tvcli.core.plots import plot_reliability

                plot_reliability(said, so, plot, "pairs of other queries")
        elif plot:
            from tvcli.core.plots import plot_precision_recall

            both = zip(trials, found, strict=True)
            curves = {name: each.pairs.recall_precision() for (name, _, _), each in both}
            plot_precision_recall(curves, plot, "all pairs of query and photo")
        if compare:
            names = trials[0][0], trials[1][0]
            records = found[0].compared(found[1], seed)
            print_compared(records, *names, format)
            report.note(verdict(records, *names))
        else:
            print_metrics(found[0].records(seed), format)
        left_out = found[0].without_relevant
        measured = number_of(len(found[0].queries), "query", "queries")
        report.summary(f"{measured} measured, {left_out} left out (nothing to find)")


def _calibrated(index: Path, measured: "Measured") -> "tuple[Values, Values]":
    """Keep the calibration by all queries; return the reliability of that by half of them."""
    from tvcli.core.ranking.calibration import calibrate, reliability
    from tvcli.core.searching.eval_search import keep_calibration

    keep_calibration(index, calibrate(measured.pairs))
    return reliability(calibrate(measured.halves[0]), measured.halves[1])
