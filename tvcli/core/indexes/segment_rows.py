"""Rows in HDF5 files of the index's folder, and the search structure over them."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.engines import Engine, Found, Mask, Rows, Vectors
from tvcli.core.engines.conditions import COLUMNS, Condition, rows_meeting
from tvcli.core.files.artifacts import Columns, FieldColumn, column_of
from tvcli.core.files.fields import Value
from tvcli.core.indexes.manifest import Manifest
from tvcli.core.indexes.segment_files import change_segments, edit_fields
from tvcli.core.indexes.segments import Stored, StoredVectors
from tvcli.core.indexes.structure import engine_of


class SegmentRows:
    """The rows of open segments without those removed.

    The files, and the search structure, number the rows stored; `positions` tells which they are.
    """

    def __init__(self, path: Path, manifest: Manifest, stored: Stored) -> None:
        self._path, self._manifest, self._stored = path, manifest, stored
        self._live = manifest.live  # None: all that are stored
        self._vectors = StoredVectors(stored, manifest)
        self._met: tuple[Sequence[Condition], Mask] | None = None  # by the last search

    def __len__(self) -> int:
        return self._manifest.rows

    @cached_property
    def _engine(self) -> Engine:
        return engine_of(self._path, self._manifest, self._vectors)

    @property
    def engine_name(self) -> str:
        """The engine that searches them: `exact` where a structure cannot be used."""
        return self._engine.name

    @property
    def takes_budget(self) -> bool:
        """Whether there is a structure, which can be told how hard to look."""
        return self._engine.takes_budget

    @property
    def names(self) -> list[str]:
        """The columns that a row may have, its vector among them."""
        return self._stored.names

    @property
    def field_types(self) -> dict[str, set[str]]:
        """The types (number, text, truth) that its rows have each field in, by name, in order."""
        return self._stored.field_types

    @cached_property
    def images(self) -> list[str]:
        """The image of every row, relative to the root."""
        images: list[str] = self.read("image")
        return images

    @property
    def stored(self) -> int:
        """How many rows the files have: those removed are among them."""
        return self._manifest.stored

    def positions(self, rows: slice | Rows) -> slice | Rows:
        """Return where rows are among the rows stored."""
        return rows if self._live is None else self._live[rows]

    def read(self, name: str, rows: slice | Rows = slice(None)) -> Any:
        """Return rows of a column (all by default): an array, or a list of text."""
        return self._stored.read(name, self.positions(rows))

    def columns(self, rows: slice | Rows) -> Columns:
        """Return all columns of some rows, by name, with their vectors as they are stored."""
        return self._stored.columns(self.positions(rows))

    def vectors(self, rows: slice | Rows) -> Vectors:
        """Return some rows as (n, D) float32 of unit length."""
        return self._vectors.vectors(self.positions(rows))

    def search(
        self,
        queries: Vectors,
        k: int,
        allowed: Mask | None = None,
        where: Sequence[Condition] = (),
        budget: int | None = None,
    ) -> Found:
        """Return similarities and rows (Q, n) of the k closest to queries (Q, D), as RowStore."""
        k = min(k, len(self))
        if where:
            met = self._mask(where)
            allowed = met if allowed is None else met & allowed
        if self._live is None:
            return self._engine.search(queries, k, allowed, budget)
        mask = np.zeros(self._manifest.stored, bool)
        mask[self._live if allowed is None else self._live[allowed]] = True
        similarities, rows = self._engine.search(queries, k, mask, budget)
        return similarities, np.searchsorted(self._live, rows)

    def meeting(self, where: Sequence[Condition]) -> Rows:
        """Return the rows that meet all conditions, rising."""
        return np.flatnonzero(self._mask(where))

    def _mask(self, where: Sequence[Condition]) -> Mask:
        """Return which rows (N,) meet all conditions; those of one search are looked up once."""
        last = self._met
        if last is None or last[0] != where:
            met = np.ones(len(self), bool)
            for condition in where:
                met &= rows_meeting(condition, self._column)
            self._met = last = where, met
        return last[1]

    def _column(self, name: str) -> FieldColumn:
        """Return a column of texts, or a field, of all rows."""
        if name in COLUMNS:
            return column_of(self.images if name == "image" else self.read(name))
        found = self._stored.field(name)
        return found if self._live is None else found.rows(self._live)

    def find(self, images: set[str]) -> Rows:
        """Return the rows of images, by their names."""
        return np.array([row for row, name in enumerate(self.images) if name in images], np.intp)

    def some_images(self, count: int) -> list[str]:
        """Return about `count` of the images, from all over the index."""
        return self.images[:: len(self) // count + 1]

    def edit_fields(
        self, target: Path, manifest: Manifest, rows: Rows, fields: Sequence[dict[str, Value]]
    ) -> Manifest:
        """Give some rows other fields, as RowStore."""
        stored = np.asarray(self.positions(rows), np.intp)
        return edit_fields(target, manifest, self._stored, stored, fields)

    def change(
        self, target: Path, manifest: Manifest, gone: Rows, blocks: Iterator[Columns]
    ) -> Manifest:
        """Take rows out and add others, in a segment of their own, as RowStore."""
        kept = self._manifest.kept()
        kept[self.positions(gone)] = False
        return change_segments(target, manifest, kept, blocks)
