"""Writing indexes: made anew, changed in place, and tidied when that pays.

Files are written beside those in use; `index.json`, replaced last, is what makes them the index.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core import engines
from tvcli.core.engines import Rows
from tvcli.core.engines.names import checked_engine
from tvcli.core.engines.postgres import is_url
from tvcli.core.errors import BadInput, TvError
from tvcli.core.files.artifacts import Columns, Unwritable, open_artifact, write_artifact
from tvcli.core.files.atomic_write import partial_of
from tvcli.core.files.locks import writing
from tvcli.core.files.paths import root_settings
from tvcli.core.indexes import table_rows
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.indexes.manifest import (
    BY_ROW,
    MANIFEST,
    Manifest,
    Segment,
    read_manifest,
    runs,
    write_manifest,
)
from tvcli.core.indexes.segments import Stored, unit
from tvcli.core.indexes.structure import build_ann

EngineName = str  # one of engines.names.CHOICES, or the URL of a database

STAMPS = "stamps.npy"  # when the photos were last looked at: a cache, of no state of the index
UNTIDY = 0.25  # rows added or removed since, in shares of the first segment: more, and it is tidied
MOST_SEGMENTS = 8
COPIED = 4096  # rows at a time


def build_index(
    target: Path,
    blocks: Iterator[Columns],
    settings: dict[str, Any],
    provenance: dict[str, Any],
    *,
    engine: EngineName = "auto",
    seed: int = 0,
    attach: Callable[[Path], None] = lambda folder: None,
    stored: bool = False,
) -> Manifest:
    """Write an index of blocks of rows whose `embeddings` are (n, D); an old one is replaced.

    `attach` writes the other files that `settings` names into the folder. `stored` vectors come
    from another index, and stay as they are to the last bit.

    Raises:
        BadInput: no rows, a vector that is not finite, or the target cannot be written.
    """
    if target.exists() and not (target / MANIFEST).is_file():
        raise BadInput(f"{target}: is there, but is no index; name another with -o")
    made = {**provenance, "seed": seed}
    with writing(target), _workplace(target) as folder:
        name = _next_name(folder)
        attach(folder)
        rows = blocks if stored else _checked(blocks)
        if is_url(engine):
            return _filled(folder, engine, target.stem, rows, settings, made)
        segment, dimension = _write_segment(folder, name, rows, settings, provenance)
        chosen = checked_engine(engine)
        manifest = Manifest([segment], dimension, chosen, settings, made, auto=engine == "auto")
        _commit(folder, manifest)
    return manifest


def _filled(
    folder: Path,
    url: str,
    stem: str,
    rows: Iterator[Columns],
    settings: dict[str, Any],
    made: dict[str, Any],
) -> Manifest:
    """Put the rows into a database, then write the manifest and drop the table of before."""
    before = read_manifest(folder) if (folder / MANIFEST).is_file() else None
    manifest = table_rows.filled(url, stem, rows, settings, made)
    write_manifest(folder, manifest)
    if before is not None:
        table_rows.forget(before, url)
    return manifest


def change_index(
    target: Path,
    index: Index,
    gone: Rows,
    copies: Iterator[Columns],
    blocks: Iterator[Columns],
    provenance: dict[str, Any],
) -> Manifest:
    """Take rows out of an index and add others; those who have it open keep what they have.

    `gone` are rows of the index; `copies` come with vectors as they are stored, `blocks` with
    `embeddings` (n, D) yet to be checked.

    Raises:
        BadInput: nothing would be left, a vector that is not finite, or it cannot be written.
    """
    if index.remote is not None:
        manifest = replace(index.manifest)
        manifest.provenance = {**manifest.provenance, "updated": provenance}
        rows = chain(copies, _checked(blocks))
        with writing(target):
            return table_rows.changed(target, manifest, index.remote, gone, rows)
    with writing(target), _workplace(target):
        manifest = _changed(target, index, gone, chain(copies, _checked(blocks)))
        manifest.provenance = {**manifest.provenance, "updated": provenance}
        write_manifest(target, manifest)
        with suppress(OSError, Unwritable):  # it is changed already: another time, then
            return _tidied(target, manifest)
        return manifest


def _changed(target: Path, index: Index, gone: Rows, rows: Iterator[Columns]) -> Manifest:
    """Write the rows added, if any; return the manifest with them, and without those gone."""
    old = index.manifest
    kept, segments = old.kept(), list(old.segments)
    kept[index.stored_rows(gone)] = False
    if (first := next(rows, None)) is not None:
        rows = chain([first], rows)
        added, _ = _write_segment(target, _next_name(target), rows, old.settings, {})
        segments.append(added)
        kept = np.append(kept, np.ones(added.rows, bool))
    if not kept.any():
        raise BadInput(f"{target}: nothing would be left of it: remove the folder instead")
    settings = {**old.settings, **root_settings(index.root, target / "in")}
    removed = runs(np.flatnonzero(~kept))
    return replace(old, segments=segments, removed=removed, settings=settings)


def _tidied(target: Path, manifest: Manifest) -> Manifest:
    """Join segments where that pays: all into one, or those after the first."""
    first = manifest.segments[0].rows
    changed = manifest.stored - first + manifest.stored - manifest.rows
    whole = changed > UNTIDY * first
    fixed = any(name in manifest.settings for name in BY_ROW)  # other files number its rows
    if fixed or not (whole or len(manifest.segments) > MOST_SEGMENTS):
        return manifest
    kept = manifest.kept()
    with open_index(target) as index:
        rows = np.flatnonzero(kept)
        assert isinstance(index.stored, Stored)  # those of a database are never tidied
        copies = stored_rows(index.stored, rows if whole else rows[rows >= first])
        joined, _ = _write_segment(target, _next_name(target), copies, manifest.settings, {})
    if whole:
        tidy = replace(manifest, segments=[joined], removed=[], ann={})
        _commit(target, tidy)
        return tidy
    tidy = replace(manifest, segments=[manifest.segments[0], joined])
    tidy.removed = runs(np.flatnonzero(~kept[:first]))
    write_manifest(target, tidy)
    return tidy


def stored_rows(stored: Stored, rows: Rows) -> Iterator[Columns]:
    """Yield blocks of rows with their vectors as they are stored."""
    for start in range(0, len(rows), COPIED):
        some = rows[start : start + COPIED]
        yield stored.columns(some)


@contextmanager
def _workplace(target: Path) -> Iterator[Path]:
    """Give the folder to write in: the index itself, or one that becomes it when all went well.

    Afterwards only the files that the manifest names are left.
    """
    there = (target / MANIFEST).is_file()
    folder = target if there else partial_of(target)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        if folder != target:
            folder.rename(target)
    except OSError as error:
        raise Unwritable(target, error.strerror or str(error)) from error
    except Unwritable as error:
        raise Unwritable(target, error.reason) from error
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
        manifest.engine = "exact" if manifest.rows <= engines.EXACT_UNTIL else "annoy"
    if manifest.engine in engines.STRUCTURES:
        with open_artifact(folder / manifest.segments[0].file, "embeddings") as rows:
            index = Index(folder, manifest, Stored(folder, manifest, [rows]))
            manifest.ann = build_ann(folder, manifest, index)
    write_manifest(folder, manifest)


def _next_name(folder: Path) -> str:
    """Return a name that no file of embeddings there has, nor has had since the newest."""
    names = [path.stem.removeprefix("embeddings-") for path in folder.glob("embeddings-*.h5")]
    return f"embeddings-{max((int(n) for n in names if n.isdecimal()), default=0) + 1}.h5"


def _checked(blocks: Iterator[Columns]) -> Iterator[Columns]:
    """Yield blocks with vectors of unit length, and `length`, what it was.

    Raises:
        BadInput: a vector that is zero or not finite.
    """
    for block in blocks:
        vectors = unit(block["embeddings"])
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1) | ~vectors.any(axis=1))
        if len(bad):
            image = block["image"][bad[0]]
            raise BadInput(f"{image}: its vector is zero or not finite; encode it again")
        lengths = np.linalg.norm(block["embeddings"].astype(np.float32), axis=1)
        yield {**block, "embeddings": vectors, "length": lengths.astype(np.float32)}
