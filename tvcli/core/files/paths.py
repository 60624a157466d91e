"""Paths outright, and where an artifact's photos lie: both can be moved together."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeGuard

from tvcli.core.files.pipes import is_pipe
from tvcli.core.files.spellings import as_on_disk

MANIFEST = "index.json"  # in the folder of an index


def absolute_path(path: Path | str) -> str:
    """Return a path from the root, without `.` and `..`; links stay as they are."""
    return os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links


def path_in(folder: str, name: str) -> str:
    """Return where a name in an absolute folder lies, as `absolute_path` does in much less time."""
    within = name if name.startswith(os.sep) else folder.rstrip(os.sep) + os.sep + name
    # Most names are as they should be, which is told in a tenth of the time.
    odd = "//" in within or "/." in within or within.endswith("/")
    return os.path.normpath(within) if odd else within


def shown_path(root: Path, image: str) -> str:
    """Return a path that works from the current folder: relative inside it, else absolute."""
    if image == "-":
        return image
    path = absolute_path(root / image)
    below = os.path.relpath(path)
    return path if below.startswith("..") else below


def is_path(value: Any) -> TypeGuard[str]:
    """Tell whether a value is a text that a file may have as its path on this system."""
    if not isinstance(value, str) or value == "" or "\0" in value:
        return False
    try:
        return value.isascii() or bool(os.fsencode(value))
    except UnicodeEncodeError:  # half of a character
        return False


def said_of_folder(folder: Path) -> str:
    """Return what a folder is where a file is needed: an index, or any folder."""
    return "an index" if (folder / MANIFEST).is_file() else "a folder"


def is_file_name(value: Any) -> TypeGuard[str]:
    """Tell whether a value is the name of a file in a folder, and of no other place."""
    return is_path(value) and os.path.basename(value) == value and value not in (".", "..")  # noqa: PTH119


def folder_of(path: Path) -> Path:
    """Return the absolute folder that a path lies in; of a pipe, such as <(…), the current one."""
    return Path.cwd() if is_pipe(path) else Path(absolute_path(path)).parent


def parent_of(path: Path) -> Path:
    """Return the folder that a path lies in, as it is written; of a pipe, the current one."""
    return Path() if is_pipe(path) else path.parent


def root_settings(root: Path, target: Path) -> dict[str, str]:
    """Return where the photos lie: from the artifact, so both can move together, and outright."""
    folder = absolute_path(target.parent)
    return {"root": os.path.relpath(root, folder), "root_absolute": str(root)}


def photos_root(settings: dict[str, Any], folder: Path) -> Path:
    """Return where the photos of an artifact in `folder` lie now."""
    moved: Path = folder / settings["root"]
    with suppress(OSError):  # a name longer than any
        if moved.exists():
            return Path(as_on_disk(str(moved)))
    return Path(as_on_disk(settings["root_absolute"]))
