"""The state of an index kept beside it, so that a change can be undone."""

import os
import shutil
from pathlib import Path

from tvcli.core.errors import BadInput
from tvcli.core.files.atomic_write import atomic_write
from tvcli.core.files.locks import writing
from tvcli.core.files.paths import MANIFEST
from tvcli.core.indexes.manifest import read_manifest
from tvcli.core.indexes.workplace import workplace


def previous_of(path: Path) -> Path:
    """Return where the state of an index before its last learning is kept."""
    return path.with_name(f"{path.stem}.before-learning{path.suffix}")


def copy_index(source: Path, target: Path) -> None:
    """Make an index the same as another in the same folder, or a new one; readers see old or new.

    Files are shared by hard links where the system has them: they never change.

    Raises:
        BadInput: `source` is no index, or `target` is there and is none, or cannot be written.
    """
    if target.exists() and not (target / MANIFEST).is_file():
        raise BadInput(f"{target}: is there, but is no index; move it away first")
    with writing(target), workplace(target) as folder:
        for name in sorted(read_manifest(source).files):
            _share(source / name, folder / name)
        with atomic_write(folder / MANIFEST) as partial:
            shutil.copyfile(source / MANIFEST, partial)


def _share(source: Path, target: Path) -> None:
    if target.exists() and target.samefile(source):
        return
    with atomic_write(target) as partial:
        try:
            os.link(source, partial)
        except OSError:  # no hard links here
            shutil.copyfile(source, partial)
