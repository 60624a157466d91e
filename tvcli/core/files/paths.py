"""Paths outright, and where an artifact's photos lie: both can be moved together."""

import os
import unicodedata
from contextlib import suppress
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


def is_file_name(value: Any) -> TypeGuard[str]:
    """Tell whether a value is the name of a file in a folder, and of no other place."""
    return is_path(value) and os.path.basename(value) == value and value not in (".", "..")  # noqa: PTH119


def other_spellings(path: str) -> set[str]:
    """Return a path with its accents composed (NFC) and taken apart (NFD), where that differs."""
    if path.isascii():
        return set()
    return {unicodedata.normalize(form, path) for form in ("NFC", "NFD")} - {path}


def as_on_disk(path: str) -> str:
    """Return a path as the file system spells it, where only its accents are written otherwise.

    Macs take names apart that records, and photos copied elsewhere, have composed: é is one letter
    here and two there, and other systems take them for two names.
    """
    if path.isascii() or os.path.lexists(path):
        return path
    return next(filter(os.path.lexists, sorted(other_spellings(path))), path)


def folder_of(path: Path) -> Path:
    """Return the absolute folder that a path lies in; of a pipe, such as <(…), the current one."""
    return Path.cwd() if is_pipe(path) else Path(absolute_path(path)).parent


def root_settings(root: Path, target: Path) -> dict[str, str]:
    """Return where the photos lie: from the artifact, so both can move together, and outright."""
    folder = absolute_path(target.parent)
    return {"root": os.path.relpath(root, folder), "root_absolute": str(root)}


def photos_root(settings: dict[str, Any], folder: Path) -> Path:
    """Return where the photos of an artifact in `folder` lie now."""
    moved: Path = folder / settings["root"]
    with suppress(OSError):  # a name longer than any
        if moved.exists():
            return moved
    return Path(settings["root_absolute"])
