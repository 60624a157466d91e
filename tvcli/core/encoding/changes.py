"""What has changed since rows were made: photos added, changed, moved and removed."""

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tvcli.core.encoding.stat_cache import StatCache
from tvcli.core.files.artifacts import Rows, Table
from tvcli.core.files.fields import Value, merged
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.records import Region
from tvcli.core.images.exif import with_exif
from tvcli.core.images.photo import BadImage, digest

PLAIN = (None, None, "", "", False, "")  # what is asked for of a photo named, and no more

How = Literal["kept", "added", "changed", "moved"]


class Known:
    """The rows that there are: those of each photo, its content hash, and what was asked of it."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.rows = rows_by_image(table.read("image"))
        self.digests: list[str] = table.read("digest")
        self.asked: list[str] = table.read("asked")

    def fields(self, rows: Sequence[int]) -> list[dict[str, Value]]:
        """Return the fields of some rows."""
        return self._table.read("fields", np.array(rows, np.intp)) if rows else []

    def crops(self, rows: Sequence[int]) -> npt.NDArray[np.float32]:
        """Return which parts of photos some rows are, (n, 4)."""
        crops: npt.NDArray[np.float32] = self._table.read("region", np.array(rows, np.intp))
        return crops


@dataclass(slots=True)
class Photo:
    """A photo that is to have rows: those there are already, or else (none) new ones.

    `before` is the photo that its rows were made of, where it is another. `fields` are those that
    the rows there are get, where they are not as they were. `unread` is why the photo cannot be
    read though it is there, or may be: what it holds is not known, and its rows stay.
    """

    image: str
    regions: list[Region]
    asked: str
    how: How = "added"
    rows: list[int] = field(default_factory=list)
    before: str = ""
    digest: str = ""
    fields: list[dict[str, Value]] | None = None
    unread: str = ""


@dataclass(slots=True)
class Plan:
    """What an update does: the photos that stay or come, in order, and the rows that go."""

    photos: list[Photo]
    removed: list[str]
    gone: Rows

    def of(self, how: How) -> list[Photo]:
        """Return the photos that come to be there in some way."""
        return [photo for photo in self.photos if photo.how == how]

    @property
    def copied(self) -> list[Photo]:
        """The photos whose rows are known already, under another name or content."""
        return [photo for photo in self.photos if photo.how != "kept" and photo.rows]

    @property
    def edited(self) -> list[Photo]:
        """The photos that stay as they are, but for their fields."""
        return [photo for photo in self.photos if photo.how == "kept" and photo.fields is not None]

    @property
    def new(self) -> list[Photo]:
        """The photos that must be encoded."""
        return [photo for photo in self.photos if not photo.rows]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be done."""
        return self.keeps_rows and not self.edited

    @property
    def keeps_rows(self) -> bool:
        """Whether no row comes or goes."""
        return not self.removed and all(photo.how == "kept" for photo in self.photos)


def plan_update(
    known: Known,
    regions: Iterable[Region],
    stat_cache: StatCache,
    *,
    only_add: bool,
    keep: Sequence[str],
    exif: bool,
) -> Plan:
    """Compare the photos that a source names with the rows there are.

    A photo stays if it was asked for in the same way and has the same content; one of the same
    content as another, or as one that is gone, gets that one's rows. Photos in the folders of
    `keep`, which could not be read, stay; with `only_add` all do. With `exif` photos that come get
    the fields of their EXIF.
    """
    wanted: defaultdict[str, list[Region]] = defaultdict(list)
    for region in regions:
        wanted[region.image].append(region)
    photos = [Photo(image, asked, asked_of(asked)) for image, asked in wanted.items()]
    for photo in photos:
        _keep(photo, known, stat_cache)
    vanished = {} if only_add else _vanished(known, wanted, stat_cache.root, keep)
    _reuse(photos, vanished, known, stat_cache)
    if exif:
        for photo in photos:
            _add_exif(photo, stat_cache.root)
    _give_fields(photos, known)
    moved = {photo.before for photo in photos if photo.how == "moved"}
    replaced = [photo.image for photo in photos if photo.how == "changed"]
    gone = sorted(row for image in [*vanished, *replaced] for row in known.rows[image])
    removed = [image for image in vanished if image not in moved]
    return Plan(photos, removed, np.array(gone, np.intp))


def asked_of(regions: Sequence[Region]) -> str:
    """Return a hash of the regions asked for of a photo; empty for the whole photo and no more."""
    asked = Asked()
    for region in regions:
        asked.note(region)
    return asked.of(regions[0].image)


class Asked:
    """Notes which regions a source asks for of each photo, as they go by."""

    def __init__(self) -> None:
        self._hashes: dict[str, str] = {}

    def watch(self, regions: Iterable[Region]) -> Iterator[Region]:
        """Yield regions as they are."""
        for region in regions:
            self.note(region)
            yield region

    def note(self, region: Region) -> None:
        """Add a region to those asked for of its photo."""
        asked = (region.crop, region.box, region.label, region.split, region.flip, region.target)
        before = self._hashes.get(region.image)
        if before is None and asked == PLAIN:
            self._hashes[region.image] = ""
            return
        text = f"{before} {asked}".encode("utf-8", "backslashreplace")
        self._hashes[region.image] = hashlib.blake2b(text, digest_size=8).hexdigest()

    def of(self, image: str) -> str:
        """Return the hash of what was asked for of a photo."""
        return self._hashes.get(image, "")


def rows_by_image(images: Iterable[str]) -> dict[str, list[int]]:
    """Return the rows of each image, rising, from the image of every row."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, image in enumerate(images):
        rows[image].append(row)
    return dict(rows)


def _keep(photo: Photo, known: Known, stat_cache: StatCache) -> None:
    """Let a photo stay if it is what its rows were made of; else it is changed, or added."""
    rows = known.rows.get(photo.image, [])
    photo.how = "changed" if rows else "added"
    if rows and known.asked[rows[0]] == photo.asked:
        photo.digest = _digest(photo, stat_cache)
        if not photo.digest:
            photo.unread = _unread(stat_cache.root / photo.image)
        if photo.unread:
            stat_cache.forget(photo.image)
        if photo.unread or photo.digest == known.digests[rows[0]]:
            photo.how, photo.rows = "kept", rows


def _digest(photo: Photo, stat_cache: StatCache) -> str:
    """Return the content hash of a photo; empty if it cannot be read, as encoding it will tell."""
    data = photo.regions[0].data
    try:
        return digest(data) if data is not None else stat_cache.digest(photo.image)
    except BadImage:
        return ""


def _unread(path: Path) -> str:
    """Return why a photo is not to be read, though its file is there or all of its folder is away.

    A disk may go between the list of its photos and the last of them. Of a file that is there and
    no photo any more, or is gone alone, it is empty.
    """
    try:
        if stat.S_ISREG(path.stat().st_mode):  # a pipe would hang
            with path.open("rb") as file:
                file.read(1)
    except OSError as error:
        if os.path.lexists(path) or _is_away(path.parent):
            return error.strerror or type(error).__name__
    return ""


def _is_away(folder: Path) -> bool:
    """Tell whether a folder is not to be read, or holds nothing, as where a disk was mounted."""
    try:
        return next(folder.iterdir(), None) is None
    except OSError:
        return True


def _add_exif(photo: Photo, root: Path) -> None:
    """Have a photo that comes get the fields of its EXIF: now, or when it is encoded."""
    if photo.how in ("added", "changed") and photo.rows:
        photo.regions = list(with_exif(photo.regions, root))
    elif photo.how in ("added", "changed"):
        photo.regions = [replace(region, exif=True) for region in photo.regions]


def _give_fields(photos: Sequence[Photo], known: Known) -> None:
    """Tell which fields the rows of photos get, and photos yet to be encoded.

    Fields that a source names are set, all others stay: as they were of the photo of that name, or
    of the one that moved.
    """
    concerned = [
        photo
        for photo in photos
        if photo.how != "kept" or any(region.fields for region in photo.regions)
    ]
    sources = [p.rows if p.how == "moved" else known.rows.get(p.image, []) for p in concerned]
    wanted = [row for found in sources for row in found]
    fields = dict(zip(wanted, known.fields(wanted), strict=True))
    for photo, found in zip(concerned, sources, strict=True):
        before = [fields[row] for row in found]
        if not photo.rows:
            _pass_on(photo, before)
            continue
        if found != photo.rows:  # of a photo that gets the rows of another
            before = [before[0] if before else {} for _ in photo.rows]
        after = fields_of_rows(photo.regions, known.crops(photo.rows), before)
        if photo.how != "kept" or after != before:
            photo.fields = after


def fields_of_rows(
    regions: Sequence[Region],
    crops: npt.NDArray[np.float32],
    before: Sequence[dict[str, Value]],
) -> list[dict[str, Value]]:
    """Return the fields of a photo's rows, of which crops (n, 4) are known, after an update."""
    asked = {_key(region.crop): region.fields for region in regions}
    if len(set(asked.values())) == 1:  # its objects may have been located since
        return [merged(known, regions[0].fields) for known in before]
    if len(regions) == len(before):
        return [merged(known, r.fields) for known, r in zip(before, regions, strict=True)]
    whole = asked.get(_key(None), ())
    pairs = zip(before, crops, strict=True)
    return [merged(known, asked.get(_key(crop), whole)) for known, crop in pairs]


def _key(crop: Any) -> bytes:
    return b"" if crop is None else np.asarray(crop, np.float32).tobytes()


def _pass_on(photo: Photo, before: Sequence[dict[str, Value]]) -> None:
    """Let a photo that is encoded anew keep the fields that it had."""
    if before and before[0]:
        photo.regions = [
            replace(region, fields=tuple(sorted({**before[0], **dict(region.fields)}.items())))
            for region in photo.regions
        ]


def _vanished(
    known: Known, wanted: Mapping[str, object], root: Path, keep: Sequence[str]
) -> dict[str, None]:
    """Return the photos that are no longer named, in order, but for those in some folders."""
    folders = tuple(os.path.join(absolute_path(folder), "") for folder in keep)  # noqa: PTH118
    gone = [image for image in known.rows if image not in wanted]
    places = (absolute_path(root / image) for image in gone)
    return {g: None for g, at in zip(gone, places, strict=True) if not at.startswith(folders)}


def _reuse(
    photos: list[Photo], vanished: dict[str, None], known: Known, stat_cache: StatCache
) -> None:
    """Give photos the rows of others of the same content, those that have vanished first."""
    rows = known.rows
    fresh = [photo for photo in photos if photo.how != "kept"]
    if not (fresh and rows):
        return
    donors: dict[tuple[str, str], list[str]] = defaultdict(list)
    for image in [*vanished, *(image for image in rows if image not in vanished)]:
        first = rows[image][0]
        donors[known.digests[first], known.asked[first]].append(image)
    sizes = stat_cache.sizes_of(rows)
    unclaimed = set(vanished)
    for photo in fresh:
        if not photo.digest and _may_be_known(photo, sizes, stat_cache):
            photo.digest = _digest(photo, stat_cache)
        images = donors.get((photo.digest, photo.asked)) if photo.digest else None
        if not images:
            continue
        photo.before = next((image for image in images if image in unclaimed), images[0])
        photo.rows = rows[photo.before]
        if photo.how == "added" and photo.before in unclaimed:
            photo.how = "moved"
            unclaimed.remove(photo.before)


def _may_be_known(photo: Photo, sizes: set[int] | None, stat_cache: StatCache) -> bool:
    """Tell whether a photo is of a size that some known photo has (None: sizes are not known)."""
    if sizes is None or photo.regions[0].data is not None:
        return True
    seen = stat_cache.notice(photo.image)
    return seen is not None and seen[0] in sizes
