"""Writing the rows of an index into files of its folder: made anew, changed, tidied when that pays.

Files are written beside those in use; `index.json`, replaced last, is what makes them the index.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core import engines
from tvcli.core.engines import Mask, Rows
from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import Columns, open_artifact, slices, write_artifact
from tvcli.core.files.atomic_write import Unwritable
from tvcli.core.files.fields import Value
from tvcli.core.files.locks import writing
from tvcli.core.indexes.manifest import (
    BY_ROW,
    EDITED_FIELDS,
    Manifest,
    Segment,
    runs,
    write_manifest,
)
from tvcli.core.indexes.segments import Stored, StoredVectors
from tvcli.core.indexes.structure import build_ann
from tvcli.core.indexes.workplace import workplace

UNTIDY = 0.25  # rows added or removed since, in shares of the first segment: more, and it is tidied
MOST_SEGMENTS = 8
COPIED = 4096  # rows at a time


def build_segments(
    folder: Path,
    blocks: Iterator[Columns],
    engine: str,
    settings: dict[str, Any],
    provenance: dict[str, Any],
    seed: int,
) -> Manifest:
    """Write blocks of rows into the folder of an index, searched by an engine (or `auto`).

    Raises:
        BadInput: no rows, or they cannot be written.
    """
    name, made = _next_name(folder), {**provenance, "seed": seed}
    segment, dimension = _write_segment(folder, name, blocks, settings, provenance)
    manifest = Manifest([segment], dimension, engine, settings, made, auto=engine == "auto")
    _commit(folder, manifest)
    return manifest


def open_segments(path: Path, manifest: Manifest, stack: ExitStack) -> Stored:
    """Open the segments that a manifest names, for as long as the stack is.

    Raises:
        BadInput: one is gone, damaged, or not as declared.
    """
    with ExitStack() as opening:
        files = [
            opening.enter_context(open_artifact(path / segment.file, "embeddings"))
            for segment in manifest.segments
        ]
        edited = None
        if name := manifest.edited_fields.get("file"):
            edited = opening.enter_context(open_artifact(path / name, "fields"))
        stored = Stored(path, manifest, files, edited)
        stack.push(opening.pop_all())
        return stored


def change_segments(
    target: Path, manifest: Manifest, kept: Mask, rows: Iterator[Columns]
) -> Manifest:
    """Write the rows added, if any, and the manifest with them and with those stored and `kept`.

    Raises:
        BadInput: nothing would be left, or it cannot be written.
    """
    with writing(target), workplace(target):
        segments = list(manifest.segments)
        if (first := next(rows, None)) is not None:
            rows = chain([first], rows)
            added, _ = _write_segment(target, _next_name(target), rows, manifest.settings, {})
            segments.append(added)
            kept = np.append(kept, np.ones(added.rows, bool))
        if not kept.any():
            raise BadInput(f"{target}: nothing would be left of it: remove the folder instead")
        removed = runs(np.flatnonzero(~kept))
        manifest = replace(manifest, segments=segments, removed=removed)
        write_manifest(target, manifest)
        with suppress(OSError, Unwritable):  # it is changed already: another time, then
            return _tidied(target, manifest)
        return manifest


def edit_fields(
    target: Path, manifest: Manifest, stored: Stored, rows: Rows, fields: Sequence[dict[str, Value]]
) -> Manifest:
    """Give some of the rows stored other fields, in one file of those of all rows.

    The segments and the structure stay as they are.

    Raises:
        BadInput: it cannot be written.
    """
    changed = dict(zip(rows.tolist(), fields, strict=True))
    with writing(target), workplace(target):
        name = _next_name(target, "fields")
        with write_artifact(target / name, "fields", {}, {}) as writer:
            for some in slices(len(stored), COPIED):
                known = stored.read("fields", some)
                now = [changed.get(row, old) for row, old in enumerate(known, some.start)]
                writer.append({"image": stored.read("image", some), "fields": now})
        edited = {EDITED_FIELDS: {"file": name, "rows": len(stored)}}
        manifest = replace(manifest, settings={**manifest.settings, **edited})
        write_manifest(target, manifest)
        return manifest


def _tidied(target: Path, manifest: Manifest) -> Manifest:
    """Join segments where that pays: all into one, or those after the first."""
    first = manifest.segments[0].rows
    changed = manifest.stored - first + manifest.stored - manifest.rows
    whole = changed > UNTIDY * first
    fixed = any(name in manifest.settings for name in BY_ROW)  # other files number its rows
    if fixed or not (whole or len(manifest.segments) > MOST_SEGMENTS):
        return manifest
    kept = manifest.kept()
    with ExitStack() as stack:
        rows = np.flatnonzero(kept)
        stored = open_segments(target, manifest, stack)
        rows = rows if whole else rows[rows >= first]
        copies = (stored.columns(rows[some]) for some in slices(len(rows), COPIED))
        joined, _ = _write_segment(target, _next_name(target), copies, manifest.settings, {})
    if whole:
        settings = {k: v for k, v in manifest.settings.items() if k != EDITED_FIELDS}
        tidy = replace(manifest, segments=[joined], removed=[], ann={}, settings=settings)
        _commit(target, tidy)
        return tidy
    settings = dict(manifest.settings)
    if edited := manifest.edited_fields:  # those of the rows joined are in the new segment
        settings[EDITED_FIELDS] = edited | {"rows": min(edited["rows"], first)}
    tidy = replace(manifest, segments=[manifest.segments[0], joined], settings=settings)
    tidy.removed = runs(np.flatnonzero(~kept[:first]))
    write_manifest(target, tidy)
    return tidy


def _write_segment(
    folder: Path,
    name: str,
    blocks: Iterator[Columns],
    settings: dict[str, Any],
    provenance: dict[str, Any],
) -> tuple[Segment, int]:
    """Write a file of embeddings; return what the manifest says of it, and their dimension."""
    with write_artifact(folder / name, "embeddings", settings, provenance) as writer:
        for block in blocks:
            writer.append(block)
        if writer.rows == 0:
            raise BadInput(f"{folder}: nothing to index")
    with open_artifact(folder / name, "embeddings") as rows:
        return Segment(name, len(rows)), rows.row_shape[0]


def _commit(folder: Path, manifest: Manifest) -> None:
    """Make the search structure of a single segment, and write the manifest."""
    if manifest.auto:
        few = manifest.rows <= engines.EXACT_UNTIL
        manifest.engine = "exact" if few or engines.why_not("annoy") else "annoy"
    if manifest.engine in engines.STRUCTURES:
        with open_artifact(folder / manifest.segments[0].file, "embeddings") as rows:
            vectors = StoredVectors(Stored(folder, manifest, [rows], None), manifest)
            manifest.ann = build_ann(folder, manifest, vectors)
    write_manifest(folder, manifest)


def _next_name(folder: Path, kind: str = "embeddings") -> str:
    """Return a name that no file of a kind there has, nor has had since the newest."""
    names = [path.stem.removeprefix(f"{kind}-") for path in folder.glob(f"{kind}-*.h5")]
    return f"{kind}-{max((int(n) for n in names if n.isdecimal()), default=0) + 1}.h5"
