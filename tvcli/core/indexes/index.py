"""Indexes: a `.tvx` folder of embeddings, their search structure, and how queries are encoded.

`index.json` names the files that belong together and is replaced last, in one step, so whoever
opens an index sees the state before a change or the one after it.
"""

import hashlib
import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from tvcli.core.boxes import Box
from tvcli.core.engines import STRUCTURES, Found, Mask, Rows, Vectors, why_not
from tvcli.core.engines.condition_types import check_columns
from tvcli.core.engines.conditions import COLUMNS, Condition
from tvcli.core.errors import BadInput, Mismatch, UsageError
from tvcli.core.files.artifacts import ALL, Artifact, Columns, Some, Table, open_artifact
from tvcli.core.files.fields import shown
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.provenance import file_hash
from tvcli.core.files.spellings import as_on_disk, other_spellings
from tvcli.core.images.arrays import unit
from tvcli.core.indexes.manifest import Manifest
from tvcli.core.indexes.row_store import RowStore
from tvcli.core.indexes.stores import open_store

Content = tuple[str, Box]  # the digest of a photo and the region of it
LOOKED_AT = 16  # photos by which it is told where the photos lie


class Index:
    """An open index; use it in a `with`. Its rows are in a `store`, without those removed."""

    def __init__(
        self, path: Path, manifest: Manifest, store: RowStore, root: Path | None = None
    ) -> None:
        self.path, self.manifest, self.store = path, manifest, store
        self.settings = manifest.settings
        self._named_root = root

    def __len__(self) -> int:
        return len(self.store)

    def vectors(self, rows: slice | Rows) -> Vectors:
        """Return some rows as (n, D) float32 of unit length."""
        return self.store.vectors(rows)

    @cached_property
    def contents(self) -> list[Content]:
        """The digest and the region of every row, by which what is kept of photos is found."""
        return contents_of(self)

    def search(
        self,
        queries: Vectors,
        k: int,
        allowed: Mask | None = None,
        *,
        where: Sequence[Condition] = (),
        budget: int | None = None,
    ) -> Found:
        """Return similarities (Q, n) and rows (Q, n) of the k closest to queries (Q, D) float32.

        Only rows that are `allowed` (N,), if that is given, and meet all conditions (`where`) are
        found, perhaps fewer than k; a query that finds fewer than another ends in rows -1. A
        `budget` is how hard the engine looks, in units of its own, instead of the one measured
        when the index was made; an engine that compares everything needs none.

        Raises:
            BadInput: the index, or a query, has a vector that is not finite.
            Mismatch: the queries are of another dimension than the index.
            UsageError: a condition asks for a column that no row has, or that can never meet it.
        """
        if queries.shape[1] != self.manifest.dimension:
            raise Mismatch(
                f"{self.path}: holds vectors of {self.manifest.dimension} values, "
                f"the query has {queries.shape[1]}"
            )
        check_columns(where, self.store.field_types if where else {}, self.path)
        try:
            return self.store.search(unit(queries), k, allowed, where, budget)
        except FloatingPointError as error:
            raise BadInput(f"{self.path}: {error}: its vectors are damaged; index again") from error

    def why_exact(self) -> str:
        """Return why its search structure is not used, empty where it is or there is none."""
        engine = self.manifest.engine
        return why_not(engine) if engine in STRUCTURES else ""

    def columns(self, rows: slice | Rows) -> Columns:
        """Return what is known of some rows: image, region, box, label and so on, by name."""
        names = [name for name in self.store.names if name != "embeddings"]
        return {name: self.read(name, rows) for name in names}

    def meeting(self, where: Sequence[Condition]) -> Rows:
        """Return the rows that meet all conditions, rising; raises UsageError as `search` does."""
        check_columns(where, self.store.field_types, self.path)
        return self.store.meeting(where)

    def examples(self, name: str, count: int) -> list[str]:
        """Return what some of the first rows have in a column of texts, or as a field."""
        rows = slice(0, min(count, len(self)))
        if name in COLUMNS:
            texts: list[str] = self.read(name, rows)
            return texts
        known = [fields.get(name) for fields in self.read("fields", rows)]
        return ["" if value is None else shown(value) for value in known]

    def read(self, name: str, rows: slice | Rows = slice(None)) -> Any:
        """Return rows of a column (all of them by default): an array, or a list of text."""
        return self.store.read(name, rows)

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
            if len(maps) != self.store.stored:
                raise BadInput(f"{self.path}: its maps are not of its rows; index again")
            yield ByRow(self, maps)

    @property
    def images(self) -> list[str]:
        """The image of every row, relative to the root."""
        return self.store.images

    @cached_property
    def labels(self) -> list[str]:
        """The label of every row, empty where not known."""
        labels: list[str] = self.read("label")
        return labels

    def find(self, image: str) -> Rows:
        """Return the rows of an image, named as in the index or by a path that leads to it."""
        absolute = absolute_path(image)
        spelled = {as_on_disk(path) for path in (absolute, absolute_path(self.root / image))}
        paths = {absolute, *spelled}
        names = {image, *paths, *(os.path.relpath(path, self.root) for path in paths)}
        return self.store.find(names.union(*map(other_spellings, names)))

    @cached_property
    def root(self) -> Path:
        """The folder that images are relative to, wherever it lies now."""
        if self._named_root is not None:
            return Path(as_on_disk(absolute_path(self._named_root)))
        moved = Path(as_on_disk(absolute_path(self.path / self.settings["root"])))
        places = (moved, Path(as_on_disk(self.settings["root_absolute"])))
        sample = self.store.some_images(LOOKED_AT)
        there = (root for root in places if any((root / image).exists() for image in sample))
        return next(there, moved)


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
        return self._artifact.read(name, self._index.store.positions(rows))


def contents_of(table: Table, rows: Some = ALL) -> list[Content]:
    """Return the contents of some rows of an index, or of a file of what is kept of its photos."""
    regions = ((x0, y0, x1, y1) for x0, y0, x1, y1 in table.read("region", rows).tolist())
    return list(zip(table.read("digest", rows), regions, strict=True))


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
        manifest, store = open_store(path, stack)
        yield Index(path, manifest, store, root)
