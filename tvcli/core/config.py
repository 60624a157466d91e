"""Settings of a project: `tv.toml`, found in the current folder or above it."""

import os
import tomllib
from pathlib import Path
from typing import Any

from tvcli.core.errors import BadInput

CONFIG_NAME = "tv.toml"
PROJECT_FOLDER = ".tv"


def find_upwards(name: str, start: Path | None = None) -> Path | None:
    """Return the nearest `name` in `start` (the current folder) or above it, as git does."""
    folder = (start or Path.cwd()).absolute()
    candidates = (parent / name for parent in (folder, *folder.parents))
    return next((path for path in candidates if path.exists()), None)


def load_settings(start: Path | None = None) -> dict[str, Any]:
    """Return the tables of the nearest `tv.toml` ({} where there is none).

    Raises:
        BadInput: the file is not TOML.
    """
    path = find_upwards(CONFIG_NAME, start)
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: not readable as TOML: {error}") from error


def settings_for(commands: list[str], settings: dict[str, Any]) -> dict[str, Any]:
    """Return each command's defaults: the top-level values, then those of its own table.

    Dashes and underscores in names mean the same.
    """
    shared = {key: value for key, value in settings.items() if not isinstance(value, dict)}
    return {
        command: {
            key.replace("-", "_"): value
            for key, value in (shared | settings.get(command, {})).items()
        }
        for command in commands
    }


def default_index() -> Path | None:
    """Return the index to search when none is named: `$TV_INDEX`, else the nearest `.tv/`."""
    if named := os.environ.get("TV_INDEX"):
        return Path(named)
    return find_upwards(f"{PROJECT_FOLDER}/index.tvx")
