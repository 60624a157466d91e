"""Indexes whose rows lie in a table of a database: many read and write them at once.

The folder keeps what makes queries (heads, settings) and the name of the table.
"""

import re
import secrets
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.engines import Found, Mask, Rows, Vectors
from tvcli.core.engines.conditions import Condition
from tvcli.core.engines.postgres import SEARCH_BUDGET, Database, Table, is_url, without_password
from tvcli.core.errors import BadInput, Mismatch
from tvcli.core.files.artifacts import Columns
from tvcli.core.files.artifacts.kinds import FIELDS, KINDS
from tvcli.core.files.fields import FieldReader, Value
from tvcli.core.files.locks import writing
from tvcli.core.files.paths import MANIFEST
from tvcli.core.files.trusted import remember, was_named
from tvcli.core.images.arrays import unit
from tvcli.core.indexes.manifest import REMOTE, Manifest, read_manifest, write_manifest

FROM_ID = 2**52  # a row number from here on is an id of the table, and not a place in its order
VECTOR, *OTHERS = KINDS["embeddings"].datasets
BLANKS = KINDS["embeddings"].datasets
TYPES = {name: BLANKS[name].dtype + ("[]" if BLANKS[name].tail else "") for name in OTHERS}
TYPES_OF_BEFORE = {name: kind for name, kind in TYPES.items() if name != FIELDS}


class TableRows:
    """The rows of a table by number: its order by id when first asked for it, or ids themselves.

    A search alone asks for no order, so it costs the same however many rows there are.
    """

    engine_name = REMOTE
    takes_budget = True  # hnsw.ef_search

    def __init__(self, path: Path, manifest: Manifest) -> None:
        url, table = manifest.ann["url"], manifest.ann["table"]
        _check_named(path, url)
        self.path, self.dimension = path, manifest.dimension
        self._has_fields = bool(manifest.ann.get("fields"))
        self.table = Table(Database(url), table, TYPES if self._has_fields else TYPES_OF_BEFORE)

    def __enter__(self) -> "TableRows":
        return self

    def __exit__(self, *_: object) -> None:
        self.table.database.close()

    def __len__(self) -> int:
        return len(self._order) if self._is_ordered else self.table.count()

    @property
    def names(self) -> list[str]:
        """The columns that a row may have."""
        return [VECTOR, *OTHERS]

    @cached_property
    def field_types(self) -> dict[str, set[str]]:
        """The types that its rows have each field in, by name; kept once they were asked for."""
        return self.table.field_types() if self._has_fields else {}

    @cached_property
    def _order(self) -> Rows:
        return self.table.ids()

    @property
    def _is_ordered(self) -> bool:
        """Whether its order was asked for, so that rows are numbered by it."""
        return "_order" in self.__dict__

    @cached_property
    def images(self) -> list[str]:
        """The image of every row, relative to the root."""
        images: list[str] = self.read("image")
        return images

    @property
    def stored(self) -> int:
        """How many rows the table has: those removed are gone."""
        return len(self)

    def positions(self, rows: slice | Rows) -> slice | Rows:
        """Return where rows are in the order by id, which is the one they were put there in."""
        return rows if isinstance(rows, slice) else np.searchsorted(self._order, self.ids(rows))

    def ids(self, rows: slice | Rows) -> Rows:
        """Return the ids of some rows."""
        if isinstance(rows, slice):
            return self._order[rows]
        rows = np.asarray(rows, np.intp)
        ids = rows - FROM_ID
        if (places := ids < 0).any():
            ids[places] = self._order[rows[places]]
        return ids

    def read(self, name: str, rows: slice | Rows = slice(None)) -> Any:
        """Return rows of a column (all by default): an array, or a list of text."""
        if name == FIELDS and not self._has_fields:
            return [{} for _ in self.ids(rows)]
        found = self.table.read(name, self.ids(rows))
        declared = BLANKS[name]
        if name == FIELDS:
            return [_fields_of(value) for value in found]
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

    def vectors(self, rows: slice | Rows) -> Vectors:
        """Return some rows as (n, D) float32 of unit length."""
        return unit(self.read(VECTOR, rows))

    def find(self, images: set[str]) -> Rows:
        """Return the rows of images, by their names."""
        rows = self._numbers(self.table.ids("WHERE image = ANY(%s)", (sorted(images),)))
        return rows[rows >= 0]

    def some_images(self, count: int) -> list[str]:
        """Return a few of its images."""
        ids = self.table.ids(f'WHERE id IN (SELECT id FROM "{self.table.table}" LIMIT {count})')
        return [str(image) for image in self.table.read("image", ids)]

    def search(
        self,
        queries: Vectors,
        k: int,
        allowed: Mask | None = None,
        where: Sequence[Condition] = (),
        budget: int | None = None,
    ) -> Found:
        """Return similarities and rows (Q, n) of the k closest to queries (Q, D), as RowStore."""
        among = None if allowed is None else self._order[allowed]
        similarities, ids = self.table.search(queries, k, where, among, budget)
        rows = self._numbers(ids)
        return np.where(rows < 0, np.float32(-np.inf), similarities), rows

    def meeting(self, where: Sequence[Condition]) -> Rows:
        """Return the rows that meet all conditions, rising."""
        ids = self.table.meeting(where)
        return np.flatnonzero(np.isin(self._order, ids)) if len(ids) else ids

    def _numbers(self, ids: Rows) -> Rows:
        """Return the rows that ids (any shape) are; -1 for -1, and for those that are no rows yet.

        Those came after the order was asked for.
        """
        if not self._is_ordered:
            return np.where(ids < 0, -1, ids + FROM_ID)
        places = np.searchsorted(self._order, ids).clip(max=len(self._order) - 1)
        return np.where(self._order[places] == ids, places, -1)

    def change(
        self, target: Path, manifest: Manifest, gone: Rows, blocks: Iterator[Columns]
    ) -> Manifest:
        """Take rows out of the table and add others, in one transaction, as RowStore."""
        with writing(target):
            with self._changing(manifest) as (table, connection):
                if len(gone):
                    table.remove(connection, self.ids(gone))
                table.add(connection, map(complete, blocks))
                rows = table.count()
                if rows == 0:
                    raise BadInput(
                        f"{target}: nothing would be left of it: remove the folder instead"
                    )
            manifest = replace(manifest, ann={**manifest.ann, "rows": rows, "fields": True})
            write_manifest(target, manifest)
        return manifest

    def edit_fields(
        self, target: Path, manifest: Manifest, rows: Rows, fields: Sequence[dict[str, Value]]
    ) -> Manifest:
        """Give some rows other fields, in one transaction, as RowStore."""
        ids = self.ids(rows)
        with writing(target):
            with self._changing(manifest) as (table, connection):
                table.set_fields(connection, ids, fields)
            manifest = replace(manifest, ann={**manifest.ann, "fields": True})
            write_manifest(target, manifest)
        return manifest

    @contextmanager
    def _changing(self, manifest: Manifest) -> Iterator[tuple[Table, Any]]:
        """Give the table, which has fields now, and a connection: what it does is done or not."""
        with Database(manifest.ann["url"]) as database, database.transaction() as connection:
            table = Table(database, manifest.ann["table"], TYPES)
            if not self._has_fields:
                table.add_fields(connection)
            yield table, connection


def _check_named(path: Path, url: str) -> None:
    """See that the database of an index is one that this user named: the index may be anyone's."""
    if not was_named("database", url):
        raise Mismatch(
            f"{path}: its rows lie in a database that you never named on this machine, and nothing "
            f"was sent there; if you trust it: tv search -i {shlex.quote(str(path))} --database "
            f"{shlex.quote(url)}"
        )


def build_table(
    folder: Path,
    url: str,
    stem: str,
    blocks: Iterator[Columns],
    settings: dict[str, Any],
    made: dict[str, Any],
) -> Manifest:
    """Put blocks of rows into a new table of a database, and drop that of the index before.

    Raises:
        BadInput: no rows, or the database cannot be used; then nothing is changed.
    """
    before = read_manifest(folder) if (folder / MANIFEST).is_file() else None
    manifest = _filled(url, stem, blocks, settings, made)
    write_manifest(folder, manifest)
    if before is not None:
        _forget(before, url)
    return manifest


def _filled(
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
    described = {"url": database.name, "table": table.table, "rows": rows, "effort": SEARCH_BUDGET}
    described["fields"] = True
    return Manifest([], dimension, REMOTE, settings, made, ann=described, auto=False)


def _forget(manifest: Manifest, url: str) -> None:
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
    if name == FIELDS:
        return {}
    return [declared.blank] * declared.tail[0] if declared.tail else declared.blank


def _fields_of(value: Any) -> dict[str, Value]:
    """Return the fields that the database has of a row; others may have written there, too."""
    known = value if isinstance(value, dict) else {}
    kept = FieldReader().read(known)
    return {name: value for name, value in kept if value is not None}


def _array(value: Any) -> Any:
    return value.to_numpy() if hasattr(value, "to_numpy") else value


def _shown(word: str) -> str:
    """Return a word of a command line without the password of a database."""
    option, equals, url = word.rpartition("--engine=")
    return option + equals + without_password(url) if is_url(url) else word


def _table_name(stem: str) -> str:
    """Return a name that no table has, and that tells of which index it is."""
    return f"tv_{re.sub(r'[^a-z0-9]+', '_', stem.lower())[:40]}_{secrets.token_hex(4)}"
