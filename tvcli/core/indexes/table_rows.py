"""Indexes whose rows lie in a table of a database: many read and write them at once.

The folder keeps what makes queries (heads, settings) and the name of the table.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.engines import Found, Mask, Rows, Vectors
from tvcli.core.engines.postgres import Database, Table, is_url, without_password
from tvcli.core.errors import BadInput
from tvcli.core.files.artifacts import Columns
from tvcli.core.files.artifacts.kinds import KINDS, Dataset
from tvcli.core.files.trusted import remember
from tvcli.core.indexes.manifest import REMOTE, Manifest, write_manifest
from tvcli.core.indexes.segments import unit

FROM_ID = 2**52  # a row number from here on is an id of the table, and not a place in its order
VECTOR, *OTHERS = KINDS["embeddings"].datasets
BLANKS = KINDS["embeddings"].datasets


def _type(declared: Dataset) -> str:
    return declared.dtype + ("[]" if declared.tail else "")


TYPES = {name: _type(BLANKS[name]) for name in OTHERS}


class TableRows:
    """The rows of a table by number: its order by id when first asked for it, or ids themselves.

    A search alone asks for no order, so it costs the same however many rows there are.
    """

    name = "postgresql"

    def __init__(self, path: Path, manifest: Manifest) -> None:
        url, table = manifest.ann["url"], manifest.ann["table"]
        self.path, self.dimension = path, manifest.dimension
        self.table = Table(Database(url), table, TYPES)

    def __len__(self) -> int:
        return len(self._order) if "_order" in self.__dict__ else self.table.count()

    @property
    def budget(self) -> int:
        """How many rows pgvector looks at (hnsw.ef_search)."""
        return self.table.budget

    @budget.setter
    def budget(self, budget: int) -> None:
        self.table.budget = budget

    @property
    def names(self) -> list[str]:
        """The columns that a row may have."""
        return [VECTOR, *OTHERS]

    @cached_property
    def _order(self) -> Rows:
        return self.table.ids()

    def ids(self, rows: slice | Rows | None) -> Rows:
        """Return the ids of some rows (all by default)."""
        if rows is None or isinstance(rows, slice):
            return self._order[slice(None) if rows is None else rows]
        rows = np.asarray(rows, np.intp)
        ids = rows - FROM_ID
        if (places := ids < 0).any():
            ids[places] = self._order[rows[places]]
        return ids

    def read(self, name: str, rows: slice | Rows | None = None) -> Any:
        """Return rows of a column (all by default): an array, or a list of text."""
        found = self.table.read(name, self.ids(rows))
        declared = BLANKS[name]
        if declared.dtype == "text":
            return [value or "" for value in found]
        if name == VECTOR:
            blank = np.zeros(self.dimension, np.float32)
            values = [blank if value is None else _array(value) for value in found]
            return np.array(values, np.float32).reshape(-1, self.dimension)
        tail = declared.tail or ()
        blank = np.full(tail, 0 if declared.blank is None else declared.blank, declared.dtype)
        values = [blank if value is None else value for value in found]
        return np.array(values, declared.dtype).reshape(-1, *tail)

    def columns(self, rows: slice | Rows) -> Columns:
        """Return all columns of some rows, by name."""
        return {name: self.read(name, rows) for name in self.names}

    def vectors(self, rows: slice | Rows | None = None) -> Vectors:
        """Return some rows (all by default) as (n, D) float32 of unit length."""
        return unit(self.read(VECTOR, rows))

    def find(self, images: set[str]) -> Rows:
        """Return the rows of images, by their ids."""
        return self.table.ids("WHERE image = ANY(%s)", (sorted(images),)) + FROM_ID

    def some_images(self, count: int) -> list[str]:
        """Return a few of its images."""
        ids = self.table.ids(f'WHERE id IN (SELECT id FROM "{self.table.table}" LIMIT {count})')
        return [str(image) for image in self.table.read("image", ids)]

    def search(self, queries: Vectors, k: int, allowed: Mask | None = None) -> Found:
        """Return similarities and rows of the k closest to each query; -1 where it finds fewer."""
        similarities, ids = self.table.search(queries, k)
        if "_order" not in self.__dict__:
            return similarities, np.where(ids < 0, -1, ids + FROM_ID)
        places = np.searchsorted(self._order, ids).clip(max=len(self._order) - 1)
        known = self._order[places] == ids  # others came after the order was asked for
        return np.where(known, similarities, -np.inf), np.where(known, places, -1)


def filled(
    url: str, stem: str, blocks: Iterator[Columns], settings: dict[str, Any], made: dict[str, Any]
) -> Manifest:
    """Return the manifest of blocks of rows put into a new table of a database, whole or not.

    Raises:
        BadInput: no rows, or the database cannot be used.
    """
    first = next(blocks, None)
    if first is None:
        raise BadInput(f"{stem}: nothing to index")
    dimension = first["embeddings"].shape[1]
    with Database(url) as database, database.transaction() as connection:
        table = Table(database, _table_name(stem), TYPES)
        table.create(connection, dimension)
        rows = table.add(connection, map(complete, chain([first], blocks)))
        table.create_index(connection)
        remember("database", database.name)
    made = {**made, "command": [_shown(word) for word in made.get("command", [])]}
    described = {"url": database.name, "table": table.table, "rows": rows, "effort": table.budget}
    return Manifest([], dimension, REMOTE, settings, made, ann=described, auto=False)


def changed(
    target: Path, manifest: Manifest, stored: TableRows, gone: Rows, blocks: Iterator[Columns]
) -> Manifest:
    """Take rows out of a table and add others, in one transaction; return the manifest after it.

    Raises:
        BadInput: nothing would be left, or the database cannot be used; then nothing is changed.
    """
    name = manifest.ann["table"]
    with Database(manifest.ann["url"]) as database, database.transaction() as connection:
        table = Table(database, name, TYPES)
        if len(gone):
            table.remove(connection, stored.ids(gone))
        table.add(connection, map(complete, blocks))
        rows = table.count()
        if rows == 0:
            raise BadInput(f"{target}: nothing would be left of it: remove the folder instead")
    manifest = replace(manifest, ann={**manifest.ann, "rows": rows})
    write_manifest(target, manifest)
    return manifest


def forget(manifest: Manifest, url: str) -> None:
    """Drop the table of an index that was replaced, if it lies in the same database."""
    if manifest.engine != REMOTE or manifest.ann["url"] != without_password(url):
        return
    with suppress(BadInput), Database(url) as database:
        database.read(Table(database, manifest.ann["table"], TYPES).drop)


def complete(block: Columns) -> Columns:
    """Return a block with every column, blank where it lacks one."""
    count = len(block["image"])
    blanks = {name: [_blank(name)] * count for name in OTHERS if block.get(name) is None}
    return {**block, **blanks}


def _blank(name: str) -> Any:
    declared = BLANKS[name]
    return [declared.blank] * declared.tail[0] if declared.tail else declared.blank


def _array(value: Any) -> Any:
    return value.to_numpy() if hasattr(value, "to_numpy") else value


def _shown(word: str) -> str:
    """Return a word of a command line without the password of a database."""
    option, equals, url = word.rpartition("--engine=")
    return option + equals + without_password(url) if is_url(url) else word


def _table_name(stem: str) -> str:
    """Return a name that no table has, and that tells of which index it is."""
    return f"tv_{re.sub(r'[^a-z0-9]+', '_', stem.lower())[:40]}_{secrets.token_hex(4)}"
