"""Updating encodings: what has changed is encoded, the other rows are copied, in the new order."""

import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np

from tvcli.core.backbones.catalogue import FAMILY
from tvcli.core.backbones.mini_files import is_mini
from tvcli.core.backbones.specs import Device
from tvcli.core.encoding.changes import Known, Photo, Plan, plan_update, rows_by_image
from tvcli.core.encoding.checkpoints import (
    ROWS_COPIED_AT_ONCE,
    encoded_parts,
    parts_folder,
    write_rows,
)
from tvcli.core.encoding.encoder import Encoder, encoder_of
from tvcli.core.encoding.named_settings import named_settings
from tvcli.core.encoding.renewal import renewal
from tvcli.core.encoding.stat_cache import StatCache
from tvcli.core.errors import BadInput, Mismatch
from tvcli.core.files.artifacts import Artifact, Columns, Joined, Table, open_artifact, slices
from tvcli.core.files.exclusions import with_remembered
from tvcli.core.files.fields import FieldReader, Value
from tvcli.core.files.locks import writing
from tvcli.core.files.paths import photos_root, root_settings, shown_path
from tvcli.core.files.provenance import file_hash
from tvcli.core.files.records import Record, Region
from tvcli.core.files.sources import Source, open_sources
from tvcli.core.images.exif import with_exif
from tvcli.core.images.photo import BadImage, photo_size, read_photo
from tvcli.core.reports import Report, nothing_found

Way = Literal["update", "add", "remove"]


@dataclass(slots=True)
class UpdateRequest:
    """How rows are to change: by an `update` to what is named, or by photos added or removed.

    `asked` are settings given by name, which must be those of the rows. Photos of folders that
    cannot be read (`unreadable`) keep their rows.
    """

    way: Way
    arguments: Sequence[str]
    stdin: IO[bytes]
    null: bool = False
    root: Path | None = None
    asked: dict[str, Any] = field(default_factory=dict)
    weights: Path | None = None
    device: Device = "auto"
    batch: int | None = None
    unreadable: list[str] = field(default_factory=list)
    exclude: Sequence[str] = ()  # globs of what is left out of folders
    exif: bool = False  # of all photos, those that stay too
    tell_older: bool = True  # whether it is told that an older mini made the rows

    def encoder(self, made: dict[str, Any], graph: bytes | None = None) -> Encoder:
        """Load the encoder that rows were made with, by their settings or a graph."""
        how: dict[str, Any] = {"weights": self.weights, "device": self.device, "graph": graph}
        encoder = encoder_of(made["encoder"], made["weights_file"], **how)
        encoder.batch = self.batch or encoder.batch
        return encoder


@dataclass(frozen=True, slots=True)
class Counts:
    """How many photos an update added, changed, moved, removed and skipped; `rows` there are."""

    added: int
    changed: int
    moved: int
    removed: int
    skipped: int
    rows: int

    def __str__(self) -> str:
        return (
            f"{self.added} added, {self.changed} changed, {self.moved} moved, "
            f"{self.removed} removed, {self.skipped} skipped"
        )


def check_asked(path: Path, made: dict[str, Any], asked: dict[str, Any], anew: list[str]) -> None:
    """See that settings asked for by name are those that rows were made with; of files, the hashes.

    `mini` asks for no other generation than the rows'. `anew` is the command that makes the rows.

    Raises:
        Mismatch: they are not; the message has the command that mends it.
        BadInput: a file asked for is not there.
    """
    for name, value in asked.items():
        same = _hash(value) if isinstance(value, Path) else value
        if name == "backbone" and value == FAMILY and is_mini(made[name]):
            continue
        if same != made[name]:
            other = "another" if isinstance(value, Path) and made[name] else made[name]
            how = f"without --{name}" if other is None else f"with --{name} {other}"
            raise Mismatch(
                f"{path}: made {how}, rows made with {value} do not compare to "
                f"those: leave --{name} out, or make it anew: "
                f"{shlex.join([*anew, f'--{name}', str(value)])}"
            )


def _hash(path: Path) -> str:
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    return file_hash(path)


def source_of(
    request: UpdateRequest, root: Path, settings: Mapping[str, Any], report: Report
) -> Source:
    """Return what the command line names, with paths relative to a root.

    What the `settings` of the rows say was left out of folders before is left out again.
    """

    def unreadable(folder: str, reason: str) -> None:
        request.unreadable.append(folder)
        report.unreadable(folder, f"{reason}; its photos stay as they are")

    source = open_sources(
        request.arguments,
        stdin=request.stdin,
        null=request.null,
        root=root,
        on_unreadable=unreadable,
        on_left_out=report.leave_out,
        on_empty=report.empty_folder,
        exclusions=with_remembered(settings.get("exclude", ()), request.exclude, report.note),
        fields=FieldReader(report.note),
    )
    if request.exif:
        return replace(source, regions=with_exif(source.regions, source.root))
    return source


def update_file(
    target: Path, request: UpdateRequest, report: Report, provenance: dict[str, Any]
) -> Counts:
    """Bring an encodings file up to date with photos.

    Rows come in the order of the source, as if it were encoded anew.

    Raises:
        BadInput: no photo is named or left, the file cannot be used or written, or others are
            writing it.
        Mismatch: other settings are asked for than those of the file, or an interrupted job with
            other settings is in the way.
    """
    with writing(target), ExitStack() as stack:
        old, source, stat_cache, plan = stack.enter_context(_planned(target, request, report))
        skip_unread(plan, source.root, report)
        load = partial(request.encoder, old.settings)
        parts = stack.enter_context(encoded_new(plan.new, source, target, load, report))
        new = [stack.enter_context(open_artifact(part, "encodings")) for part in parts]
        rows = _Rearranged(Joined([old, *new]), len(old), plan)
        if not len(rows):
            raise BadInput(f"{target}: not one photo is left that could be used")
        excluded = changed_exclusions(source, old.settings)
        if not plan.is_empty or excluded:
            made = {**old.provenance, "updated": provenance}
            settings = {**old.settings, **root_settings(source.root, target)}
            settings |= ({"exif": True} if request.exif else {}) | excluded
            write_rows(target, rows.blocks(), settings, made)
        stat_cache.save(stat_cache_of(target), rows.digests)
        return counts(plan, rows.encoded, len(rows))


def changed_exclusions(source: Source, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the setting of what is left out of folders, if it is another than it was."""
    every = source.exclusions.every
    return {} if every == settings.get("exclude", []) else {"exclude": every}


def tell_file(target: Path, request: UpdateRequest, report: Report) -> Iterator[Record]:
    """Yield what `update_file` would do, photo by photo; nothing is written.

    Raises:
        BadInput, Mismatch: as `update_file` does.
    """
    with _planned(target, request, report) as (_, source, _, plan):
        yield from told(plan, source.root)


def stat_cache_of(target: Path) -> Path:
    """Return where the stamps of the photos of an encodings file lie."""
    return target.with_name(f".{target.name}.stamps")


@contextmanager
def _planned(
    target: Path, request: UpdateRequest, report: Report
) -> Iterator[tuple[Artifact, Source, StatCache, Plan]]:
    """Open an encodings file, and compare it with what a request names."""
    with open_artifact(target, "encodings") as old:
        recorded = partial(photos_root, old.settings, target.absolute().parent)
        if line := renewal(target, old.settings, old.provenance, recorded):
            report.note(line)
        anew = ["tv", "encode", *request.arguments, "-o", str(target)]
        check_asked(target, named_settings(old.settings["encoder"]), request.asked, anew)
        source = source_of(request, request.root or recorded(), old.settings, report)
        stat_cache = StatCache.load(stat_cache_of(target), source.root)
        plan = plan_of(old, old.settings, source, stat_cache, request, report)
        yield old, source, stat_cache, plan


def plan_of(
    table: Table,
    settings: Mapping[str, Any],
    source: Source,
    stat_cache: StatCache,
    request: UpdateRequest,
    report: Report,
) -> Plan:
    """Compare a source with rows of some settings; raises BadInput for an empty source."""
    plan = plan_update(
        Known(table),
        source.regions,
        stat_cache,
        only_add=request.way == "add",
        keep=request.unreadable,
        exif=bool(settings.get("exif")) and not request.exif,
    )
    if not plan.photos:
        raise nothing_found(report, source.arguments)
    return plan


def skip_unread(plan: Plan, root: Path, report: Report) -> None:
    """Say of each photo that could not be read that it stays as it is."""
    for photo in plan.photos:
        if photo.unread:
            reason = f"cannot be read: {photo.unread}; it stays as it is"
            report.skip(shown_path(root, photo.image), "update", reason)


def encoded_new(
    photos: list[Photo],
    source: Source,
    target: Path,
    load: Callable[[], Encoder],
    report: Report,
    located: Callable[[Source, Encoder], Iterable[Region]] = lambda source, _: source.regions,
) -> AbstractContextManager[list[Path]]:
    """Encode photos into parts, as `encoded_parts` does; without any nothing is loaded."""
    if not photos:
        shutil.rmtree(parts_folder(target), ignore_errors=True)  # of a job killed at its very end
        return nullcontext([])
    regions = iter([region for photo in photos for region in photo.regions])
    encoder = load()
    chosen = Source(source.root, iter(located(Source(source.root, regions), encoder)))
    return encoded_parts(chosen, encoder, target, report, even_none=True)


def counts(plan: Plan, encoded: Sequence[str], rows: int) -> Counts:
    """Return what was done; `encoded` are the photos that new rows were made of."""
    there = set(encoded)
    arrived = [photo for photo in plan.photos if photo.rows or photo.image in there]
    number = {how: sum(photo.how == how for photo in arrived) for how in ("added", "changed")}
    number["changed"] += len(plan.edited)
    skipped = len(plan.photos) - len(arrived) + sum(bool(photo.unread) for photo in arrived)
    moved = len(plan.of("moved"))
    return Counts(number["added"], number["changed"], moved, len(plan.removed), skipped, rows)


def told(plan: Plan, root: Path) -> Iterator[Record]:
    """Yield what an update would do, photo by photo: the records of a dry run."""
    for photo in plan.photos:
        image = shown_path(root, photo.image)
        reason = photo.unread or ("" if photo.rows else _unusable(photo, root))
        if reason:
            yield {"change": "skipped", "image": image, "reason": reason}
        elif photo.how == "moved":
            yield {"change": "moved", "image": image, "from": shown_path(root, photo.before)}
        elif photo.how == "kept" and photo.fields is not None:
            yield {"change": "changed", "image": image}
        elif photo.how != "kept":
            yield {"change": photo.how, "image": image}
    for image in plan.removed:
        yield {"change": "removed", "image": shown_path(root, image)}


def _unusable(photo: Photo, root: Path) -> str:
    try:
        data = photo.regions[0].data
        photo_size(read_photo(root / photo.image) if data is None else data)
    except BadImage as error:
        return str(error)
    return ""


class _Rearranged:
    """Rows of a file and of its new parts in the order of a plan."""

    def __init__(self, rows: Joined, old: int, plan: Plan) -> None:
        self._rows, self._old, self._plan = rows, old, plan
        images: list[str] = rows.read("image")
        self._digests: list[str] = rows.read("digest")
        self.encoded = images[old:]
        new = rows_by_image(self.encoded)
        pairs = [
            (photo, row)
            for photo in plan.photos
            for row in photo.rows or [old + row for row in new.get(photo.image, ())]
        ]
        kept = self._kept(images, set(plan.removed))
        self._take = np.array([*(row for _, row in pairs), *kept], np.intp)
        self._images = [*(photo.image for photo, _ in pairs), *(images[row] for row in kept)]
        asked: list[str] = rows.read("asked")
        self._asked = [*(photo.asked for photo, _ in pairs), *(asked[row] for row in kept)]
        self._fields: dict[int, dict[str, Value]] = {}  # by the place of the row
        for place, (photo, row) in enumerate(pairs):
            if photo.fields is not None and row < old:
                self._fields[place] = photo.fields[photo.rows.index(row)]

    def __len__(self) -> int:
        return len(self._take)

    @property
    def digests(self) -> dict[str, str]:
        """The content hash of every photo that has rows."""
        found = (self._digests[row] for row in self._take)
        return dict(zip(self._images, found, strict=True))

    def blocks(self) -> Iterator[Columns]:
        """Yield the rows in blocks."""
        for some in slices(len(self._take), ROWS_COPIED_AT_ONCE):
            columns = self._rows.columns(self._take[some])
            known = enumerate(columns["fields"], some.start)
            columns["fields"] = [self._fields.get(place, fields) for place, fields in known]
            yield columns | {"image": self._images[some], "asked": self._asked[some]}

    def _kept(self, images: list[str], removed: set[str]) -> list[int]:
        """Return old rows whose photos could not be looked for, and are in no plan."""
        planned = {photo.image for photo in self._plan.photos}
        moved = {photo.before for photo in self._plan.of("moved")}
        out = planned | moved | removed
        return [row for row in range(self._old) if images[row] not in out]
