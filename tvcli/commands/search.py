"""`tv search`: queries -> hits."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tvcli.core.errors import ExitStatus
from tvcli.terminal import options, streams
from tvcli.terminal.hits import HitFormat, print_hits
from tvcli.terminal.progress import reporting


def search(
    queries: Annotated[
        list[str] | None,
        typer.Argument(metavar="QUERY", help="Photos, folders, lists or records; - for stdin"),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            "-i",
            "--index",
            envvar="TV_INDEX",
            help="The index.  [default: $TV_INDEX, else the nearest .tv/]",
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Hits for each query.")] = 10,
    box: Annotated[
        str | None, typer.Option("--box", help="Search with this part: x0,y0,x1,y1 in pixels.")
    ] = None,
    item: Annotated[
        list[str] | None, typer.Option("--item", help="Search with a photo of the index.")
    ] = None,
    like: Annotated[
        list[str] | None, typer.Option("--like", help="Search near this photo too; repeatable.")
    ] = None,
    unlike: Annotated[
        list[str] | None, typer.Option("--unlike", help="Search away from it; repeatable.")
    ] = None,
    min_score: Annotated[
        float | None, typer.Option("--min-score", help="Leave out hits less similar than this.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="COND",
            help="Only photos with label=dress, label!=shoe or image^=shop/; repeatable: all.",
        ),
    ] = None,
    format: Annotated[
        HitFormat | None,
        typer.Option("--format", help="[default: table on a terminal, else jsonl]"),
    ] = None,
    rerank: Annotated[
        int | None,
        typer.Option("--rerank", min=1, help="Order the first N by their maps (tv index --maps)."),
    ] = None,
    effort: Annotated[
        int | None,
        typer.Option("--effort", min=1, help="How hard annoy or faiss looks.  [default: measured]"),
    ] = None,
    locate: Annotated[
        bool | None,
        typer.Option(
            "--locate/--no-locate",
            help="Find the object in the query first.  [default: as the index's photos were]",
            show_default=False,
        ),
    ] = None,
    metric: Annotated[
        Literal["cosine", "euclidean"],
        typer.Option("--metric", envvar="TV_METRIC", help="euclidean: similarity is 1/(1 + d)."),
    ] = "cosine",
    explain: Annotated[
        Path | None,
        typer.Option("--explain", help="Draw into this folder what made each hit similar."),
    ] = None,
    cam: Annotated[
        bool, typer.Option("--cam", help="With --explain: class activation maps too.")
    ] = False,
    verify: options.Verify = None,
    threshold: options.Thresholds = None,
    method: options.Method = None,
    model: options.Model = None,
    shortlist: options.Shortlist = None,
    unverified: options.Unverified = False,
    by_inliers: options.ByInliers = False,
    root: options.PhotosRoot = None,
    weights: options.Weights = None,
    device: options.Device = "auto",
    null: options.Null = False,
    errors: options.Errors = None,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
) -> None:
    """Find the photos most similar to a query.

    A query is a photo, a part of one (--box), a photo of the index (--item) or examples (--like,
    --unlike). Similarity is the cosine, 1.0 for the same picture, unless --metric is given.
    Exit status 1: nothing found.

    \b
    Examples:
      tv search img.jpg
      tv search img.jpg --locate
      tv search img.jpg --where label=dress --where 'image^=shop/'
      tv search img.jpg --box 40,60,200,320 -k 5 --format jsonl | jq .image
      cat img.jpg | tv search - -i photos.tvx
      tv search --like a.jpg --like b.jpg --unlike c.jpg
      tv search img.jpg --format paths -0 | xargs -0 ls -l
      tv search img.jpg --explain why/ --format html > hits.html
      tv search copy.jpg --verify default && echo "the same picture is here"
    """
    from tvcli.core.matching.decision import asked_verification
    from tvcli.core.searching.search import SearchRequest, find_hits

    request = SearchRequest(
        queries=queries or [],
        items=item or [],
        likes=like or [],
        unlikes=unlike or [],
        box=box,
        k=k,
        min_score=min_score,
        effort=effort,
        rerank=rerank,
        locate=locate,
        root=root,
        weights=weights,
        device=device,
        metric=metric,
        where=where or [],
        explain=explain,
        cam=cam,
        verification=asked_verification(
            verify,
            threshold or (),
            method=method,
            model=model,
            shortlist=shortlist,
            unverified=unverified,
            by_inliers=by_inliers,
        ),
    )
    with reporting(strict=strict, quiet=quiet, errors=errors) as report:
        hits = find_hits(request, index, stdin=streams.stdin(), null=null, report=report)
        found = print_hits(hits, format, null=null)
    if not found:
        raise typer.Exit(ExitStatus.NOTHING_FOUND)
