"""Settings of a project: `tv.toml`, found in the current folder or above it."""

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvcli.core.errors import BadInput

CONFIG_NAME = "tv.toml"
PROJECT_FOLDER = ".tv"
Tables = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting of a file: the table it stands in (`()`: the top), its key, value and line."""

    path: Path
    table: tuple[str, ...]
    key: str
    value: Any
    line: int | None

    @property
    def place(self) -> str:
        """Where it stands, as `tv.toml:3 [eval.search]`."""
        line = f":{self.line}" if self.line else ""
        table = f" [{'.'.join(self.table)}]" if self.table else ""
        return f"{self.path}{line}{table}"


def find_upwards(name: str, start: Path | None = None) -> Path | None:
    """Return the nearest `name` in `start` (the current folder) or above it, as git does."""
    folder = (start or Path.cwd()).absolute()
    candidates = (parent / name for parent in (folder, *folder.parents))
    return next((path for path in candidates if path.exists()), None)


def load_settings(start: Path | None = None) -> list[Entry]:
    """Return the entries of the nearest `tv.toml`, none where there is none.

    Dashes and underscores in keys mean the same; keys come with dashes.

    Raises:
        BadInput: the file is not TOML.
    """
    path = find_upwards(CONFIG_NAME, start)
    if path is None:
        return []
    try:
        text = path.read_text("utf-8")
        return list(_entries(path, text, tomllib.loads(text), ()))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not readable as TOML: {error}") from error


def _entries(path: Path, text: str, values: Tables, table: tuple[str, ...]) -> Iterator[Entry]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _entries(path, text, value, (*table, name))
        else:
            yield Entry(path, table, name.replace("_", "-"), value, _line_of(text, table, name))


def _line_of(text: str, table: tuple[str, ...], key: str) -> int | None:
    """Return the line that sets a key, as tables and keys are usually written; else None."""
    current: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            current = tuple(part.strip().strip("\"'") for part in header[1].split("."))
        elif current == table and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
            return number
    return None


def default_index() -> Path | None:
    """Return the index to search when none is named: `$TV_INDEX`, else the nearest `.tv/`."""
    if named := os.environ.get("TV_INDEX"):
        return Path(named)
    return find_upwards(f"{PROJECT_FOLDER}/index.tvx")
