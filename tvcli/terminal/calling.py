"""A command of Typer called as a function, of which all that it raises is seen."""

from collections.abc import Sequence
from typing import Any

import typer


def call(command: Any, arguments: Sequence[str], **settings: Any) -> int:
    """Call `tv`, or a command of it, with some arguments; return its exit status.

    Typer's own `main` takes a closed pipe for an error, and makes 130 without a word of every
    interrupt, of SIGTERM as well.
    """
    try:
        with command.make_context("tv", list(arguments), **settings) as context:
            result = command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    return result if isinstance(result, int) else 0
