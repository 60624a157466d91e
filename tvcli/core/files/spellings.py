"""Paths as the file system spells them, where it takes several spellings for one name.

Macs, and Linux where it is told to, do not go by the case of names; Macs keep accents apart from
their letters, which records, and photos copied elsewhere, have composed. One file must have one
name all the same: by two, its labels are not found, and it is a copy of itself.
"""

import os
import string
import unicodedata
from collections.abc import Callable
from functools import lru_cache

FOLDERS = 4096  # that are known at a time
ASCII_CASE = str.maketrans(
    string.ascii_lowercase + string.ascii_uppercase, string.ascii_uppercase + string.ascii_lowercase
)

_by_case: dict[str, bool] = {}  # whether folders go by the case of names


def other_spellings(path: str) -> set[str]:
    """Return a path with its accents composed (NFC) and taken apart (NFD), where that differs."""
    if path.isascii():
        return set()
    return {unicodedata.normalize(form, path) for form in ("NFC", "NFD")} - {path}


def as_on_disk(path: str) -> str:
    """Return a path as the file system spells it; one that leads nowhere stays as it is.

    Names are looked for with their accents written otherwise, which many systems take for another
    name, and are spelled as their folder lists them where case or accents make no difference.
    """
    if not path.isascii() and not os.path.lexists(path):
        path = next(filter(os.path.lexists, sorted(other_spellings(path))), path)
    absolute = os.path.abspath(path)  # noqa: PTH100 - links stay as they are
    spelled = _spelled(absolute)
    return path if spelled == absolute else _with_names_of(path, spelled)


def _with_names_of(path: str, spelled: str) -> str:
    """Return a path, relative or not, with the names that it has spelled."""
    parts = path.rstrip("/").split("/")
    places = [place for place, part in enumerate(parts) if part in (".", "..")]
    kept = places[-1] + 1 if places else 0
    named = [part for part in parts[kept:] if part]
    if path.startswith("/") and not kept:
        return spelled
    names = spelled.split("/")[-len(named) :] if named else []
    return "/".join([*parts[:kept], *names])


def _spelled(absolute: str) -> str:
    folder, name = os.path.split(absolute)
    if not name:
        return absolute
    where = _spelled_folder(folder)
    path = os.path.join(where, name)  # noqa: PTH118 - of texts, many times
    if not _has_other_spellings(where, name):
        return path
    try:
        names = _listed(where, os.stat(where).st_mtime_ns)  # noqa: PTH116
    except OSError:
        return path
    found = names.get(_folded(name), name)
    is_same = found == name or _entry(where, found) == _entry(where, name)
    return os.path.join(where, found) if is_same else path  # noqa: PTH118


_spelled_folder: Callable[[str], str] = lru_cache(FOLDERS)(_spelled)


@lru_cache(8)
def _listed(folder: str, changed: int) -> dict[str, str]:
    """Return the names in a folder that changed last at a time, by how they are compared."""
    return {_folded(name): name for name in os.listdir(folder)}  # noqa: PTH208 - names alone


def _has_other_spellings(folder: str, name: str) -> bool:
    """Tell whether an entry of a folder may be there by another name."""
    if folder not in _by_case:
        other = name.translate(ASCII_CASE)
        here = _entry(folder, name) if other != name else None
        if here is not None:
            if len(_by_case) >= FOLDERS:
                _by_case.clear()
            _by_case[folder] = here != _entry(folder, other)
    if not _by_case.get(folder, True):
        return True
    return any(
        _entry(folder, other) == _entry(folder, name) is not None for other in other_spellings(name)
    )


def _entry(folder: str, name: str) -> tuple[int, int] | None:
    """Return what an entry of a folder is to the system; None where there is none."""
    try:
        known = os.lstat(os.path.join(folder, name))  # noqa: PTH118
    except (OSError, ValueError):
        return None
    return known.st_dev, known.st_ino


def _folded(name: str) -> str:
    return unicodedata.normalize("NFD", name).casefold()
