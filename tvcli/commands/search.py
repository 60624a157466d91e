"""`tv search`: queries -> hits."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tvcli.core.errors import ExitStatus
from tvcli.terminal import options, streams
from tvcli.terminal.hits import HitFormat, print_hits
from tvcli.terminal.neighbours import NeighbourOptions
from tvcli.terminal.progress import ReportOptions
from tvcli.terminal.verification import VerificationOptions


def search(
    *,
    queries: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUERY",
            help="Photos to search with, or folders, lists or records of them; - for stdin.",
        ),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            "-i",
            "--index",
            envvar="TV_INDEX",
            help="The index to search.  [default: $TV_INDEX, else the nearest .tv/]",
        ),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Number of hits for each query.")] = 10,
    box: Annotated[
        str | None,
        typer.Option(
            "--box", help="Search with this part of the query only: x0,y0,x1,y1 in pixels."
        ),
    ] = None,
    item: Annotated[
        list[str] | None,
        typer.Option(
            "--item", help="Search with a photo that is in the index, named as there. Repeatable."
        ),
    ] = None,
    like: Annotated[
        list[str] | None,
        typer.Option(
            "--like",
            metavar="PHOTO[:WEIGHT]",
            help="Search for photos like this one, which counts by its weight (1 if not said). "
            "Repeatable.",
        ),
    ] = None,
    unlike: Annotated[
        list[str] | None,
        typer.Option(
            "--unlike",
            metavar="PHOTO[:WEIGHT]",
            help="Search for photos unlike this one, by its weight. Repeatable.",
        ),
    ] = None,
    min_score: Annotated[
        float | None, typer.Option("--min-score", help="Leave out hits with a lower similarity.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="COND",
            help="Search only photos that meet this condition, such as label=dress, label!=shoe or "
            "image^=shop/. Repeatable; all conditions must hold.",
        ),
    ] = None,
    distinct: Annotated[
        bool,
        typer.Option(
            "--distinct",
            help="Of files with the same content show one as a hit, and list the others in it.",
        ),
    ] = False,
    format: Annotated[HitFormat | None, options.FORMAT] = None,
    rerank: Annotated[
        int | None,
        typer.Option(
            "--rerank",
            min=1,
            help="Reorder the first N hits by comparing their dense maps (needs tv index --maps).",
        ),
    ] = None,
    neighbours: NeighbourOptions,
    effort: Annotated[
        int | None,
        typer.Option(
            "--effort",
            min=1,
            help="Search budget of annoy and faiss: higher finds more and takes longer.  "
            "[default: measured]",
        ),
    ] = None,
    locate: Annotated[
        bool | None,
        typer.Option(
            "--locate/--no-locate",
            help="Find the object in the query first, and search with that.  [default: as the "
            "index was made]",
        ),
    ] = None,
    metric: Annotated[
        Literal["cosine", "euclidean"],
        typer.Option(
            "--metric",
            envvar="TV_METRIC",
            help="How similarity is computed; euclidean means 1/(1 + distance).",
        ),
    ] = "cosine",
    explain: Annotated[
        Path | None,
        typer.Option("--explain", help="Draw what made each hit similar, into this folder."),
    ] = None,
    cam: Annotated[
        bool, typer.Option("--cam", help="With --explain: also draw class activation maps.")
    ] = False,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            help="Trust this database from now on, which an index made elsewhere names.",
        ),
    ] = None,
    verification: VerificationOptions,
    root: options.PhotosRoot = None,
    weights: options.Weights = None,
    device: options.Device = "auto",
    allow: options.Allow = None,
    null: options.Null = False,
    reports: ReportOptions,
) -> None:
    """Find the photos most similar to a query.

    A query is a photo, a part of a photo (--box), a photo in the index (--item), or a set of
    examples (--like, --unlike). Similarity is the cosine: 1.0 for the same picture. --metric
    euclidean changes that. The exit status is 1 if nothing was found.

    \b
    Examples:
      tv search img.jpg
      tv search img.jpg --locate
      tv search img.jpg --where label=dress --where 'image^=shop/'
      tv search img.jpg --box 40,60,200,320 -k 5 --format jsonl | jq .image
      cat img.jpg | tv search - -i photos.tvx
      tv search --like a.jpg:2 --like b.jpg --unlike c.jpg:0.5
      tv search img.jpg --format paths -0 | xargs -0 ls -l
      tv search img.jpg --min-probability 0.8
      tv search img.jpg --query-expansion 5
      tv search img.jpg --k-reciprocal 100
      tv search img.jpg --explain why/ --format html > hits.html
      tv search copy.jpg --verify && echo "the same picture is here"
    """
    from tvcli.core.files.sources import is_photo_name, roots_of
    from tvcli.core.searching.hits import SearchSettings
    from tvcli.core.searching.search import SearchRequest, find_hits

    if database is not None:
        from tvcli.core.engines.postgres import without_password
        from tvcli.core.files.trusted import remember

        remember("database", without_password(database))
    request = SearchRequest(
        queries=queries or [],
        items=item or [],
        likes=like or [],
        unlikes=unlike or [],
        box=box,
        settings=SearchSettings(
            k=k,
            min_score=min_score,
            budget=effort,
            rerank=rerank,
            locate=locate,
            metric=metric,
            where=where or [],
            verification=verification.parse(),
            explain=explain,
            cam=cam,
            distinct=distinct,
            neighbours=neighbours.parse(),
            min_probability=verification.least_probability,
        ),
        root=root,
        weights=weights,
        device=device,
    )
    with reports.open(queries or []) as report:
        if (null and format not in (None, "paths")) and all(
            is_photo_name(query) or Path(query).is_dir() for query in queries or []
        ):
            report.note(
                f"warning: -0 is for --format paths, and for lists: {format} is as without it"
            )
        hits = find_hits(request, index, stdin=streams.stdin(), null=null, report=report)
        found = print_hits(
            hits, format, null=null, allow=[*roots_of(queries or []), *(allow or [])]
        )
    if not found:
        raise typer.Exit(ExitStatus.NOTHING_FOUND)
