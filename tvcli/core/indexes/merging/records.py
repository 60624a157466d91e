"""Merging records: those of shards in the order of the whole list, others one after another."""

import os
from collections.abc import Iterator, Sequence
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import Any

from tvcli.core.errors import BadInput, Mismatch
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.records import Record, is_note, read_record_file
from tvcli.core.files.strict_json import parse_json
from tvcli.core.indexes.merging.belonging import Part, check_parts

NOTE = 2**20  # bytes at the end of a file among which the note of its shard is
LIST = ("number", "of", "listed", "list")  # what a note says of it; the rest: how it was made

Placed = tuple[int, int, Record]  # the position, the number of the part, the record


def merge_records(paths: Sequence[Path], base: Path, *, changed: bool = False) -> Iterator[Record]:
    """Yield the records of parts as one run would have, with paths relative to `base`.

    Records of no shards come part by part; that they are records is all that is checked then.

    Raises:
        BadInput: not records, or a part that was cut off.
        Mismatch: parts that do not belong together.
    """
    parts = [_part(path) for path in paths]
    if not check_parts(parts, changed=changed):
        for part in parts:
            yield from (_moved(record, part.path, base) for record in _whole(part.path))
        return
    last = (-1, -1)
    for position, number, record in merge(
        *map(_placed, range(len(parts)), parts), key=itemgetter(0, 1)
    ):
        if position == last[0] and number != last[1] and not changed:
            paths_of = f"{parts[last[1]].path} and {parts[number].path}"
            raise Mismatch(f"{paths_of}: both hold what was number {position} of the list")
        last = position, number
        yield _moved(record, parts[number].path, base)


def shard_note(path: Path) -> dict[str, Any]:
    """Return the note at the end of a shard's records; {} if there is none."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - NOTE))
        lines = stream.read().splitlines()
    try:
        record = parse_json(lines[-1]) if lines else {}
    except ValueError:
        return {}
    noted = isinstance(record, dict) and is_note(record) and isinstance(record["shard"], dict)
    return dict(record["shard"]) if noted else {}


def _part(path: Path) -> Part:
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    note = shard_note(path)
    made = {name: value for name, value in note.items() if name not in LIST}
    return Part(path, made, {name: value for name, value in note.items() if name in LIST})


def _whole(path: Path) -> Iterator[Record]:
    for record, where in read_record_file(path):
        if "position" in record:
            raise BadInput(f"{where}: of a shard, but the note at its end is gone; make it again")
        yield record


def _placed(number: int, part: Part) -> Iterator[Placed]:
    for record, where in read_record_file(part.path):
        position = record.pop("position", None)
        if not isinstance(position, int):
            raise BadInput(f"{where}: a record of a shard without its position; make it again")
        yield position, number, record


def _moved(record: Record, path: Path, base: Path) -> Record:
    """Return a record with its path relative to `base`, not to the folder of its part."""
    folder = Path(absolute_path(path.parent))
    if folder == base:
        return record
    image = record.get("image")
    if not isinstance(image, str):
        raise BadInput(f"{path}: its paths cannot be moved: merge into the folder that it is in")
    return record | {
        "image": image if Path(image).is_absolute() else os.path.relpath(folder / image, base)
    }
