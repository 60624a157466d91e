"""`tv demo`: the whole chain on pictures it draws itself."""

from pathlib import Path
from typing import Annotated

import typer

from tvcli.terminal import options


def demo(
    folder: Annotated[Path, typer.Argument(help="Where to draw and work.")] = Path("tv-demo"),
    seed: options.Seed = 0,
) -> None:
    """Draw."""
