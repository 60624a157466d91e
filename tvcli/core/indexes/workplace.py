"""The folder that an index is written in: its own, or one beside it until all went well."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tvcli.core.errors import TvError
from tvcli.core.files.atomic_write import partial_of, told_unwritable
from tvcli.core.files.paths import MANIFEST
from tvcli.core.indexes.manifest import read_manifest

STAMPS = "stamps.npy"  # when the photos were last looked at: a cache, of no state of the index


@contextmanager
def workplace(target: Path) -> Iterator[Path]:
    """Give the folder to write in: the index itself, or one that becomes it when all went well.

    Afterwards only the files that the manifest names are left.
    """
    there = (target / MANIFEST).is_file()
    folder = target if there else partial_of(target)
    try:
        with told_unwritable(target):
            folder.mkdir(parents=True, exist_ok=True)
            yield folder
            if folder != target:
                folder.rename(target)
    finally:
        if folder != target:
            shutil.rmtree(folder, ignore_errors=True)
        elif there:
            _sweep(target)


def _sweep(target: Path) -> None:
    """Remove what the manifest does not name: files of before, and what a killed job left."""
    with suppress(OSError, TvError):
        named = read_manifest(target).files | {MANIFEST, STAMPS}
        for path in target.iterdir():
            if path.name not in named and path.is_file():
                path.unlink()
