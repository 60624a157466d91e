"""Settings of every command: what each option is set to, and by what."""

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from typing import Any

from typer.exceptions import TyperException

from tvcli.core.errors import UsageError
from tvcli.core.files.project_settings import Entry, Loaded, user_config
from tvcli.terminal.logs import tell
from tvcli.terminal.metrics import MetricFormat, print_metrics
from tvcli.terminal.plain_values import wanted_instead
from tvcli.terminal.project_options import why_not

PREFIX = "TV"
Name = tuple[tuple[str, ...], str]  # the command's words, the option's name
NAME_OR_NOT = "=]VALUE"  # how the metavar ends of text like NAME=VALUE, or VALUE alone
GUESSED = 10  # mistakes for which what was meant is looked for


@dataclass(frozen=True, slots=True)
class Setting:
    """An option of a command with the value it has when it is not given, and where that is from."""

    command: str
    option: str
    value: Any
    source: str
    refused: str = ""


@dataclass(slots=True)
class Settings:
    """The entries of files laid upon the options of all commands.

    `refused` are those of a project's file that only the user may set, each with the reason;
    `ignored` says which files are not read at all.
    """

    root: Any
    placed: dict[Name, Entry] = field(default_factory=dict)
    refused: dict[Name, tuple[Entry, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, root: Any, loaded: Loaded) -> "Settings":
        """Lay entries upon the options of a command with commands, the broader ones first.

        An entry at the top, or of a group, goes to every command whose option takes its value. A
        project's entries come after the user's own, and win.
        """
        settings = cls(root, ignored=loaded.ignored)
        order = sorted(loaded.entries, key=lambda entry: (not entry.trusted, len(entry.table)))
        for entry in order:
            settings._place(entry)
        return settings

    def defaults(self) -> dict[str, Any]:
        """Return the values as click takes them: by command, then by the parameter's own name."""
        tree: dict[str, Any] = {}
        for (words, option), entry in self.placed.items():
            branch = tree
            for word in words:
                branch = branch.setdefault(word, {})
            parameter = _options(command_at(self.root, words))[option]
            branch[parameter.name] = _as_given(parameter, entry.value)
        return tree

    def in_force(self) -> Iterator[Setting]:
        """Yield every option of every command with its value and what sets it."""
        for words, command in leaves(self.root):
            for option, parameter in _options(command).items():
                yield self._setting(words, option, parameter)
        for (words, option), (entry, reason) in self.refused.items():
            yield Setting(" ".join(words), option, entry.value, entry.place, reason)

    def warnings(self, command: str) -> Iterator[str]:
        """Yield a line for each file ignored, and for each entry refused that a command has."""
        yield from self.ignored
        for (words, option), (entry, reason) in self.refused.items():
            if " ".join(words) == command:
                place = user_config()
                yield (
                    f"{entry.place}: {option} {reason}: put it on the command line, in the "
                    f"environment or in {place}"
                )

    def _setting(self, words: tuple[str, ...], option: str, parameter: Any) -> Setting:
        name = " ".join(words)
        for variable in parameter.envvar:
            if value := os.environ.get(variable):
                return Setting(name, option, value, variable)
        if entry := self.placed.get((words, option)):
            return Setting(name, option, entry.value, entry.place)
        default = parameter.default
        shown = default if isinstance(default, bool | int | float | None) else str(default)
        return Setting(name, option, shown, "default")

    def _place(self, entry: Entry) -> None:
        depth = len(entry.table)
        there = [(w, c) for w, c in leaves(self.root) if w and w[:depth] == entry.table]
        if not there:
            tables = {".".join(words[:n]) for words, _ in leaves(self.root) for n in (1, 2)}
            self._problem(entry, "no such command", ".".join(entry.table), sorted(tables))
            return
        takers = [(w, _options(c)[entry.key]) for w, c in there if entry.key in _options(c)]
        if not takers:
            known = sorted({name for _, command in there for name in _options(command)})
            self._problem(entry, f"no option {entry.key}", entry.key, known)
            return
        takers = [taker for taker in takers if self._may_set(entry, *taker)]
        refusals = [_refusal(parameter, entry.value) for _, parameter in takers]
        if refusals and all(refusals):
            self.problems.append(f"{entry.place}: {entry.key}: {refusals[0]}")
        for (words, _), refusal in zip(takers, refusals, strict=True):
            if not refusal:
                self.placed[words, entry.key] = entry

    def _may_set(self, entry: Entry, words: tuple[str, ...], parameter: Any) -> bool:
        if entry.trusted:
            return True
        reason = why_not(words, entry.key, parameter, entry.value, entry.path.parent)
        if reason:
            self.refused[words, entry.key] = entry, reason
        return not reason

    def _problem(self, entry: Entry, what: str, name: str, known: list[str]) -> None:
        meant = _meant(name, known) if len(self.problems) < GUESSED else ""
        self.problems.append(f"{entry.place}: {what}{meant}")


def leaves(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each command that is not a group, with its words."""
    commands = getattr(command, "commands", None)
    if commands is None:
        yield words, command
        return
    if not words:
        yield (), command  # tv's own options: --debug and its like
    for name, part in commands.items():
        yield from leaves(part, (*words, name))


def command_at(root: Any, words: tuple[str, ...]) -> Any:
    """Return the command that some words name."""
    for word in words:
        root = root.commands[word]
    return root


def tell_settings(settings: Settings, command: str) -> None:
    """Say what is set for a command, by what, and which variables nothing reads."""
    for setting in settings.in_force():
        if setting.command == command and setting.source != "default" and not setting.refused:
            text = f"setting {setting.option} = {setting.value} ({setting.source})"
            tell(text, level="debug", event="setting", option=setting.option, value=setting.value)
    for line in unknown_variables(settings.root):
        tell(f"warning: {line}", level="warning", event="setting")


def name_variables(root: Any) -> None:
    """Give each option its variables: TV_COMMAND_OPTION before one that commands share.

    They stay out of --help: each option has one, so one sentence tells them all.
    """
    for words, command in leaves(root):
        for option, parameter in _options(command).items():
            shared = parameter.envvar or []
            named = "_".join((PREFIX, *words, option)).upper().replace("-", "_")
            others = [shared] if isinstance(shared, str) else shared
            parameter.envvar = list(dict.fromkeys([named, *others]))
            parameter.show_envvar = parameter.allow_from_autoenv = False


def unknown_variables(root: Any) -> list[str]:
    """Return a line for each TV_* variable of the environment that no option reads."""
    options = [p for _, command in leaves(root) for p in _options(command).values()]
    known = [variable for parameter in options for variable in parameter.envvar]
    given = sorted(name for name in os.environ if name.startswith(f"{PREFIX}_"))
    return [f"{n}: no such setting{_meant(n, known)}" for n in given if n not in known]


def _options(command: Any) -> dict[str, Any]:
    """Return a command's options by their long name, but for those that only print and end."""
    found = [p for p in command.params if p.param_type_name == "option" and not p.is_eager]
    return {max(p.opts, key=len).lstrip("-"): p for p in found}


def _as_given(parameter: Any, value: Any) -> Any:
    """Return a value of a file as a command line gives it: a number where text may be one alone."""
    if not str(parameter.metavar).endswith(NAME_OR_NOT):
        return value
    values = value if isinstance(value, list) else [value]
    return [f"{v}" if type(v) in (int, float) else v for v in values]


def _refusal(parameter: Any, value: Any) -> str:
    """Return why an option does not take a value of a file, empty if it does."""
    kind, given = parameter.type_descriptor, value
    value = _as_given(parameter, given)
    values = value if kind.is_list and isinstance(value, list) else [value]
    wanted = kind.annotation if kind.annotation in (bool, int, float) else str
    accepted = (int, float) if wanted is float else wanted
    if any(not isinstance(v, accepted) or isinstance(v, bool) != (wanted is bool) for v in values):
        return wanted_instead(wanted, given)
    try:
        parameter.get_runtime_param().coerce(values if kind.is_list else value, parameter, None)
    except TyperException as error:
        return str(getattr(error, "message", error)).rstrip(".")
    return ""


def _meant(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def print_settings(
    settings: Settings, command: str, format: MetricFormat | None, *, every: bool
) -> None:
    """Print the settings of one command, or of all: JSON Lines have all, a table what is set.

    With `every` a table has the defaults as well. Raises UsageError for no command of tv.
    """
    begin = f"{command} " if command else ""
    known = [s for s in settings.in_force() if f"{s.command} ".startswith(begin)]
    if not known:
        commands = sorted({" ".join(words) for words, _ in leaves(settings.root)})
        raise UsageError(f"{command}: no such command{_meant(command, commands)}")
    format = format or ("table" if sys.stdout.isatty() else "jsonl")
    every = every or format == "jsonl"
    records = [_record(s) for s in known if every or s.source != "default"]
    if records:
        print_metrics(records, format)
    else:
        tell("nothing is set; tv config --all shows the defaults")


def _record(setting: Setting) -> dict[str, Any]:
    record = asdict(setting)
    return record if setting.refused else {k: v for k, v in record.items() if k != "refused"}
