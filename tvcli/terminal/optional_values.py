"""Options that may stand without a value, which Typer's cannot: `--verify` means its default."""

from typing import Any

from typer.core import TyperCommand

DEFAULTS = {"--verify": ("default", "scalable")}  # the values; the first is meant without one


class OptionalValues(TyperCommand):
    """A command whose options of `DEFAULTS` need no value: what follows is another argument."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments, the values that are not there filled in."""
        return super().parse_args(ctx, filled_in(args))


def filled_in(arguments: list[str]) -> list[str]:
    """Return arguments with the first value after an option of `DEFAULTS` that has none."""
    found: list[str] = []
    ended = False
    for place, argument in enumerate(arguments):
        found.append(argument)
        ended = ended or argument == "--"
        values = DEFAULTS.get(argument)
        if values and not ended and arguments[place + 1 : place + 2] not in [[v] for v in values]:
            found.append(values[0])
    return found
