"""Long jobs of encoding: written in parts, gone on with after a kill, whole or not at all.

A part is a finished file of some chunks. A job that was killed uses its parts again as long as
their photos are the same, so it goes on with the very same batches and ends in the same file.
"""

import hashlib
import json
import math
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.encoding.changes import Asked
from tvcli.core.encoding.encode import Chunk, Encoded, Skipped, chunked, encode_chunks
from tvcli.core.encoding.encoder import Encoder
from tvcli.core.encoding.renewal import PINNED
from tvcli.core.errors import BadInput, Mismatch
from tvcli.core.files.artifacts import (
    Columns,
    Writer,
    joined_rows,
    open_artifact,
    some_rows,
    write_artifact,
)
from tvcli.core.files.atomic_write import atomic_write, told_unwritable
from tvcli.core.files.locks import writing
from tvcli.core.files.paths import root_settings, shown_path
from tvcli.core.files.sources import Source
from tvcli.core.reports import Report, nothing_found, number_of

PART_SECONDS = 15.0  # what a kill may cost
PART_BYTES = 256 * 2**20
ROWS_COPIED_AT_ONCE = 256  # rows copied at a time

PartsMaker = Callable[[Path, Source, Encoder, Report], Iterator[Path]]


def encode_file(
    source: Source,
    encoder: Encoder,
    target: Path,
    report: Report,
    provenance: dict[str, Any],
    make_parts: PartsMaker | None = None,
) -> int:
    """Encode a source into an encodings file, which appears only when whole; return its rows.

    `make_parts` makes its parts elsewhere than in this process, as a cluster does.

    Raises:
        BadInput: no photo could be encoded, or the target cannot be written.
        Mismatch: an interrupted job with other settings is in the way.
    """
    settings, asked = encoding_settings(encoder, source.root, target), Asked()
    source = replace(source, regions=asked.watch(source.to_encode))
    with encoded_parts(source, encoder, target, report, make_parts=make_parts) as parts:
        shape = () if parts else row_shape(encoder)
        blocks = part_columns(parts, asked.of)
        return write_rows(target, blocks, settings | source.note, provenance, shape)


def row_shape(encoder: Encoder) -> tuple[int, ...]:
    """Return the shape of an encoder's rows, by encoding a blank picture."""
    side = encoder.settings.size
    return encoder.encode([np.zeros((side, side, 3), np.uint8)]).shape[1:]


def encoding_settings(encoder: Encoder, root: Path, target: Path) -> dict[str, Any]:
    """Return what an artifact of rows records about them."""
    return {
        "encoder": encoder.spec,
        "runtime": encoder.network.runtime,
        "weights_file": encoder.weights_file,
        **({PINNED: encoder.generation} if encoder.generation else {}),
        **root_settings(root, target),
    }


def write_rows(
    target: Path,
    blocks: Iterator[Columns],
    settings: dict[str, Any],
    provenance: dict[str, Any],
    shape: tuple[int, ...] = (),
) -> int:
    """Write blocks of rows into an encodings file, in order; return how many.

    `shape` is that of a row, needed where there are none: the shard of a short list may be empty.
    """
    with write_artifact(target, "encodings", settings, provenance) as writer:
        for columns in blocks:
            writer.append(columns)
        if writer.rows == 0:
            writer.declare(shape)
    return writer.rows


def part_columns(parts: list[Path], asked: Callable[[str], str]) -> Iterator[Columns]:
    """Yield the rows of encodings files in order, in blocks as `in_blocks` makes them.

    They come with what was `asked` for of their photos.
    """
    for columns in in_blocks(block for path in parts for block in _blocks_of(path)):
        yield columns | {"asked": [asked(image) for image in columns["image"]]}


def _blocks_of(path: Path) -> Iterator[Columns]:
    with open_artifact(path, "encodings") as part:
        yield from (part.read_columns(rows) for rows in part.blocks(ROWS_COPIED_AT_ONCE))


def in_blocks(blocks: Iterable[Columns], rows: int = ROWS_COPIED_AT_ONCE) -> Iterator[Columns]:
    """Yield the same rows in blocks of `rows`, whatever the sizes of the blocks given.

    So the file they are written into does not depend on where parts happened to end.
    """
    waiting: Columns = {}
    for block in blocks:
        waiting = joined_rows([waiting, block])
        while waiting and len(waiting["image"]) >= rows:
            yield some_rows(waiting, slice(rows))
            waiting = some_rows(waiting, slice(rows, None))
    if waiting and waiting["image"]:
        yield waiting


@contextmanager
def encoded_parts(
    source: Source,
    encoder: Encoder,
    target: Path,
    report: Report,
    *,
    even_none: bool = False,
    make_parts: PartsMaker | None = None,
) -> Iterator[list[Path]]:
    """Encode a source into part files beside `target`, which are removed when all went well.

    `make_parts` makes them (None: this process) in the folder that it is given.

    Raises:
        BadInput: no photo could be encoded (unless `even_none`), the folder cannot be written, or
            others are writing the target.
        Mismatch: an interrupted job with other settings is in the way.
    """
    folder = parts_folder(target)
    with writing(target):
        try:
            with told_unwritable(target):
                _claim(folder, encoder, source, target)
                parts = list((make_parts or _encode_parts)(folder, source, encoder, report))
        except BaseException:
            if not any(folder.glob("part-*")):  # it ended with nothing to go on from
                shutil.rmtree(folder, ignore_errors=True)
            raise
        if not (parts or even_none or (source.share and source.share.listed)):
            shutil.rmtree(folder)
            raise nothing_found(report, source.arguments)
        yield parts
        shutil.rmtree(folder)


def parts_folder(target: Path) -> Path:
    """Return where the parts of a target are written: beside it."""
    return target.with_name(f".{target.name}.parts")


def _claim(folder: Path, encoder: Encoder, source: Source, target: Path) -> None:
    """Make the job's folder, or see that the one there is of the same job."""
    job = {"encoder": encoder.spec, "batch": encoder.batch, "root": str(source.root)}
    job["runtime"] = encoder.network.runtime
    note = folder / "job.json"
    if note.exists() and note.read_text("utf-8") != json.dumps(job):
        raise Mismatch(
            f"{target}: an interrupted job with other settings is in the way: go on with its "
            f"settings, or give it up with: rm -r '{folder}'"
        )
    folder.mkdir(exist_ok=True)
    with atomic_write(note) as partial:  # half of it would be taken for another job's
        partial.write_text(json.dumps(job), "utf-8")


def _encode_parts(folder: Path, source: Source, encoder: Encoder, report: Report) -> Iterator[Path]:
    report.start("encoding", "photos", source.total)
    report.detail(encoder.in_words)
    chunks = chunked(source.regions, encoder.batch)
    number, before = 0, report.done
    while (path := part_path(folder, number)).exists():
        changed = _take_again(path, chunks, source.root, report)
        if changed:
            chunks = chain(changed, chunks)
            break
        number += 1
        yield path
    if number:
        kept = number_of(report.done - before, "photo or part", "photos or parts")
        report.note(f"{kept} kept of a job that was interrupted")
    for path in sorted(folder.glob("part-*.h5"))[number:]:
        path.unlink()
    rest = encode_chunks(chunks, source.root, encoder)
    yield from _write_parts(folder, number, rest, source.root, report)


def _take_again(path: Path, chunks: Iterator[Chunk], root: Path, report: Report) -> list[Chunk]:
    """Count an old part as done; where its photos are no longer the same, give them back."""
    try:
        with open_artifact(path, "encodings") as part:
            about, rows = part.settings, len(part)
    except BadInput:
        return list(islice(chunks, 1))
    taken = list(islice(chunks, about["chunks"]))
    if identity(taken, root) != about["identity"]:
        return taken
    for image, stage, reason in about["skips"]:
        report.skip(shown_path(root, image), stage, reason)
    report.advance(rows)
    return []


def _write_parts(
    folder: Path, number: int, encoded: Iterator[Encoded], root: Path, report: Report
) -> Iterator[Path]:
    for first in encoded:
        path = part_path(folder, number)
        with write_artifact(path, "encodings", {}, {}, durable=False) as writer:
            items, limits = chain([first], encoded), {"seconds": PART_SECONDS, "size": PART_BYTES}
            writer.settings = fill_part(writer, items, root, report, **limits)
        if writer.rows == 0:  # only bad photos: there is nothing to keep
            path.unlink()
            continue
        number += 1
        yield path


def fill_part(
    writer: Writer,
    encoded: Iterator[Encoded],
    root: Path,
    report: Report,
    *,
    seconds: float = math.inf,
    size: float = math.inf,
) -> dict[str, Any]:
    """Write rows until the part has lasted or grown enough; return what it must remember."""
    started, written = time.monotonic(), 0
    chunks: list[Chunk] = []
    skips: list[Skipped] = []
    for item in encoded:
        chunks.append(item.chunk)
        skips += item.skips
        for image, stage, reason in item.skips:
            report.skip(shown_path(root, image), stage, reason)
        for note in item.notes:
            report.remark(note)
        if len(item):
            writer.append(item.columns)
            written += item.columns["encodings"].nbytes
            report.advance(len(item))
        if writer.rows and (written > size or time.monotonic() - started > seconds):
            break
    return {"chunks": len(chunks), "identity": identity(chunks, root), "skips": skips}


def identity(chunks: list[Chunk], root: Path) -> str:
    """Return a hash of which regions chunks hold, and of their photos' sizes and times."""
    content = hashlib.sha256()
    for regions in (regions for chunk in chunks for regions in chunk.photos):
        content.update(repr((regions, _stamp(root / regions[0].image))).encode())
    return content.hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns


def part_path(folder: Path, number: int) -> Path:
    """Return the name of a part of a job."""
    return folder / f"part-{number:06}.h5"
