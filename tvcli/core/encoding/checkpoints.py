"""Long jobs of encoding: written in parts, gone on with after a kill, whole or not at all.

A part is a finished file of some chunks. A job that was killed uses its parts again as long as
their photos are the same, so it goes on with the very same batches and ends in the same file.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.artifacts import Columns, Writer, open_artifact, write_artifact
from tvcli.core.encoding.encode import Chunk, Encoded, Skipped, chunked, encode_chunks
from tvcli.core.encoding.encoder import Encoder
from tvcli.core.errors import BadInput, Mismatch
from tvcli.core.reports import Report
from tvcli.core.roots import root_settings
from tvcli.core.sources import Source

PART_SECONDS = 15.0  # what a kill may cost
PART_BYTES = 256 * 2**20
BLOCK = 256  # rows copied at a time


def encode_file(
    source: Source, encoder: Encoder, target: Path, report: Report, provenance: dict[str, Any]
) -> int:
    """Encode a source into an encodings file, which appears only when whole; return its rows.

    Raises:
        BadInput: no photo could be encoded, or the target cannot be written.
        Mismatch: an interrupted job with other settings is in the way.
    """
    settings = encoding_settings(encoder, source.root, target)
    with encoded_parts(source, encoder, target, report) as parts:
        return join_parts(parts, target, settings, provenance)


def encoding_settings(encoder: Encoder, root: Path, target: Path) -> dict[str, Any]:
    """Return what an artifact of rows records about them."""
    return {
        "encoder": encoder.spec,
        "weights_file": encoder.weights_file,
        **root_settings(root, target),
    }


def join_parts(
    parts: list[Path], target: Path, settings: dict[str, Any], provenance: dict[str, Any]
) -> int:
    """Write the rows of encodings files into one, in order; return how many."""
    with write_artifact(target, "encodings", settings, provenance) as writer:
        for columns in part_columns(parts):
            writer.append(columns)
    return writer.rows


def part_columns(parts: list[Path], rows: int = BLOCK) -> Iterator[Columns]:
    """Yield the rows of encodings files in order, in blocks of `rows` whatever the parts' sizes.

    So the file they are joined into does not depend on where the parts happened to end.
    """
    waiting: Columns = {}
    for path in parts:
        with open_artifact(path, "encodings") as part:
            for block in part.blocks(rows):
                waiting = _joined(waiting, part.read_columns(block))
                while len(waiting["image"]) >= rows:
                    yield {name: values[:rows] for name, values in waiting.items()}
                    waiting = {name: values[rows:] for name, values in waiting.items()}
    if waiting and waiting["image"]:
        yield waiting


def _joined(first: Columns, second: Columns) -> Columns:
    if not first or not first["image"]:
        return second
    return {
        name: values + second[name]
        if isinstance(values, list)
        else np.concatenate([values, second[name]])
        for name, values in first.items()
    }


@contextmanager
def encoded_parts(
    source: Source, encoder: Encoder, target: Path, report: Report
) -> Iterator[list[Path]]:
    """Encode a source into part files beside `target`, which are removed when all went well.

    Raises:
        BadInput: no photo could be encoded, or the folder cannot be written.
        Mismatch: an interrupted job with other settings is in the way.
    """
    folder = target.with_name(f".{target.name}.parts")
    try:
        _claim(folder, encoder, source, target)
        parts = list(_encode_parts(folder, source, encoder, report))
    except OSError as error:
        raise BadInput(f"{target}: cannot be written: {error.strerror or error}") from error
    if not parts:
        shutil.rmtree(folder)
        raise BadInput(_nothing_encoded(report))
    yield parts
    shutil.rmtree(folder)


def _claim(folder: Path, encoder: Encoder, source: Source, target: Path) -> None:
    """Make the job's folder, or see that the one there is of the same job."""
    job = {"encoder": encoder.spec, "batch": encoder.batch, "root": str(source.root)}
    note = folder / "job.json"
    if note.exists() and note.read_text("utf-8") != json.dumps(job):
        raise Mismatch(
            f"{target}: an interrupted job with other settings is in the way: go on with its "
            f"settings, or give it up with: rm -r '{folder}'"
        )
    folder.mkdir(exist_ok=True)
    note.write_text(json.dumps(job), "utf-8")


def _encode_parts(folder: Path, source: Source, encoder: Encoder, report: Report) -> Iterator[Path]:
    report.start("encoding", "photos", source.total)
    chunks = chunked(source.regions, encoder.batch)
    number = 0
    while (path := _part_path(folder, number)).exists():
        changed = _take_again(path, chunks, source.root, report)
        if changed:
            chunks = chain(changed, chunks)
            break
        number += 1
        yield path
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
    if _identity(taken, root) != about["identity"]:
        return taken
    for image, stage, reason in about["skips"]:
        report.skip(image, stage, reason)
    report.advance(rows)
    return []


def _write_parts(
    folder: Path, number: int, encoded: Iterator[Encoded], root: Path, report: Report
) -> Iterator[Path]:
    for first in encoded:
        path = _part_path(folder, number)
        with write_artifact(path, "encodings", {}, {}, durable=False) as writer:
            writer.settings = _fill_part(writer, chain([first], encoded), root, report)
        if writer.rows == 0:  # only bad photos: there is nothing to keep
            path.unlink()
            continue
        number += 1
        yield path


def _fill_part(
    writer: Writer, encoded: Iterator[Encoded], root: Path, report: Report
) -> dict[str, Any]:
    """Write rows until the part has lasted or grown enough; return what it must remember."""
    started, written = time.monotonic(), 0
    chunks: list[Chunk] = []
    skips: list[Skipped] = []
    for item in encoded:
        chunks.append(item.chunk)
        skips += item.skips
        for skip in item.skips:
            report.skip(*skip)
        if len(item):
            writer.append(item.columns)
            written += item.columns["encodings"].nbytes
            report.advance(len(item))
        if writer.rows and (written > PART_BYTES or time.monotonic() - started > PART_SECONDS):
            break
    return {"chunks": len(chunks), "identity": _identity(chunks, root), "skips": skips}


def _identity(chunks: list[Chunk], root: Path) -> str:
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


def _part_path(folder: Path, number: int) -> Path:
    return folder / f"part-{number:06}.h5"


def _nothing_encoded(report: Report) -> str:
    if not report.skipped:
        return "no photos found: name photos, folders of photos, or a list of them"
    first = report.skipped[0]
    return f"none of {len(report.skipped)} photos could be used; {first.image}: {first.reason}"
