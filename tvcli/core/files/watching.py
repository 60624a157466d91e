"""Watching folders: when something changed in them and has come to rest, and all of it is there."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tvcli.core.errors import BadInput
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.photo_formats import SUFFIXES
from tvcli.core.reports import Report

QUIET = 1000  # milliseconds without a change, after which those before are worth an update
LONGEST = 60_000  # milliseconds after which changes that never rest are worth one all the same
GLANCE = 1000  # milliseconds between looks at whether all is still mounted
POLLED = 10_000  # milliseconds between looks at folders of other machines, of which no news comes
# File systems on other machines: what others change there raises no event here.
ELSEWHERE = re.compile(r"nfs4?|cifs|smb3?|smbfs|9p|afs|ceph|glusterfs|vboxsf|virtiofs|fuse\..+")
MOUNTS = Path("/proc/self/mountinfo")


def check_watchable(names: Sequence[str]) -> list[Path]:
    """Return the folders that are to be watched.

    Raises:
        BadInput: what follows folders is not installed, or one is none, or not there.
    """
    if find_spec("watchfiles") is None:
        raise BadInput(
            "--watch needs watchfiles, which tells of changes: pip install 'tvcli[watch]'"
        )
    folders = [Path(absolute_path(name)) for name in names]
    for folder, name in zip(folders, names, strict=True):
        if not folder.is_dir():
            raise BadInput(f"{name}: --watch follows folders")
    if not folders:
        raise BadInput("--watch: name the folders to follow")
    return folders


def settled(
    names: Sequence[str],
    besides: Path,
    report: Report,
    again: Callable[[], bool],
    *,
    quiet: int = QUIET,
) -> Iterator[None]:
    """Yield once at first, then each time that photos in folders changed and have come to rest.

    So it does where `again`, which is asked every second, says that the last time was of no use.
    What changes in `besides`, the index, does not count. While a folder, or a file system in it, is
    not there, which `report` is told once, nothing is yielded: photos unseen are not photos gone.

    Raises:
        BadInput: as `check_watchable` does.
    """
    folders = check_watchable(names)
    mounted, first = mounts_of(folders), True
    while True:
        for changed in _changes(folders, Path(absolute_path(besides)), quiet):
            now = mounts_of(folders)
            if missing := _missing(folders, mounted, now):
                report.note(f"{missing}: not there now; its photos stay until it is back")
                while _missing(folders, mounted, mounts_of(folders)):
                    time.sleep(GLANCE / 1000)
                report.note(f"{missing}: there again")
                first = True
                break  # what watched it before is told of nothing any more
            mounted |= now
            if first or changed or again():
                first = False
                yield


def mounts_of(folders: Sequence[Path], mounts: Path = MOUNTS) -> dict[Path, str]:
    """Return where the file systems of folders, and those in them, are mounted, and their types."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return {}
    found: dict[Path, str] = {}
    for line in lines:
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        if len(fields) < 5 or not kind:
            continue
        path = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4]))
        if any(folder.is_relative_to(path) or path.is_relative_to(folder) for folder in folders):
            found[path] = kind[0]
    return found


def _missing(
    folders: Sequence[Path], mounted: dict[Path, str], now: dict[Path, str]
) -> Path | None:
    """Return a folder that is not there, or where a file system is mounted no more."""
    gone = [folder for folder in folders if not folder.is_dir()]
    gone += mounted.keys() - now.keys()
    return min(gone, default=None)


def _changes(folders: Sequence[Path], besides: Path, quiet: int) -> Iterator[bool]:
    """Yield whether photos changed, at least every GLANCE milliseconds.

    What tells of changes gives up at a name that is not UTF-8, which says that something changed:
    it is begun anew.
    """
    from watchfiles._rust_notify import WatchfilesRustInternalError  # no other name has it

    def counts(_: Any, name: str) -> bool:
        path = Path(name)
        if path.is_relative_to(besides) or path.name.startswith(f".{besides.name}"):
            return False
        return (
            path.suffix.lower() in SUFFIXES or not path.suffix
        )  # or a folder, moved with all in it

    kinds = mounts_of(folders).values()
    polled = any(ELSEWHERE.fullmatch(kind) for kind in kinds) or None
    while True:
        try:
            yield from _told(folders, counts, quiet, polled)
        except WatchfilesRustInternalError:
            time.sleep(quiet / 1000)
            yield True


def _told(
    folders: Sequence[Path], counts: Callable[[Any, str], bool], quiet: int, polled: bool | None
) -> Iterator[bool]:
    from watchfiles import watch

    for changes in watch(
        *folders,
        watch_filter=counts,
        debounce=LONGEST,
        step=quiet,
        rust_timeout=GLANCE,
        yield_on_timeout=True,
        force_polling=polled,
        poll_delay_ms=POLLED,
        ignore_permission_denied=True,
    ):
        yield bool(changes)
