"""What this user named on this machine: the databases and downloads that an index may name too.

An index may be anyone's. It has no connection made and nothing downloaded but from where its user
went before: each address that a command line names is noted in `$XDG_STATE_HOME/tv/named.json`.
"""

import json
import os
import stat
from pathlib import Path
from typing import Literal

from tvcli.core.files.atomic_write import atomic_write
from tvcli.core.files.project_settings import own_folder

Kind = Literal["database", "weights"]
MOST = 1000  # of a kind; the oldest are forgotten
MAX_BYTES = 2**20


def remember(kind: Kind, name: str) -> None:
    """Note that the user named a database (by its URL without password), or published weights.

    Where the note cannot be written the index asks again: nothing is less safe for it.
    """
    known = _read()
    if name in known.get(kind, []):
        return
    known[kind] = [*known.get(kind, []), name][-MOST:]
    file = _file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with atomic_write(file) as partial:
            partial.touch(mode=0o600)
            partial.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
    except OSError:
        return


def was_named(kind: Kind, name: str) -> bool:
    """Tell whether the user named a database or published weights on this machine."""
    return name in _read().get(kind, [])


def _file() -> Path:
    return own_folder("XDG_STATE_HOME", ".local/state") / "named.json"


def _read() -> dict[str, list[str]]:
    """Return what is noted; nothing where the file is not the user's own, or is damaged."""
    try:
        with _file().open("rb") as stream:
            status = os.fstat(stream.fileno())
            own = status.st_uid == os.geteuid() and not status.st_mode & stat.S_IWOTH
            known = json.loads(stream.read(MAX_BYTES)) if own else {}
    except (OSError, ValueError, RecursionError):
        return {}
    found = known if isinstance(known, dict) else {}
    return {kind: names for kind, names in found.items() if isinstance(names, list)}
