"""Settings in files: the user's own, and `tv.toml` in the current folder or above it."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvcli.core.errors import BadInput

CONFIG_NAME = "tv.toml"
PROJECT_FOLDER = ".tv"
MAX_BYTES = 64 * 2**10  # of a file; one with everything set has 10 KiB
MAX_ENTRIES = 1000
Tables = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting of a file: the table it stands in (`()`: the top), its key, value and line.

    `trusted` is what the user's own file says; a project's file may have come from anybody.
    """

    path: Path
    table: tuple[str, ...]
    key: str
    value: Any
    line: int | None
    trusted: bool

    @property
    def place(self) -> str:
        """Where it stands, as `tv.toml:3 [eval.search]`."""
        line = f":{self.line}" if self.line else ""
        table = f" [{'.'.join(self.table)}]" if self.table else ""
        return f"{self.path}{line}{table}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The entries of the files of settings, the user's first, and a line for each file ignored."""

    entries: list[Entry]
    ignored: list[str]


def find_upwards(name: str, start: Path | None = None) -> Path | None:
    """Return the nearest `name` in `start` (the current folder) or above it, as git does."""
    folder = (start or Path.cwd()).absolute()
    candidates = (parent / name for parent in (folder, *folder.parents))
    return next((path for path in candidates if os.path.lexists(path)), None)


def user_config() -> Path:
    """Return the user's own file of settings: `$XDG_CONFIG_HOME/tv/tv.toml`, there or not."""
    return own_folder("XDG_CONFIG_HOME", ".config") / CONFIG_NAME


def own_folder(variable: str, default: str, name: str = "tv") -> Path:
    """Return the folder of tv in a base directory of the user's, by its variable or under home.

    Where nobody knows the home, as in a container of another user, it is in none that there is.

    Source: the XDG Base Directory Specification, which has relative paths ignored.
    """
    base = os.environ.get(variable, "")
    if not Path(base).is_absolute():
        base = os.path.join("/", os.path.expanduser("~"), default)  # noqa: PTH111, PTH118 - no home
    return Path(base) / name


def load_settings(start: Path | None = None) -> Loaded:
    """Return the entries of the user's own file and of the nearest `tv.toml`, where they are.

    Dashes and underscores in keys mean the same; keys come with dashes. A file that is not a plain
    one, or not the user's or root's, is ignored.

    Raises:
        BadInput: a file is not TOML, or has more than `MAX_ENTRIES` settings.
    """
    loaded, own = Loaded([], []), user_config()
    project = find_upwards(CONFIG_NAME, start)
    for path, trusted in ((own, True), (project, False)):
        if path is None or not os.path.lexists(path) or (path != own and _is_same(path, own)):
            continue
        try:
            text = _read(path, trusted)
        except BadInput as reason:
            loaded.ignored.append(f"{path}: ignored: {reason}")
        else:
            loaded.entries.extend(_parsed(path, text, trusted))
    return loaded


def _is_same(path: Path, own: Path) -> bool:
    try:
        return path.samefile(own)
    except OSError:
        return False


def _read(path: Path, trusted: bool) -> bytes:
    """Return what is in a file of settings; raises BadInput with the reason to ignore it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise BadInput("it is not a plain file")
        if status.st_uid not in _owners():
            raise BadInput("it belongs to another user")
        if trusted and status.st_mode & stat.S_IWOTH:
            raise BadInput("everybody may write it (chmod o-w)")
        if status.st_size > MAX_BYTES:
            raise BadInput(f"it is larger than {MAX_BYTES >> 10} KiB")
        return os.read(descriptor, MAX_BYTES)
    finally:
        os.close(descriptor)


def _owners() -> set[int]:
    """Return whose files are read: the user's, root's, and with sudo those of who called it."""
    caller = os.environ.get("SUDO_UID", "")
    called = {int(caller)} if os.geteuid() == 0 and caller.isdecimal() else set()
    return {os.geteuid(), 0} | called


def _parsed(path: Path, content: bytes, trusted: bool) -> list[Entry]:
    import tomllib  # most folders have no settings

    try:
        text = content.decode("utf-8")
        tables = tomllib.loads(text)
        lines = _lines(text)
        found = [
            Entry(path, table, key.replace("_", "-"), value, lines.get((table, key)), trusted)
            for table, key, value in _values(tables, ())
        ]
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not readable as TOML: {error}") from error
    if len(found) > MAX_ENTRIES:
        raise BadInput(f"{path}: more than {MAX_ENTRIES} settings")
    return found


def _values(values: Tables, table: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _values(value, (*table, name))
        else:
            yield table, name, value


def _lines(text: str) -> dict[tuple[tuple[str, ...], str], int]:
    """Return the line that sets each key, by table and key, as they are usually written."""
    found: dict[tuple[tuple[str, ...], str], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            table = tuple(part.strip().strip("\"'") for part in header[1].split("."))
        elif setting := re.match(r"\s*([\"']?)([^\s\"'=]+)\1\s*=", line):
            found.setdefault((table, setting[2]), number)
    return found


def default_index() -> Path | None:
    """Return the index to search when none is named: `$TV_INDEX`, else the nearest `.tv/`."""
    if named := os.environ.get("TV_INDEX"):
        return Path(named)
    return find_upwards(f"{PROJECT_FOLDER}/index.tvx")


def index_or_default(named: Path | None, how: str = "name one") -> Path:
    """Return the index that is named, else the default one.

    Raises:
        BadInput: there is none; told with `how` to name one.
    """
    path = named or default_index()
    if path is None:
        raise BadInput(f"no index here or above: {how}, or make one: tv index PHOTOS")
    return path
