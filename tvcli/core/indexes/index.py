"""Indexes: a `.tvx` folder of embeddings, their search structure, and how queries are encoded.

`index.json` names the files that belong together and is replaced last, in one step, so whoever
opens an index sees the state before a change or the one after it.
"""

import hashlib
import os
import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.engines import Engine, Found, Mask, Rows, Vectors
from tvcli.core.errors import BadInput, Mismatch, UsageError
from tvcli.core.files.artifacts import Artifact, Columns, open_artifact
from tvcli.core.files.provenance import file_hash
from tvcli.core.files.trusted import was_named
from tvcli.core.indexes.manifest import REMOTE, Manifest, read_manifest
from tvcli.core.indexes.segments import Stored, unit
from tvcli.core.indexes.structure import engine_of
from tvcli.core.indexes.table_rows import TableRows

IN_MEMORY = 2**30  # bytes of float32 vectors that an index keeps once it has read them
LOOKED_AT = 16  # photos by which it is told where the photos lie


class Index:
    """An open index; use it in a `with`.

    Its rows are numbered without those removed; the files, and the search structure, number the
    rows stored (`stored_rows` tells which they are).
    """

    def __init__(
        self, path: Path, manifest: Manifest, stored: Stored | TableRows, root: Path | None = None
    ) -> None:
        self.path, self.manifest, self.stored = path, manifest, stored
        self.settings = manifest.settings
        self._named_root = root
        self._live = manifest.live  # None: all that are stored

    def __len__(self) -> int:
        return len(self.stored) if self.remote else self.manifest.rows

    @property
    def remote(self) -> TableRows | None:
        """Its rows, where they lie in a database."""
        return self.stored if isinstance(self.stored, TableRows) else None

    def stored_rows(self, rows: slice | Rows) -> slice | Rows:
        """Return where rows of the index are among the rows stored."""
        return rows if self._live is None else self._live[rows]

    def vectors(self, rows: slice | Rows) -> Vectors:
        """Return some rows as (n, D) float32 of unit length."""
        return self._gallery.vectors(self.stored_rows(rows))

    @cached_property
    def _gallery(self) -> "StoredVectors":
        return StoredVectors(self.stored, self.manifest)

    @cached_property
    def engine(self) -> Engine:
        """The search structure, which numbers the rows stored."""
        if self.remote is not None:
            return self.remote
        return engine_of(self.path, self.manifest, self._gallery)

    def search(self, queries: Vectors, k: int, allowed: Mask | None = None) -> Found:
        """Return similarities (Q, k) and rows (Q, k) of the closest to queries (Q, D) float32.

        Where a database finds fewer for a query than for another, it ends in rows -1.

        With `allowed` (N,) only those rows are found, perhaps fewer than k.
        """
        if queries.shape[1] != self.manifest.dimension:
            raise Mismatch(
                f"{self.path}: holds vectors of {self.manifest.dimension} values, "
                f"the query has {queries.shape[1]}"
            )
        if self.remote is not None:
            return self.remote.search(unit(queries), k)
        k = min(k, len(self))
        if self._live is None:
            return self.engine.search(unit(queries), k, allowed)
        mask = np.zeros(self.manifest.stored, bool)
        mask[self._live if allowed is None else self._live[allowed]] = True
        similarities, rows = self.engine.search(unit(queries), k, mask)
        return similarities, np.searchsorted(self._live, rows)

    def columns(self, rows: slice | Rows) -> Columns:
        """Return what is known of some rows: image, region, box, label and so on, by name."""
        names = [name for name in self.stored.names if name != "embeddings"]
        return {name: self.read(name, rows) for name in names}

    def read(self, name: str, rows: slice | Rows = slice(None)) -> Any:
        """Return rows of a column (all of them by default): an array, or a list of text."""
        return self.stored.read(name, self.stored_rows(rows))

    @property
    def rank_file(self) -> Path | None:
        """The head that its vectors were mapped by, kept in the index; None without one.

        Raises:
            Mismatch: the file there is another head than its vectors were mapped by.
        """
        rank = self.settings.get("rank")
        if rank is None:
            return None
        file: Path = self.path / rank["file"]
        if not file.is_file() or file_hash(file) != rank["hash"]:
            raise Mismatch(
                f"{file}: not the head that {self.path} was made with; make it again: "
                f"tv index ENCODINGS.h5 --rank {shlex.quote(str(rank['from']))} "
                f"-o {shlex.quote(str(self.path))}"
            )
        return file

    @property
    def graph(self) -> bytes | None:
        """The graph that encodes queries without torch, kept in the index; None without one.

        Raises:
            Mismatch: the file there is not the one that the index was made with.
        """
        known = self.settings.get("graph")
        if known is None:
            return None
        file: Path = self.path / known["file"]
        content = file.read_bytes() if file.is_file() else b""
        if hashlib.sha256(content).hexdigest() != known["hash"]:
            raise Mismatch(f"{file}: not the graph that {self.path} was made with; index again")
        return content

    @property
    def location_files(self) -> tuple[Path, Path] | None:
        """The classifier and the boxes' nets that its photos were located by; None without."""
        if "classifier" not in self.settings or "boxes" not in self.settings:
            return None
        first, second = (
            self.path / self.settings[kind]["file"] for kind in ("classifier", "boxes")
        )
        return first, second

    @contextmanager
    def maps(self) -> "Iterator[ByRow]":
        """Open the maps kept for re-ranking: row by row (D, H, W) float16, ready to compare.

        Raises:
            UsageError: the index keeps none.
        """
        if "maps" not in self.settings:
            raise UsageError(
                f"{self.path}: keeps no maps to re-rank by; make it again: "
                f"tv index ENCODINGS.h5 --maps -o {shlex.quote(str(self.path))}"
            )
        with open_artifact(self.path / self.settings["maps"]["file"], "encodings") as maps:
            if len(maps) != len(self.stored):
                raise BadInput(f"{self.path}: its maps are not of its rows; index again")
            yield ByRow(self, maps)

    @cached_property
    def images(self) -> list[str]:
        """The image of every row, relative to the root."""
        images: list[str] = self.read("image")
        return images

    @cached_property
    def labels(self) -> list[str]:
        """The label of every row, empty where not known."""
        labels: list[str] = self.read("label")
        return labels

    def find(self, image: str) -> Rows:
        """Return the rows of an image, named as in the index or by a path that leads to it."""
        absolute = os.path.abspath(image)  # noqa: PTH100 - links stay as they are
        names = {image, os.path.relpath(absolute, self.root), absolute}
        if self.remote is not None:
            return self.remote.find(names)
        return np.array([row for row, name in enumerate(self.images) if name in names], np.intp)

    @cached_property
    def root(self) -> Path:
        """The folder that images are relative to, wherever it lies now."""
        if self._named_root is not None:
            return Path(os.path.abspath(self._named_root))  # noqa: PTH100 - links stay
        moved = Path(os.path.abspath(self.path / self.settings["root"]))  # noqa: PTH100
        places = (moved, Path(self.settings["root_absolute"]))
        sample = self._some_images()
        there = (root for root in places if any((root / image).exists() for image in sample))
        return next(there, moved)

    def _some_images(self) -> list[str]:
        if self.remote is not None:
            return self.remote.some_images(LOOKED_AT)
        return [self.images[row] for row in range(0, len(self), len(self) // LOOKED_AT + 1)]


class StoredVectors:
    """The vectors of all rows stored; few that are all scanned are kept once they were read."""

    def __init__(self, stored: Stored | TableRows, manifest: Manifest) -> None:
        few = len(stored) * manifest.dimension * 4 <= IN_MEMORY
        self._stored, self._kept = stored, few and manifest.engine == "exact"

    def __len__(self) -> int:
        return len(self._stored)

    def vectors(self, rows: slice | Rows) -> Vectors:
        """Return some rows as (n, D) float32 of unit length."""
        whole = self._kept and (isinstance(rows, slice) or "_matrix" in self.__dict__)
        return self._matrix[rows] if whole else self._stored.vectors(rows)

    @cached_property
    def _matrix(self) -> Vectors:
        return self._stored.vectors()


class ByRow:
    """An open file that holds something for every row stored, asked by the rows of the index."""

    def __init__(self, index: Index, artifact: Artifact) -> None:
        self._index, self._artifact = index, artifact

    def __len__(self) -> int:
        return len(self._index)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of what a row has."""
        return self._artifact.row_shape

    def read(self, name: str, rows: slice | Rows) -> Any:
        """Return rows of a column: an array, or a list of text."""
        return self._artifact.read(name, self._index.stored_rows(rows))


@contextmanager
def open_index(path: Path, root: Path | None = None) -> Iterator[Index]:
    """Open an index after checking what it declares; its photos lie in `root` if that is named.

    While it is open it stays as it is, whatever is written meanwhile.

    Raises:
        BadInput: not there, not an index, or damaged; or `root` is not there.
        Mismatch: written by a newer version, or its rows lie in a database never named here.
    """
    if root is not None and not root.is_dir():
        raise BadInput(f"{root}: no such folder")
    with ExitStack() as stack:
        manifest, stored = _open_stored(path, stack)
        yield Index(path, manifest, stored, root)


def _check_named(path: Path, manifest: Manifest) -> None:
    """See that the database of an index is one that this user named: the index may be anyone's."""
    url = manifest.ann["url"]
    if not was_named("database", url):
        raise Mismatch(
            f"{path}: its rows lie in a database that you never named on this machine, and nothing "
            f"was sent there; if you trust it: tv search -i {shlex.quote(str(path))} --database "
            f"{shlex.quote(url)}"
        )


def _open_stored(path: Path, stack: ExitStack) -> tuple[Manifest, Stored | TableRows]:
    """Open what the manifest names, and again if it was replaced before all was open."""
    while True:
        manifest = read_manifest(path)
        if manifest.engine == REMOTE:
            _check_named(path, manifest)
            rows = TableRows(path, manifest)
            stack.callback(rows.table.database.close)
            return manifest, rows
        try:
            with ExitStack() as opening:
                segments = [
                    opening.enter_context(open_artifact(path / segment.file, "embeddings"))
                    for segment in manifest.segments
                ]
                stored = Stored(path, manifest, segments)
                stack.push(opening.pop_all())
                return manifest, stored
        except BadInput:
            if read_manifest(path) == manifest:
                raise
