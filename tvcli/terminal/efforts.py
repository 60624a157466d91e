"""How much is looked at to find objects, as a command line says it."""

from typing import TYPE_CHECKING, Annotated

import typer

from tvcli.core.errors import UsageError
from tvcli.terminal.option_groups import OptionGroup

if TYPE_CHECKING:
    from tvcli.core.location.efforts import EffortName


class EffortOptions(OptionGroup):
    """Options of commands that find objects in photos."""

    fast: Annotated[
        bool,
        typer.Option("--fast", help="Find objects without zooming in: faster, rougher boxes."),
    ] = False
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough",
            help="Search every photo at three sizes and zoom in twice: about seven times as slow.",
        ),
    ] = False

    def effort(self) -> "EffortName":
        """Return what is asked for; raises UsageError for both."""
        if self.fast and self.thorough:
            raise UsageError("--fast and --thorough: one at a time")
        return "fast" if self.fast else "thorough" if self.thorough else "normal"
