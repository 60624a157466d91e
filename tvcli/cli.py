"""The `tv` command: its commands, and the one place where errors become exit statuses."""

import functools
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import typer
from typer.exceptions import Abort, TyperException
from typer.main import get_command

from tvcli import __version__
from tvcli.commands.annotate_boxes import annotate_boxes
from tvcli.commands.annotate_triplets import annotate_triplets
from tvcli.commands.copies import copies
from tvcli.commands.crops import crops
from tvcli.commands.demo import demo
from tvcli.commands.encode import encode
from tvcli.commands.eval_boxes import eval_boxes
from tvcli.commands.eval_search import eval_search
from tvcli.commands.eval_triplets import eval_triplets
from tvcli.commands.gallery import gallery
from tvcli.commands.index import index
from tvcli.commands.info import info
from tvcli.commands.locate import locate
from tvcli.commands.merge import merge
from tvcli.commands.search import search
from tvcli.commands.train_boxes import train_boxes
from tvcli.commands.train_classifier import train_classifier
from tvcli.commands.train_rank import train_rank
from tvcli.commands.triplets import triplets
from tvcli.core.config import load_settings, settings_for
from tvcli.core.errors import ExitStatus, TvError

COMMANDS: dict[str, Callable[..., None]] = {
    "crops": crops,
    "encode": encode,
    "train-classifier": train_classifier,
    "train-boxes": train_boxes,
    "locate": locate,
    "triplets": triplets,
    "train-rank": train_rank,
    "index": index,
    "merge": merge,
    "search": search,
    "gallery": gallery,
    "copies": copies,
    "info": info,
    "demo": demo,
}
# Commands of two words, such as tv eval search: a group's help, and its commands, one file each.
GROUPS: dict[str, tuple[str, dict[str, Callable[..., None]]]] = {
    "annotate": (
        "Say what is where, and what is similar, in the browser.",
        {"boxes": annotate_boxes, "triplets": annotate_triplets},
    ),
    "eval": (
        "Measure against the truth.",
        {"boxes": eval_boxes, "search": eval_search, "triplets": eval_triplets},
    ),
}

app = typer.Typer(
    name="tv",
    help="Image-similarity search that you train on your own pictures.",
    epilog="Each command explains itself: tv COMMAND --help. Every option can also be set as "
    "TV_COMMAND_OPTION in the environment, or in tv.toml.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "TV"},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"tv {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """Image-similarity search that you train on your own pictures."""


class _Stopped(Exception):
    """Carries a closed pipe or an interrupt past Typer, which has its own ideas of both."""


def _guarded(command: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(command)
    def call(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except (BrokenPipeError, KeyboardInterrupt) as cause:
            raise _Stopped from cause

    return call


for _name in COMMANDS:
    app.command(_name)(_guarded(COMMANDS[_name]))
for _name, (_help, _commands) in GROUPS.items():
    if not _commands:
        continue
    _group = typer.Typer(name=_name, help=_help, no_args_is_help=True, rich_markup_mode=None)
    for _part, _command in _commands.items():
        _group.command(_part)(_guarded(_command))
    app.add_typer(_group)


def _quiet_help(command: Any) -> Any:
    """Leave the TV_* names out of --help: each option has one, so one sentence tells them all."""
    for parameter in command.params:
        parameter.show_envvar = False
    for part in getattr(command, "commands", {}).values():
        _quiet_help(part)
    return command


def _defaults() -> dict[str, Any]:
    """Return what tv.toml sets, command by command; `[eval.search]` is for `tv eval search`."""
    settings = load_settings()
    shared = {key: value for key, value in settings.items() if not isinstance(value, dict)}
    groups = {
        name: settings_for(list(commands), shared | settings.get(name, {}))
        for name, (_, commands) in GROUPS.items()
    }
    return settings_for(list(COMMANDS), settings) | groups


def main() -> None:
    """Run `tv` and end with its exit status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run `tv` with some arguments and return the exit status; the one error boundary."""
    warnings.filterwarnings("ignore", module="PIL")  # what is wrong with a photo is said once
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        command = _quiet_help(get_command(app))
        result = command.main(arguments, "tv", standalone_mode=False, default_map=_defaults())
        sys.stdout.flush()
    except (_Stopped, BrokenPipeError, KeyboardInterrupt, Abort) as stopped:
        return _stop(stopped.__cause__ or stopped)
    except Exception as error:
        if debug:
            traceback.print_exc()
        return _explain(error)
    return result if isinstance(result, int) else ExitStatus.DONE


def _explain(error: Exception) -> int:
    """Print one line about an error and return its exit status."""
    if isinstance(error, TyperException):
        if message := error.format_message():
            print(message if message.startswith("Usage:") else f"tv: {message}", file=sys.stderr)
        return ExitStatus.USAGE
    if isinstance(error, TvError | OSError):
        message = str(error)
    elif isinstance(error, MemoryError):
        message = "out of memory: try a smaller --batch or --size"
    else:
        message = f"not expected: {type(error).__name__}: {error} (--debug shows where)"
    print(f"tv: {' '.join(message.split())}", file=sys.stderr)
    return error.status if isinstance(error, TvError) else ExitStatus.BAD_INPUT


def _stop(cause: BaseException) -> int:
    """End without a word when whoever reads our output has had enough (`| head`)."""
    if isinstance(cause, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.DONE
    print("tv: interrupted", file=sys.stderr)
    return ExitStatus.INTERRUPTED
