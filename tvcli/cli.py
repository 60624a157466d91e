"""The `tv` command: its commands, and the one place where errors become exit statuses."""

import errno
import functools
import math
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from importlib import import_module
from logging import CRITICAL, getLogger
from pathlib import Path
from typing import Any

import typer
from typer.exceptions import TyperException
from typer.main import get_command

from tvcli import __version__
from tvcli.core.errors import BadInput, ExitStatus, TvError, UsageError, without_torch
from tvcli.core.files.own_files import replacing_anything
from tvcli.core.files.project_settings import load_settings
from tvcli.terminal.calling import call
from tvcli.terminal.completion import COMPLETING, answer, complete_values
from tvcli.terminal.global_flags import take_global_flags
from tvcli.terminal.help import examples_first
from tvcli.terminal.logs import Log, log, logging, tell
from tvcli.terminal.option_groups import with_option_groups
from tvcli.terminal.optional_values import OptionalValues
from tvcli.terminal.plain_values import convert_plainly
from tvcli.terminal.settings import Settings, name_variables, tell_settings
from tvcli.terminal.signals import interrupt_of, status_of
from tvcli.terminal.standard_files import discard_stdout, is_closed_standard_file, make_usable

# The function of each lies in a module of its name, which is imported when it is asked for. What
# most people begin with comes first in the help.
COMMANDS = (
    "index",
    "search",
    "label",
    "gallery",
    "same",
    "dedupe",
    "serve",
    "copies",
    "crops",
    "encode",
    "train-classifier",
    "train-boxes",
    "locate",
    "triplets",
    "train-rank",
    "merge",
    "info",
    "config",
    "completion",
    "demo",
)
# Commands of two words, such as tv eval search: a group's help, and its commands.
GROUPS = {
    "annotate": ("Draw boxes, or choose similar photos, in the browser.", ("boxes", "triplets")),
    "eval": ("Measure how good results are against the truth.", ("boxes", "search", "triplets")),
}
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # a full disk, a quota, ulimit -f
OF_OTHERS = ("config", "demo")  # commands that look at the others, or run them


def _version(wanted: bool) -> None:
    if wanted:
        print(f"tv {__version__}")
        raise typer.Exit


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


def _guarded(command: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(command)
    def call(*arguments: Any, **options: Any) -> None:
        from tvcli.core.parallel import limit_libraries

        _check_finite(options)
        limit_libraries()
        command(*arguments, **options)

    return call


def _check_finite(options: dict[str, Any]) -> None:
    """See that no number is NaN or infinite, which passes every bound or none."""
    for name, value in options.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"--{name.replace('_', '-')} {value}: a finite number is wanted")


def function_of(*words: str) -> Callable[..., None]:
    """Return the function of the command that some words name."""
    name = "_".join(words).replace("-", "_")
    found: Callable[..., None] = getattr(import_module(f"tvcli.commands.{name}"), name)
    return found


def _add(to: typer.Typer, *words: str) -> None:
    command = function_of(*words)
    about = examples_first(command.__doc__)
    in_short = about.split("\n\n")[0].replace("\n", " ")  # whole: by itself it is cut off
    made = to.command(words[-1], cls=OptionalValues, help=about, short_help=in_short)
    made(_guarded(with_option_groups(command)))


def _app(words: tuple[str, ...]) -> typer.Typer:
    """Return tv as Typer takes it, with the command that some words name, or with all for none."""
    app = typer.Typer(
        name="tv",
        help="Image-similarity search that you train on your own pictures.",
        epilog="tv COMMAND --help explains a command, with examples. Every option can also be set "
        "as TV_COMMAND_OPTION in the environment, or in ~/.config/tv/tv.toml; the tv.toml of a "
        "project sets how things are done, not where.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        add_completion=False,  # tv completion SHELL prints one that knows our kinds of files
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for name in COMMANDS:
        if words in ((), (name,)):
            _add(app, name)
    for name, (about, commands) in GROUPS.items():
        if words and words[0] != name:
            continue
        group = typer.Typer(name=name, help=about, no_args_is_help=True, rich_markup_mode=None)
        for command in commands:
            if words in ((), (name, command)):
                _add(group, name, command)
        app.add_typer(group)
    return app


@functools.cache
def tv(*words: str) -> Any:
    """Return `tv` with all of its commands, their variables and their completion.

    With the words of a command it has no other: to import and to make all takes longer than a
    search.
    """
    command = get_command(_app(words))
    name_variables(command)
    complete_values(command)
    convert_plainly(command)
    return command


def main() -> None:
    """Run `tv` and end with its exit status."""
    make_usable()
    try:
        status = run(sys.argv[1:])
    except KeyboardInterrupt as stopped:  # before or after what `run` guards
        status = _stop(stopped)
    sys.exit(status)


def run(arguments: list[str]) -> int:
    """Run `tv` with some arguments and return the exit status; the one error boundary."""
    warnings.filterwarnings("ignore", module="PIL")  # what is wrong with a photo is said once
    getLogger("PIL").setLevel(CRITICAL + 1)
    if os.environ.get(COMPLETING):
        answer(tv())
    arguments, wanted = take_global_flags(arguments)
    if arguments[:1] == ["help"]:  # as of git
        arguments = [*arguments[1:], "--help"]
    told = Log("verbose" in wanted, "log-json" in wanted, _named(arguments))
    with logging(told), replacing_anything("force" in wanted):
        try:
            return _run(arguments)
        except (BrokenPipeError, KeyboardInterrupt) as stopped:
            return _stop(stopped)
        except Exception as error:
            if interrupt := interrupt_of(error):
                return _stop(interrupt)
            if "debug" in wanted:
                tell(traceback.format_exc(), level="debug", event="traceback")
            return _explain(error)


def _run(arguments: list[str]) -> int:
    """Run the command that arguments name, by the settings of the project."""
    loaded = load_settings()
    words = log().command.split()
    alone = words and not (loaded.entries or log().verbose or words[0] in OF_OTHERS)
    command = tv(*words) if alone else tv()
    settings = Settings.of(command, loaded)
    if settings.problems and arguments[:1] != ["config"]:
        raise BadInput(f"{settings.problems[0]} (tv config shows all settings)")
    for warning in settings.warnings(log().command):
        tell(f"tv: {warning}", level="warning", event="setting")
    if log().verbose:
        tell_settings(settings, log().command)
    status = call(command, arguments, default_map=settings.defaults())
    sys.stdout.flush()
    return status


def _named(arguments: list[str]) -> str:
    """Return the words of the command that arguments name, empty where they name none."""
    first, second = (*arguments, "", "")[:2]
    if first in GROUPS:
        return f"{first} {second}" if second in GROUPS[first][1] else ""
    return first if first in COMMANDS else ""


def _explain(error: Exception) -> int:
    """Print one line about an error and return its exit status."""
    error = without_torch(error) or error
    if isinstance(error, TyperException):
        if message := error.format_message().replace(": Value error, ", ": "):
            line = message if message.startswith("Usage:") else f"tv: {message}"
            tell(line, level="error", event="error", status=int(ExitStatus.USAGE))
        return ExitStatus.USAGE
    if isinstance(error, OSError) and is_closed_standard_file(error):
        discard_stdout()
        message = "standard input or standard output is closed"
    elif isinstance(error, FileNotFoundError) and not _has_folder():
        message = "the current folder is no longer there: cd to another"
    elif isinstance(error, OSError) and error.errno in NO_ROOM and error.filename is None:
        # Outputs are named where they are written: only these have no name.
        message = f"standard output, or temporary files in $TMPDIR or /tmp: {error.strerror}"
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


def _has_folder() -> bool:
    """Tell whether the current folder is still there; one that was removed has no name."""
    try:
        return bool(Path.cwd())
    except FileNotFoundError:
        return False


def _stop(cause: BrokenPipeError | KeyboardInterrupt) -> int:
    """End without a word when whoever reads our output has had enough (`| head`)."""
    if isinstance(cause, BrokenPipeError):
        discard_stdout()
        return ExitStatus.DONE
    status = status_of(cause)
    tell(f"tv: {status.name.lower()}", level="error", event="error", status=int(status))
    return status
