"""`tv info`: what a file is."""

from pathlib import Path
from typing import Annotated

import typer

from tvcli.terminal.info import print_info


def info(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            help="Files that tv wrote: .h5, .jsonl or .tvx.  [default: $TV_INDEX, else the nearest "
            ".tv/]",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Show what a file is and how it was made.

    \b
    Examples:
      tv info
      tv info photos.h5
      tv info photos.tvx --json | jq .settings
    """
    from tvcli.core.files.project_settings import index_or_default
    from tvcli.core.info import describe

    for file in files or [index_or_default(None)]:
        print_info(describe(file), json=json)
