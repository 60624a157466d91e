"""`tv info`: what a file is."""

from pathlib import Path
from typing import Annotated

import typer

from tvcli.terminal.info import print_info


def info(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Files that tv wrote: .h5, .jsonl or .tvx.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Show what a file is and how it was made.

    \b
    Examples:
      tv info photos.h5
      tv info photos.tvx --json | jq .settings
    """
    from tvcli.core.info import describe

    for file in files:
        print_info(describe(file), json=json)
