"""`tv annotate triplets`: a local page to say what is more similar to what."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tvcli.terminal import options
from tvcli.terminal.pages import PageOptions


def annotate_triplets(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The .jsonl file to save your choices in.")
    ],
    *,
    index: Annotated[
        Path | None,
        typer.Argument(
            metavar="INDEX",
            help="The index with the photos.  [default: $TV_INDEX, else the nearest .tv/]",
        ),
    ] = None,
    order: Annotated[
        Literal["uncertain", "random"],
        typer.Option(
            "--order",
            help="uncertain asks first about photos that the index orders wrongly or only just "
            "right.",
        ),
    ] = "uncertain",
    seed: options.Seed = 0,
    pages: PageOptions,
) -> None:
    """Choose similar and dissimilar photos, in the browser.

    The page shows photo after photo; for each, choose one that is similar and one that is not.
    Every choice is saved at once; tv triplets --clicks reads the file. Ctrl-C stops the server.

    \b
    Examples:
      tv annotate triplets photos.tvx -o clicks.jsonl
      tv annotate triplets photos.tvx -o clicks.jsonl --order random
    """
    from tvcli.serve.pages import open_triplet_editor

    with open_triplet_editor(
        index, output, order, seed, pages.allowed, beyond=pages.is_beyond
    ) as app:
        pages.serve(app)
