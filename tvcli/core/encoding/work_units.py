"""Work units: what a worker of a cluster encodes at a time, written down where all can read it.

One is some chunks and becomes one part, a file of its own, under a name that is the unit's alone:
whoever encodes it again writes the very same file, so nothing is lost and nothing there twice.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from tvcli.core.blocks import blocks_of
from tvcli.core.encoding.checkpoints import fill_part, identity, part_path, row_shape
from tvcli.core.encoding.encode import Chunk, encode_chunks
from tvcli.core.encoding.encoder import Encoder
from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import open_artifact, write_artifact
from tvcli.core.files.paths import shown_path
from tvcli.core.files.records import Region
from tvcli.core.reports import Report

WORK_UNITS = "lots.jsonl"
TRIES = 5  # of a work unit whose workers die, before it is taken to be what kills them
CHUNKS = 16  # in one: a few hundred photos, seconds of work, which is what a dead worker costs


@dataclass(frozen=True, slots=True)
class WorkUnit:
    """A work unit by its number, and where it stands in their file."""

    number: int
    offset: int


def write_work_units(folder: Path, chunks: Iterable[Chunk], root: Path) -> list[WorkUnit]:
    """Write the work units of a job into its folder; return those whose parts are not there yet.

    Parts of before are kept as long as their photos are the same.

    Raises:
        BadInput: a picture that came through a pipe, which workers cannot read.
    """
    missing: list[WorkUnit] = []
    number = -1
    for path in folder.glob("tries-*"):
        path.unlink()
    with (folder / WORK_UNITS).open("wb") as stream:
        for number, work_unit in enumerate(blocks_of(chunks, CHUNKS)):
            if not _is_done(path := part_path(folder, number), work_unit, root):
                path.unlink(missing_ok=True)
                missing.append(WorkUnit(number, stream.tell()))
            stream.write(_line(work_unit))
    for path in folder.glob("part-*.h5"):
        if path not in {part_path(folder, n) for n in range(number + 1)}:
            path.unlink()
    return missing


def encode_work_unit(
    folder: Path, work_unit: WorkUnit, root: Path, encoder: Encoder, workers: int
) -> None:
    """Encode a work unit into its part, with so many threads.

    Raises:
        BadInput: the folder or the photos cannot be seen from here, or workers keep dying of it.
    """
    for path in (folder / WORK_UNITS, root):
        if not path.exists():
            raise BadInput(f"{path}: not there for a worker: all nodes must share the storage")
    with (folder / WORK_UNITS).open("rb") as stream:
        stream.seek(work_unit.offset)
        chunks = _chunks(stream.readline())
    tries = _count_try(folder, work_unit)
    rows = encode_chunks(chunks, root, encoder, workers)
    with write_artifact(part_path(folder, work_unit.number), "encodings", {}, {}) as writer:
        writer.settings = fill_part(writer, rows, root, Report())
        if writer.rows == 0:
            writer.declare(row_shape(encoder))
    tries.unlink(missing_ok=True)


def tell_part(path: Path, root: Path, report: Report) -> None:
    """Count what a part holds as done, and tell what it had to leave out."""
    with open_artifact(path, "encodings") as part:
        rows, skips = len(part), part.settings["skips"]
    for image, stage, reason in skips:
        report.skip(shown_path(root, image), stage, reason)
    report.advance(rows)


def _count_try(folder: Path, work_unit: WorkUnit) -> Path:
    """Note that a work unit is begun; raises BadInput where that never ended well."""
    path = folder / f"tries-{work_unit.number:06}"
    with path.open("ab") as stream:
        stream.write(b".")
    if path.stat().st_size > TRIES:
        raise BadInput(
            f"{folder / WORK_UNITS}:{work_unit.number + 1}: {TRIES} workers died of these photos: "
            "one of them may need more memory than they have; find it, take it out, and go on"
        )
    return path


def filled_parts(folder: Path) -> Iterator[Path]:
    """Yield the parts of a job that have rows, in order: one of bad photos alone has none."""
    for path in sorted(folder.glob("part-*.h5")):
        with open_artifact(path, "encodings") as part:
            rows = len(part)
        if rows:
            yield path


def _is_done(path: Path, chunks: list[Chunk], root: Path) -> bool:
    if not path.exists():
        return False
    try:
        with open_artifact(path, "encodings") as part:
            return bool(part.settings["identity"] == identity(chunks, root))
    except BadInput:
        return False


def _line(chunks: list[Chunk]) -> bytes:
    photos = [[[_fields(region) for region in p] for p in chunk.photos] for chunk in chunks]
    return json.dumps(photos).encode() + b"\n"


def _fields(region: Region) -> tuple[object, ...]:
    if region.data is not None:
        raise BadInput("-: a picture on standard input cannot be encoded by a cluster")
    return astuple(replace(region, prepared=None))[:-1]  # a worker opens the photo itself


def _chunks(line: bytes) -> Iterator[Chunk]:
    for photos in json.loads(line):
        yield Chunk([[Region(*map(_tupled, fields)) for fields in photo] for photo in photos])


def _tupled(value: Any) -> Any:
    """Return a value of JSON with tuples for its lists, as regions have them."""
    return tuple(map(_tupled, value)) if isinstance(value, list) else value
