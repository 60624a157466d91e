"""`tv annotate triplets`: a local page to say what is more similar to what."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tvcli.terminal import options
from tvcli.terminal.pages import announcer


def annotate_triplets(
    output: Annotated[Path, typer.Option("-o", "--output", help="The triplets, as JSON Lines.")],
    index: Annotated[
        Path | None,
        typer.Argument(metavar="INDEX", help="[default: $TV_INDEX, else the nearest .tv/]"),
    ] = None,
    order: Annotated[
        Literal["uncertain", "random"],
        typer.Option("--order", help="uncertain: first where the order is wrong or hardly right."),
    ] = "uncertain",
    seed: options.Seed = 0,
    host: options.Host = "127.0.0.1",
    port: options.Port = 0,
    no_open: options.NoOpen = False,
) -> None:
    """Choose a similar and another photo for references, in the browser.

    What is chosen is saved at once; tv triplets --clicks reads it. Ctrl-C ends it.

    \b
    Examples:
      tv annotate triplets photos.tvx -o clicks.jsonl
      tv annotate triplets photos.tvx -o clicks.jsonl --order random
    """
    from tvcli.serve.pages import open_triplet_editor
    from tvcli.serve.server import serve

    with open_triplet_editor(index, output, order, seed) as app:
        serve(app, host, port, announcer(open_browser=not no_open))
