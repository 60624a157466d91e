"""`tv config`: every setting, its value, and where it comes from."""

from typing import Annotated

import typer

from tvcli.core.errors import BadInput
from tvcli.terminal import options
from tvcli.terminal.metrics import MetricFormat
from tvcli.terminal.settings import Settings, print_settings, unknown_variables


def config(
    context: typer.Context,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="COMMAND", help="Show only this command, such as eval search."),
    ] = None,
    every: Annotated[
        bool,
        typer.Option(
            "--all",
            help="In a table, also show the options that are at their default; JSON Lines always "
            "have them.",
        ),
    ] = False,
    format: Annotated[MetricFormat | None, options.FORMAT] = None,
) -> None:
    """Show every setting, its value, and where it comes from.

    An option's value comes from its flag, else from the variable TV_COMMAND_OPTION, else from
    tv.toml in the current folder or above it, else from your own ~/.config/tv/tv.toml, else from
    the default. A folder's tv.toml may have come with it, so it only says how things are done:
    places to write, addresses, databases and files elsewhere are shown here as refused. A mistake
    in tv.toml is an error (exit status 3), reported after the settings. TV_ variables that no
    command reads are named on stderr.

    \b
    Examples:
      tv config
      tv config --all search
      tv config search | jq 'select(.source != "default")'
    """
    from tvcli.core.files.project_settings import load_settings
    from tvcli.terminal.logs import tell

    settings = Settings.of(context.find_root().command, load_settings())
    wanted = " ".join(command or [])
    print_settings(settings, wanted, format, every=every)
    for line in unknown_variables(settings.root):
        tell(f"warning: {line}", level="warning")
    for problem in settings.problems[1:]:
        tell(problem, level="error", event="error")
    if settings.problems:
        raise BadInput(settings.problems[0])
