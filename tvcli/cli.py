"""The `tv` command: its commands, and the one place where errors become exit statuses."""

import functools
import math
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from logging import CRITICAL, getLogger
from typing import Any

import typer
from typer.exceptions import Abort, TyperException
from typer.main import get_command

from tvcli import __version__
from tvcli.commands.annotate_boxes import annotate_boxes
from tvcli.commands.annotate_triplets import annotate_triplets
from tvcli.commands.completion import completion
from tvcli.commands.config import config
from tvcli.commands.copies import copies
from tvcli.commands.crops import crops
from tvcli.commands.dedupe import dedupe
from tvcli.commands.demo import demo
from tvcli.commands.encode import encode
from tvcli.commands.eval_boxes import eval_boxes
from tvcli.commands.eval_search import eval_search
from tvcli.commands.eval_triplets import eval_triplets
from tvcli.commands.gallery import gallery
from tvcli.commands.index import index
from tvcli.commands.info import info
from tvcli.commands.label import label
from tvcli.commands.locate import locate
from tvcli.commands.merge import merge
from tvcli.commands.same import same
from tvcli.commands.search import search
from tvcli.commands.serve import serve
from tvcli.commands.train_boxes import train_boxes
from tvcli.commands.train_classifier import train_classifier
from tvcli.commands.train_rank import train_rank
from tvcli.commands.triplets import triplets
from tvcli.core.errors import BadInput, ExitStatus, TvError, UsageError
from tvcli.core.files.own_files import replacing_anything
from tvcli.core.files.project_settings import load_settings
from tvcli.terminal.completion import COMPLETING, answer, complete_values
from tvcli.terminal.global_flags import take_global_flags
from tvcli.terminal.help import examples_first
from tvcli.terminal.logs import Log, log, logging, tell
from tvcli.terminal.option_groups import with_option_groups
from tvcli.terminal.optional_values import OptionalValues
from tvcli.terminal.settings import Settings, name_variables, tell_settings
from tvcli.terminal.signals import Terminated, end_cleanly
from tvcli.terminal.standard_files import discard_stdout, is_closed_standard_file, make_usable

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
    "label": label,
    "gallery": gallery,
    "same": same,
    "serve": serve,
    "dedupe": dedupe,
    "copies": copies,
    "info": info,
    "config": config,
    "completion": completion,
    "demo": demo,
}
# Commands of two words, such as tv eval search: a group's help, and its commands, one file each.
GROUPS: dict[str, tuple[str, dict[str, Callable[..., None]]]] = {
    "annotate": (
        "Draw boxes, or choose similar photos, in the browser.",
        {"boxes": annotate_boxes, "triplets": annotate_triplets},
    ),
    "eval": (
        "Measure how good results are against the truth.",
        {"boxes": eval_boxes, "search": eval_search, "triplets": eval_triplets},
    ),
}

app = typer.Typer(
    name="tv",
    help="Image-similarity search that you train on your own pictures.",
    epilog="tv COMMAND --help explains a command, with examples. Every option can also be set "
    "as TV_COMMAND_OPTION in the environment, or in ~/.config/tv/tv.toml; the tv.toml of a project "
    "sets how things are done, not where.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,  # tv completion SHELL prints one that knows our kinds of files
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"tv {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True),
    verbose: bool = typer.Option(
        False, "--verbose", "-v", help="Report the settings in force and the time taken, on stderr."
    ),
    log_json: bool = typer.Option(
        False, "--log-json", help="Write everything on stderr as JSON Lines, for log collectors."
    ),
    debug: bool = typer.Option(
        False, "--debug", help="Show the Python traceback when a command fails."
    ),
    force: bool = typer.Option(
        False, "--force", help="Let outputs replace files that tv did not write."
    ),
) -> None:
    """Image-similarity search that you train on your own pictures."""


class _Stopped(Exception):
    """Carries a closed pipe or an interrupt past Typer, which has its own ideas of both."""


def _guarded(command: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(command)
    def call(*arguments: Any, **options: Any) -> None:
        from tvcli.core.parallel import limit_libraries

        _check_finite(options)
        limit_libraries()
        try:
            command(*arguments, **options)
        except (BrokenPipeError, KeyboardInterrupt) as cause:
            raise _Stopped from cause

    return call


def _check_finite(options: dict[str, Any]) -> None:
    """See that no number is NaN or infinite, which passes every bound or none."""
    for name, value in options.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"--{name.replace('_', '-')} {value}: a finite number is wanted")


def _add(to: typer.Typer, name: str, command: Callable[..., None]) -> None:
    made = to.command(name, cls=OptionalValues, help=examples_first(command.__doc__))
    made(_guarded(with_option_groups(command)))


for _name in COMMANDS:
    _add(app, _name, COMMANDS[_name])
for _name, (_help, _commands) in GROUPS.items():
    if not _commands:
        continue
    _group = typer.Typer(name=_name, help=_help, no_args_is_help=True, rich_markup_mode=None)
    for _part, _command in _commands.items():
        _add(_group, _part, _command)
    app.add_typer(_group)


@functools.cache
def tv() -> Any:
    """Return the command `tv` with all of its commands, their variables and their completion."""
    command = get_command(app)
    name_variables(command)
    complete_values(command)
    return command


def main() -> None:
    """Run `tv` and end with its exit status."""
    make_usable()
    end_cleanly()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run `tv` with some arguments and return the exit status; the one error boundary."""
    warnings.filterwarnings("ignore", module="PIL")  # what is wrong with a photo is said once
    getLogger("PIL").setLevel(CRITICAL + 1)
    if os.environ.get(COMPLETING):
        answer(tv())
    arguments, wanted = take_global_flags(arguments)
    told = Log("verbose" in wanted, "log-json" in wanted, _named(arguments))
    with logging(told), replacing_anything("force" in wanted):
        try:
            return _run(arguments)
        except (_Stopped, BrokenPipeError, KeyboardInterrupt, Abort) as stopped:
            return _stop(stopped.__cause__ or stopped)
        except Exception as error:
            if "debug" in wanted:
                tell(traceback.format_exc(), level="debug", event="traceback")
            return _explain(error)


def _run(arguments: list[str]) -> int:
    """Run the command that arguments name, by the settings of the project."""
    command = tv()
    settings = Settings.of(command, load_settings())
    if settings.problems and arguments[:1] != ["config"]:
        raise BadInput(f"{settings.problems[0]} (tv config shows all settings)")
    for warning in settings.warnings(log().command):
        tell(f"tv: {warning}", level="warning", event="setting")
    if log().verbose:
        tell_settings(settings, log().command)
    result = command.main(arguments, "tv", standalone_mode=False, default_map=settings.defaults())
    sys.stdout.flush()
    return result if isinstance(result, int) else ExitStatus.DONE


def _named(arguments: list[str]) -> str:
    """Return the words of the command that arguments name, empty where they name none."""
    first, second = (*arguments, "", "")[:2]
    if first in GROUPS:
        return f"{first} {second}" if second in GROUPS[first][1] else ""
    return first if first in COMMANDS else ""


def _explain(error: Exception) -> int:
    """Print one line about an error and return its exit status."""
    if isinstance(error, TyperException):
        if message := error.format_message():
            line = message if message.startswith("Usage:") else f"tv: {message}"
            tell(line, level="error", event="error", status=int(ExitStatus.USAGE))
        return ExitStatus.USAGE
    if isinstance(error, OSError) and is_closed_standard_file(error):
        discard_stdout()
        message = "standard input or standard output is closed"
    elif isinstance(error, TvError | OSError):
        message = str(error)
    elif isinstance(error, MemoryError):
        message = "out of memory: try a smaller --batch or --size"
    else:
        message = f"not expected: {type(error).__name__}: {error} (--debug shows where)"
    status = error.status if isinstance(error, TvError) else ExitStatus.BAD_INPUT
    line = f"tv: {' '.join(message.split())}"
    tell(line, level="error", event="error", status=int(status))
    return status


def _stop(cause: BaseException) -> int:
    """End without a word when whoever reads our output has had enough (`| head`)."""
    if isinstance(cause, BrokenPipeError):
        discard_stdout()
        return ExitStatus.DONE
    asked = isinstance(cause, Terminated)
    status = ExitStatus.TERMINATED if asked else ExitStatus.INTERRUPTED
    tell(f"tv: {status.name.lower()}", level="error", event="error", status=int(status))
    return status
