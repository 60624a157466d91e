"""Paths outright, and where an artifact's photos lie: both can be moved together."""

import os
from pathlib import Path
from typing import Any, TypeGuard

from tvcli.core.files.pipes import is_pipe


def absolute_path(path: Path | str) -> str:
    """Return a path from the root, without `.` and `..`; links stay as they are."""
    return os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links


def is_path(value: Any) -> TypeGuard[str]:
    """Tell whether a value is a text that a file may have as its path on this system."""
    try:
        return isinstance(value, str) and value != "" and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:  # half of a character
        return False


def folder_of(path: Path) -> Path:
    """Return the absolute folder that a path lies in; of a pipe, such as <(…), the current one."""
    return Path.cwd() if is_pipe(path) else Path(absolute_path(path)).parent


def root_settings(root: Path, target: Path) -> dict[str, str]:
    """Return where the photos lie: from the artifact, so both can move together, and outright."""
    folder = absolute_path(target.parent)
    return {"root": os.path.relpath(root, folder), "root_absolute": str(root)}


def photos_root(settings: dict[str, Any], folder: Path) -> Path:
    """Return where the photos of an artifact in `folder` lie now."""
    moved = folder / settings["root"]
    return moved if moved.exists() else Path(settings["root_absolute"])
