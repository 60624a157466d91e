"""The truth beside copies, and the care taken of files that are not ours."""

import os
from pathlib import Path

from tvcli.core.errors import BadInput
from tvcli.core.files.atomic_write import atomic_write, told_unwritable
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.records import Record, read_record_file, write_records

TRUTH = "truth.jsonl"
FIELDS = ("image", "original")  # paths, relative to the folder in the file
PATHS = (*FIELDS, "other")  # with one that not every copy has


def known_copies(folder: Path) -> dict[str, Record]:
    """Return what the truth in a folder tells, by the copies' absolute paths; {} without one.

    Raises:
        BadInput: there is a file of that name that is none.
    """
    path = folder / TRUTH
    return {record["image"]: record for record in read_truth(path)} if path.exists() else {}


def read_truth(path: Path) -> list[Record]:
    """Return the records of a `truth.jsonl`, their paths absolute; raises BadInput."""
    records = []
    for record, where in read_record_file(path):
        texts = all(isinstance(record.get(name, ""), str) for name in (*PATHS, "kind"))
        if not texts or not all(name in record for name in (*FIELDS, "kind")):
            raise BadInput(f'{where}: not the truth of copies ("image", "original", "kind")')
        paths = {
            name: absolute_path(path.parent / record[name]) for name in PATHS if name in record
        }
        records.append(record | paths)
    return records


def keep_truth(folder: Path, copies: dict[str, Record]) -> None:
    """Write the truth about a folder, in the order of the copies."""
    records = (relative_to(folder, record) for record in copies.values())
    write_records(folder / TRUTH, records)


def relative_to(folder: Path, record: Record) -> Record:
    """Return a record with its paths relative to a folder."""
    return record | {
        name: os.path.relpath(record[name], folder) for name in PATHS if name in record
    }


def write_copy(path: Path, content: bytes, own: bool) -> None:
    """Write a copy as a whole or not at all; one that is there already stays.

    Raises:
        BadInput: another file is in the way that is not our `own`, or it cannot be written.
    """
    with told_unwritable(path):
        if path.exists():
            if path.read_bytes() == content:
                return
            if not own:
                raise BadInput(f"{path}: is there, and is not this copy; name another folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as partial:
            partial.write_bytes(content)
