"""Indexes made anew, and changed in place, wherever their rows lie."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.engines import Rows
from tvcli.core.engines.names import checked_engine
from tvcli.core.engines.postgres import is_url
from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import Columns
from tvcli.core.files.locks import writing
from tvcli.core.files.paths import MANIFEST, root_settings
from tvcli.core.images.arrays import unit
from tvcli.core.indexes.index import Index
from tvcli.core.indexes.manifest import Manifest
from tvcli.core.indexes.segment_files import build_segments
from tvcli.core.indexes.table_rows import build_table
from tvcli.core.indexes.workplace import workplace

EngineName = str  # one of engines.names.engine_names, or the URL of a database


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
        UsageError: there is no such engine.
        BadInput: no rows, a vector that is not finite, or the target cannot be written.
    """
    check_target(target)
    with writing(target), workplace(target) as folder:
        attach(folder)
        rows = blocks if stored else _checked(blocks)
        if is_url(engine):
            made = {**provenance, "seed": seed}
            return build_table(folder, engine, target.stem, rows, settings, made)
        return build_segments(folder, rows, checked_engine(engine), settings, provenance, seed)


def check_target(target: Path) -> None:
    """Raise BadInput if something is there that is no index: it is not replaced by one."""
    if target.exists() and not (target / MANIFEST).is_file():
        raise BadInput(f"{target}: is there, but is no index; name another with -o")


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
    manifest = replace(
        index.manifest,
        settings={**index.settings, **root_settings(index.root, target / "in")},
        provenance={**index.manifest.provenance, "updated": provenance},
    )
    return index.store.change(target, manifest, gone, chain(copies, _checked(blocks)))


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
