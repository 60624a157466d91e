"""Updating indexes in place: what has changed is encoded, what is gone is taken out."""

import os
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.encoding.changes import Plan, rows_by_image
from tvcli.core.encoding.checkpoints import part_columns
from tvcli.core.encoding.encoder import Encoder
from tvcli.core.encoding.named_settings import named_settings
from tvcli.core.encoding.stat_cache import StatCache
from tvcli.core.encoding.updates import (
    Counts,
    UpdateRequest,
    changed_exclusions,
    check_asked,
    counts,
    encoded_new,
    plan_of,
    skip_unread,
    source_of,
    told,
)
from tvcli.core.errors import Mismatch, NothingUsable
from tvcli.core.files.artifacts import Columns, Rows, slices
from tvcli.core.files.locks import writing
from tvcli.core.files.paths import absolute_path, shown_path
from tvcli.core.files.records import Record, Region
from tvcli.core.files.sources import Source, names_of
from tvcli.core.indexes.attachments import Attachments
from tvcli.core.indexes.building import change_index
from tvcli.core.indexes.field_edits import edit_fields_of
from tvcli.core.indexes.index import Index, open_index
from tvcli.core.indexes.indexing import embeddings_of
from tvcli.core.indexes.manifest import BY_ROW
from tvcli.core.indexes.older import note_older
from tvcli.core.indexes.segment_files import COPIED
from tvcli.core.indexes.workplace import STAMPS
from tvcli.core.ranking.map_pca import load_map_pca
from tvcli.core.ranking.rank import load_rank
from tvcli.core.reports import Report, nothing_found

HEADS = ("rank", "classifier", "boxes")  # files that options name, and an index keeps


def change_photos(
    target: Path, request: UpdateRequest, report: Report, provenance: dict[str, Any]
) -> Counts:
    """Change an index in place; a killed update goes on where it stopped.

    Whoever searches meanwhile sees the index before or after it.

    Raises:
        BadInput: no photo is named that is of use, or none would be left; the index cannot be used
            or written, or others are writing it.
        Mismatch: other settings are asked for than those of the index, or an interrupted job with
            other settings is in the way.
    """
    with writing(target), open_index(target, request.root) as index:
        if request.way == "remove":
            return _remove(target, index, request, report, provenance)
        if request.tell_older:
            note_older(index, report)
        source, stat_cache, plan = _planned(index, request, report)
        skip_unread(plan, source.root, report)
        change = _Change(index, plan)
        if not plan.keeps_rows or request.root is not None:  # which is then where they lie
            _write(change, target, source, request, report, provenance)
        settings = changed_exclusions(source, index.settings)
        if request.exif and not index.settings.get("exif"):
            settings["exif"] = True
        if plan.edited or settings:
            edited = {photo.image: photo.fields or [] for photo in plan.edited}
            edit_fields_of(target, edited, settings)
        if "keypoints" in index.settings:
            from tvcli.core.indexes.keypoints import keep_keypoints, lacks_some  # brings OpenCV

            if not plan.keeps_rows or lacks_some(index):
                keep_keypoints(target, None, report)
        stat_cache.save(target / STAMPS, change.digests, add=request.way == "add")
        return counts(plan, change.encoded, change.rows)


def tell_photos(target: Path, request: UpdateRequest, report: Report) -> Iterator[Record]:
    """Yield what `change_photos` would do, photo by photo; nothing is written.

    Raises:
        BadInput, Mismatch: as `change_photos` does.
    """
    with open_index(target, request.root) as index:
        if request.way == "remove":
            images = sorted({index.images[row] for row in _named(index, request, report)})
            shown = (shown_path(index.root, image) for image in images)
            yield from ({"change": "removed", "image": image} for image in shown)
            return
        note_older(index, report)
        source, _, plan = _planned(index, request, report)
        yield from told(plan, source.root)


def _remove(
    target: Path, index: Index, request: UpdateRequest, report: Report, provenance: dict[str, Any]
) -> Counts:
    gone = _named(index, request, report)
    images, rows = {index.images[row] for row in gone}, len(index)
    if len(gone):
        rows = change_index(target, index, gone, iter(()), iter(()), provenance).rows
    return Counts(0, 0, 0, len(images), report.skips, rows)


class _Change:
    """What an update writes: rows copied under new names, and new ones; and what became of it."""

    def __init__(self, index: Index, plan: Plan) -> None:
        self.index, self.plan = index, plan
        self.encoded: list[str] = []
        self.rows = len(index)
        known = dict(zip(index.images, index.read("digest"), strict=True))
        gone = {index.images[row] for row in plan.gone}
        self.digests = {image: known[image] for image in known if image not in gone}
        self.digests |= {photo.image: photo.digest for photo in plan.copied}

    def copies(self) -> Iterator[Columns]:
        """Yield the rows that are known already, as photos have them now."""
        pairs = [
            (photo, row, fields)
            for photo in self.plan.copied
            for row, fields in zip(photo.rows, photo.fields or [], strict=True)
        ]
        for some in map(pairs.__getitem__, slices(len(pairs), COPIED)):
            rows = np.array([row for _, row, _ in some], np.intp)
            names = {
                "image": [photo.image for photo, _, _ in some],
                "asked": [photo.asked for photo, _, _ in some],
                "fields": [fields for _, _, fields in some],
            }
            yield self.index.store.columns(rows) | names

    def noted(self, blocks: Iterator[Columns]) -> Iterator[Columns]:
        """Yield blocks of new rows, noting of which photos they are."""
        for block in blocks:
            self.encoded += block["image"]
            self.digests |= zip(block["image"], block["digest"], strict=True)
            yield block


def _planned(
    index: Index, request: UpdateRequest, report: Report
) -> tuple[Source, StatCache, Plan]:
    """Return what a request names, with paths as the index has them, compared with its rows."""
    anew = ["tv", "index", *request.arguments, "-o", str(index.path)]
    check_asked(index.path, made_with(index), request.asked, anew)
    source = source_of(request, index.root, index.settings, report)
    stat_cache = StatCache.load(index.path / STAMPS, source.root)
    plan = plan_of(index, index.settings, source, stat_cache, request, report)
    if plan.new or plan.copied:
        refuse_by_row(index)
    return source, stat_cache, plan


def made_with(index: Index) -> dict[str, Any]:
    """Return the settings of an index by the names of options; of heads, their hashes."""
    heads = {name: index.settings.get(name, {}).get("hash") for name in HEADS}
    return named_settings(index.settings["encoder"]) | {"engine": index.manifest.engine} | heads


def refuse_by_row(index: Index) -> None:
    """Raise Mismatch if an index keeps what every row has, and which an update could not add to."""
    if kept := [name for name in BY_ROW if name in index.settings]:
        made = shlex.join(map(str, index.manifest.provenance.get("command", [])))
        raise Mismatch(
            f"{index.path}: keeps {' and '.join(kept)}, which an update cannot add to; make it "
            f"anew, as it was made: {made}"
        )


def _write(
    change: _Change,
    target: Path,
    source: Source,
    request: UpdateRequest,
    report: Report,
    provenance: dict[str, Any],
) -> None:
    """Encode what is new and write the index; raises BadInput if nothing could be added."""
    index, plan = change.index, change.plan
    asked = {photo.image: photo.asked for photo in plan.new}

    def load() -> Encoder:
        return request.encoder(index.settings, index.graph)

    def located(chosen: Source, encoder: Encoder) -> Iterable[Region]:
        return _located(index, chosen, encoder, request, report)

    with encoded_new(plan.new, source, target, load, report, located) as parts:
        if request.way == "add" and not parts and len(plan.new) == len(plan.photos):
            raise nothing_found(report, source.arguments)
        extra = kept_heads(index)
        new = change.noted(part_columns(parts, asked.__getitem__))
        blocks = (embeddings_of(block, extra) for block in new)
        made = change_index(target, index, plan.gone, change.copies(), blocks, provenance)
        change.rows = made.rows


def _located(
    index: Index, source: Source, encoder: Encoder, request: UpdateRequest, report: Report
) -> Iterable[Region]:
    """Return the objects of photos, if the index's photos were located, else the photos."""
    from tvcli.core.indexes.located import index_locator
    from tvcli.core.location.locating import located_regions

    locator = index_locator(index, encoder, weights=request.weights, device=request.device)
    return located_regions(source, locator, report, encoder) if locator else source.regions


def kept_heads(index: Index) -> Attachments:
    """Return what an index keeps to make vectors by."""
    ranker = load_rank(index.rank_file) if index.rank_file else None
    known = index.settings.get("shortlist")
    encoder = index.settings["encoder"]
    shortlist = load_map_pca(index.path / known["file"], encoder) if known else None
    return Attachments(ranker, {}, lambda folder: None, shortlist)


def _named(index: Index, request: UpdateRequest, report: Report) -> Rows:
    """Return the rows of the photos named, rising; names that stand for none are skipped.

    Raises:
        BadInput: all names stand for none.
    """
    rows, gone = rows_by_image(index.images), set[int]()
    for name in names_of(request.arguments, request.stdin, null=request.null):
        found = _rows_of(index, name, rows)
        gone.update(found)
        if not found:
            report.skip(name, "remove", f"not in {index.path}")
    if report.skips and not gone:
        first = report.skipped[0]
        none = f"none of {report.skips} photos named is in {index.path}"
        raise NothingUsable(f"{first.image}: {first.reason}" if report.skips == 1 else none, none)
    return np.array(sorted(gone), np.intp)


def _rows_of(index: Index, name: str, rows: dict[str, list[int]]) -> list[int]:
    """Return the rows of a photo, named as in the index or by a path, or of those in a folder."""
    absolute = absolute_path(name)
    for known in (os.path.normpath(name), os.path.relpath(absolute, index.root), absolute):
        if known in rows:
            return rows[known]
        inside = "" if known == "." else os.path.join(known, "")  # noqa: PTH118
        if found := [row for image in rows if image.startswith(inside) for row in rows[image]]:
            return found
    return []
