"""What kind of parts they are, and room for as many open files."""

import resource
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from tvcli.core.errors import BadInput, UsageError
from tvcli.core.files.parquet import is_encodings_table
from tvcli.core.files.paths import MANIFEST
from tvcli.core.files.records import HDF5_MAGIC

KindOfParts = Literal["index", "encodings", "records"]
SPARE = 64  # files that are open anyway


def kind_of_parts(paths: Sequence[Path]) -> KindOfParts:
    """Return what parts are, by how they start.

    Raises:
        UsageError: of several kinds.
        BadInput: not there.
    """
    kinds = [_kind(path) for path in paths]
    for path, kind in zip(paths, kinds, strict=True):
        if kind != kinds[0]:
            raise UsageError(f"{path}: {kind}, while {paths[0]} is {kinds[0]}: merge what is alike")
    _room_for(len(paths))
    return kinds[0]


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Return the files by whose hashes provenance tells parts: of an index, its manifest."""
    return [path / MANIFEST if path.is_dir() else path for path in paths]


def _kind(path: Path) -> KindOfParts:
    if path.is_dir():
        return "index"
    if not path.is_file():
        raise BadInput(f"{path}: no such file or folder")
    if is_encodings_table(path):
        raise BadInput(f"{path}: a table; merge what tv encode -o PART.h5 made")
    with path.open("rb") as stream:
        return "encodings" if stream.read(len(HDF5_MAGIC)) == HDF5_MAGIC else "records"


def _room_for(parts: int) -> None:
    """Let the process open so many files at once; raises BadInput where the system does not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = parts + SPARE
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{parts} parts, but no more than {hard} files may be open here: raise it (ulimit -n)"
        ) from error
