"""`tv annotate triplets`: a local page to say what is more similar to what."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tvcli.terminal import options
from tvcli.terminal.pages import announcer


def annotate_triplets(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The .jsonl file to save your choices in.")
    ],
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
    allow: options.Allow = None,
    host: options.Host = "127.0.0.1",
    port: options.Port = 0,
    no_open: options.NoOpen = False,
) -> None:
    """Choose, for photo after photo, one that is similar and one that is not.

    The page opens in the browser. Every choice is saved at once; tv triplets --clicks reads the
    file. Ctrl-C stops the server.

    \b
    Examples:
      tv annotate triplets photos.tvx -o clicks.jsonl
      tv annotate triplets photos.tvx -o clicks.jsonl --order random
    """
    from tvcli.serve.pages import open_triplet_editor
    from tvcli.serve.server import is_beyond, serve

    with open_triplet_editor(
        index, output, order, seed, allow or (), beyond=is_beyond(host)
    ) as app:
        serve(app, host, port, announcer(host=host, open_browser=not no_open))
