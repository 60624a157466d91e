"""Fields of an index edited in place: its vectors, and what searches them, stay as they are."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.encoding.changes import rows_by_image
from tvcli.core.errors import BadInput
from tvcli.core.files.fields import FieldReader, Fields, Value, merged
from tvcli.core.files.locks import writing
from tvcli.core.files.parquet import is_encodings_table
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.records import Record
from tvcli.core.files.spellings import as_on_disk
from tvcli.core.files.tables import read_table_or_records
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.indexes.manifest import write_manifest
from tvcli.core.reports import Report

FieldsOfRows = Mapping[str, Sequence[dict[str, Value]]]  # by image, for each of its rows in order


def edit_fields_of(target: Path, edited: FieldsOfRows, settings: Mapping[str, Any]) -> None:
    """Give the rows of images other fields, and the index other settings.

    Raises:
        BadInput: it cannot be written; then nothing is changed.
    """
    with writing(target), open_index(target) as index:
        rows, fields = list[int](), list[dict[str, Value]]()
        for image, found in rows_by_image(index.images).items():
            if image in edited:
                rows += found
                fields += edited[image]
        manifest = replace(index.manifest, settings={**index.manifest.settings, **settings})
        if rows:
            index.store.edit_fields(target, manifest, np.array(rows, np.intp), fields)
        else:
            write_manifest(target, manifest)


def edit_fields_from(target: Path, table: Path, report: Report, *, name: str = "") -> int:
    """Set the fields that a CSV file, or JSON Lines, has of photos by their `image`.

    An image is named as in the index, or by a path from the folder of the file, whose `name` may
    be another than that it is read from. Null, or an empty cell, takes a field out; fields that
    the file does not have stay. Returns how many photos have other fields than before; photos that
    are not in the index are skipped.

    Raises:
        BadInput: the file cannot be used, or the index cannot be used or written.
    """
    if is_encodings_table(table):
        raise BadInput(f"{name or table}: encodings, where a table of fields is needed")
    with writing(target), open_index(target) as index:
        records = read_table_or_records(table)
        asked = _asked(index, records, Path(name or table).absolute().parent, report)
        if report.skips and not asked:
            raise BadInput(f"{name or table}: names no photo of {target}")
        by_image = rows_by_image(index.images)
        wanted = [row for image in asked for row in by_image[image]]
        known = index.read("fields", np.array(wanted, np.intp)) if wanted else []
        before = dict(zip(wanted, known, strict=True))
        edited: dict[str, list[dict[str, Value]]] = {}
        for image, fields in asked.items():
            old = [before[row] for row in by_image[image]]
            new = [merged(row, fields) for row in old]
            if new != old:
                edited[image] = new
    if edited:
        edit_fields_of(target, edited, {})
    return len(edited)


def _asked(
    index: Index, records: Iterable[tuple[Record, str]], folder: Path, report: Report
) -> dict[str, Fields]:
    """Return the fields that records have, by image as the index has it."""
    reader = FieldReader(report.note)
    known = set(index.images)
    asked: dict[str, Fields] = {}
    for record, where in records:
        image = record.get("image")
        if not isinstance(image, str) or not image:
            report.skip(where, "fields", 'no "image" to say of which photo')
        elif (own := _named(index, image, folder, known)) is None:
            report.skip(image, "fields", f"not in {index.path}")
        else:
            asked[own] = tuple({**dict(asked.get(own, ())), **dict(reader.read(record))}.items())
    return asked


def _named(index: Index, image: str, folder: Path, known: set[str]) -> str | None:
    """Return what an image is called in the index, or None."""
    absolute = as_on_disk(absolute_path(folder / image))
    names = (image, os.path.normpath(image), os.path.relpath(absolute, index.root), absolute)
    return next((name for name in names if name in known), None)
