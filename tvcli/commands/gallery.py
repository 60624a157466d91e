"""`tv gallery`: a local page to browse an index, search it and teach it."""

from pathlib import Path
from typing import Annotated

import typer

from tvcli.terminal import options
from tvcli.terminal.pages import PageOptions
from tvcli.terminal.progress import reporting


def gallery(
    *,
    indexes: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="INDEX",
            help="The index to show, or two to compare side by side.  [default: $TV_INDEX, else "
            "the nearest .tv/]",
        ),
    ] = None,
    clicks: Annotated[
        Path | None,
        typer.Option(
            "--clicks",
            help="The file that your yes and no clicks are saved in.  [default: beside the index]",
        ),
    ] = None,
    root: options.PhotosRoot = None,
    pages: PageOptions,
) -> None:
    """Browse and search an index in the browser.

    Click a photo to search with it; drop, paste or choose a file; drag a region on a photo. Say yes
    or no to hits to refine the search, and save your answers as clicks for tv triplets. Ctrl-C
    stops the server.

    \b
    Examples:
      tv gallery photos.tvx
      tv gallery before.tvx after.tvx
      tv gallery photos.tvx --port 8000 --no-open
    """
    from tvcli.serve.pages import open_gallery

    with (
        reporting() as report,
        open_gallery(
            indexes or [], clicks, root, pages.allowed, beyond=pages.is_beyond, report=report
        ) as app,
    ):
        pages.serve(app)
