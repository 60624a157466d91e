"""An index made of an encodings file follows it: the rows that differ are taken out and put in."""

import os
import shlex
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.encoding.named_settings import in_which_settings
from tvcli.core.encoding.pooling import pool_maps
from tvcli.core.encoding.updates import Counts, UpdateRequest, check_asked
from tvcli.core.errors import BadInput, Mismatch, UsageError
from tvcli.core.files.artifacts import Artifact, Columns, Rows, open_artifact, slices
from tvcli.core.files.fields import Value, changes, merged
from tvcli.core.files.locks import writing
from tvcli.core.files.paths import absolute_path, photos_root, shown_path
from tvcli.core.files.records import Record
from tvcli.core.indexes.building import change_index
from tvcli.core.indexes.field_edits import edit_fields_of
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.indexes.indexing import embeddings_of
from tvcli.core.indexes.older import note_older
from tvcli.core.indexes.updates import kept_heads, made_with, refuse_by_row
from tvcli.core.reports import Report

ROWS_POOLED_AT_ONCE = 256  # rows pooled at a time
SHOWN = ("image", "digest", "region", "box", "label", "split", "flip")  # what makes a row another


def sync_encodings(
    target: Path, request: UpdateRequest, report: Report, provenance: dict[str, Any], path: Path
) -> Counts:
    """Bring an index up to date with an encodings file; `path` is where that can be read.

    Raises:
        UsageError: its rows are to be added or removed.
        BadInput: not an encodings file, nothing would be left, the index cannot be used or written,
            or others are writing it.
        Mismatch: the file was encoded in another way than the index, or the index keeps maps.
    """
    with writing(target), _opened(target, request, path) as difference:
        note_older(difference.index, report)
        if difference.new or len(difference.gone):
            blocks = difference.blocks()
            change_index(target, difference.index, difference.gone, iter(()), blocks, provenance)
        if difference.edited:
            edit_fields_of(target, difference.edited, {})
        return difference.counts


def explain_sync(
    target: Path, request: UpdateRequest, report: Report, path: Path
) -> Iterator[Record]:
    """Yield what `sync_encodings` would do, photo by photo; nothing is written."""
    with _opened(target, request, path) as difference:
        for change, images in difference.changes.items():
            shown = (shown_path(difference.index.root, image) for image in images)
            yield from ({"change": change, "image": image} for image in shown)


@contextmanager
def _opened(target: Path, request: UpdateRequest, path: Path) -> "Iterator[_Difference]":
    if request.way != "update":
        raise UsageError(f"--{request.way}: goes with photos; an encodings file goes with --update")
    name = Path(request.arguments[0])
    with open_artifact(path, "encodings") as encodings, open_index(target, request.root) as index:
        yield _Difference(index, encodings, request, name)


class _Difference:
    """The rows of an index that an encodings file lacks (`gone`), and those it has besides."""

    def __init__(
        self, index: Index, encodings: Artifact, request: UpdateRequest, name: Path
    ) -> None:
        self.index, self._encodings = index, encodings
        _check(index, encodings, request, name)
        root = photos_root(encodings.settings, name.absolute().parent)
        self._names = _under(encodings.read("image"), root, index.root)
        columns = [encodings.read(column) for column in SHOWN[1:]]
        unmatched: defaultdict[Any, list[int]] = defaultdict(list)
        for row, key in enumerate(_keys([index.read(column) for column in SHOWN])):
            unmatched[key].append(row)
        self.new: list[int] = []
        matched: dict[int, int] = {}  # rows of the file by those of the index
        for row, key in enumerate(_keys([self._names, *columns])):
            if rows := unmatched[key]:
                matched[rows.pop(0)] = row
            else:
                self.new.append(row)
        self.gone: Rows = np.array(sorted(r for rows in unmatched.values() for r in rows), np.intp)
        self.edited = self._edited(matched)
        if len(self.new) + len(index) == len(self.gone):
            raise BadInput(f"{name}: has no rows")
        if self.new or len(self.gone):
            refuse_by_row(index)

    def _edited(self, matched: dict[int, int]) -> dict[str, list[dict[str, Value]]]:
        """Return the fields of images some of whose rows the file has with other fields.

        Fields that the file lacks stay: they may have been set in the index.
        """
        if not self._encodings.field_names:
            return {}
        own, other = self.index.read("fields"), self._encodings.read("fields")
        found: defaultdict[str, list[dict[str, Value]]] = defaultdict(list)
        differing: set[str] = set()
        for row in sorted(matched):
            image, known = self.index.images[row], own[row]
            fields = tuple(other[matched[row]].items())
            found[image].append(merged(known, fields))
            if changes(known, fields):
                differing.add(image)
        for row in self.new:  # which come after those that stay
            found[self._names[row]].append(other[row])
        return {image: found[image] for image in differing}

    @property
    def changes(self) -> dict[str, list[str]]:
        """The photos added, changed and removed."""
        before, after = set(self.index.images), set(self._names)
        touched = [self._names[row] for row in self.new]
        touched += [self.index.images[row] for row in self.gone]
        touched += self.edited
        images = sorted(set(touched))
        return {
            "added": [image for image in images if image not in before],
            "changed": [image for image in images if image in before and image in after],
            "removed": [image for image in images if image not in after],
        }

    @property
    def counts(self) -> Counts:
        """How many photos differ; rows as there will be."""
        number = {change: len(images) for change, images in self.changes.items()}
        rows = len(self._encodings)
        return Counts(number["added"], number["changed"], 0, number["removed"], 0, rows)

    def blocks(self) -> Iterator[Columns]:
        """Yield the rows that the index lacks, as it holds them."""
        how, heads = self.index.settings["encoder"]["pool"], kept_heads(self.index)
        for some in slices(len(self.new), ROWS_POOLED_AT_ONCE):
            rows = np.array(self.new[some], np.intp)
            columns = self._encodings.read_columns(rows)
            columns["image"] = [self._names[row] for row in rows]
            if columns["encodings"].ndim == 4:  # (n, C, H, W) float16
                columns["encodings"] = pool_maps(columns["encodings"].astype(np.float32), how)
            yield embeddings_of(columns, heads)


def _check(index: Index, encodings: Artifact, request: UpdateRequest, name: Path) -> None:
    """See that rows of a file can be rows of an index."""
    anew = ["tv", "index", *request.arguments, "-o", str(index.path)]
    check_asked(index.path, made_with(index), request.asked, anew)
    own, other = index.settings["encoder"], encodings.settings["encoder"]
    if {**own, "pool": ""} != {**other, "pool": ""} or other["pool"] not in ("none", own["pool"]):
        how = in_which_settings(other, own)
        raise Mismatch(
            f"{name}: not encoded as {index.path} was ({how}), and rows of both do not compare: "
            f"make it anew: {shlex.join(anew)}"
        )


def _under(images: list[str], root: Path, own: Path) -> list[str]:
    """Return images relative to one root as they are relative to another."""
    if absolute_path(root) == absolute_path(own):
        return images
    return [image if image == "-" else os.path.relpath(root / image, own) for image in images]


def _keys(columns: list[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield for each row what makes it another; unknown boxes are all the same."""
    lists = [
        column if isinstance(column, list) else [np.asarray(value).tobytes() for value in column]
        for column in columns
    ]
    return zip(*lists, strict=True)
