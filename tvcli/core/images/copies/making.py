"""Folders of copies: photos in, changed copies and the truth about them out."""

import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from PIL import Image

from tvcli.core.boxes import Box
from tvcli.core.errors import BadInput
from tvcli.core.files.paths import absolute_path
from tvcli.core.files.records import Record, Region
from tvcli.core.files.sources import Source
from tvcli.core.images.copies.changes import CHANGES, code_of, kinds_for, rng_of
from tvcli.core.images.copies.truth import keep_truth, known_copies, write_copy
from tvcli.core.images.photo import BadImage, decode_photo, read_photo, thumbnail
from tvcli.core.parallel import cores, in_order
from tvcli.core.reports import Report, nothing_found

LARGEST = 1024  # pixels of the long side that photos are changed at, unless told otherwise
QUALITY = 92  # of JPEG and WebP
CODE = 12  # hexadecimal digits in a copy's name
FORMATS = ("jpg", "png", "webp")

CopyFormat = Literal["jpg", "png", "webp", "mixed"]


@dataclass(frozen=True, slots=True)
class CopySettings:
    """What copies to make: `count` of each photo, None for one of every kind.

    Photos are brought to a long side of `size` pixels at most before they are changed.
    """

    kinds: Sequence[str] = tuple(CHANGES)
    count: int | None = None
    seed: int = 0
    format: CopyFormat = "jpg"
    size: int = LARGEST


@dataclass(slots=True)
class _Made:
    """The copies of one photo, as records with absolute paths; or why there are none."""

    image: str
    records: list[Record] = field(default_factory=list)
    reason: str = ""


def make_copies(
    source: Source, folder: Path, settings: CopySettings, report: Report
) -> Iterator[Record]:
    """Write changed copies of photos and yield what they are: image, original, kind, parameters.

    The same for the same photos, names below the source's root, settings and seed. Photos inside
    `folder` are left out. Its `truth.jsonl` tells of all copies there, earlier ones too. Paths of
    the records are absolute. A few photos for each core are in memory at a time.

    Raises:
        BadInput: no photo could be used, or a file that is not such a copy is in the way.
    """
    folder = Path(absolute_path(folder))
    known = known_copies(folder)
    made: dict[str, Record] = {}
    report.start("copying", "photos", source.total)
    outside = (
        region
        for region in source.regions
        if not Path(absolute_path(source.root / region.image)).is_relative_to(folder)
    )
    try:
        for photo in _made(outside, source.root, folder, settings, set(known)):
            if photo.reason:
                report.skip(photo.image, "copy", photo.reason)
                continue
            made |= {record["image"]: record for record in photo.records}
            report.advance()
            yield from photo.records
    finally:
        if made:
            keep_truth(folder, known | made)
    if not made:
        raise BadInput(nothing_found(report))


def _made(
    regions: Iterator[Region], root: Path, folder: Path, settings: CopySettings, own: set[str]
) -> Iterator[_Made]:
    with ThreadPoolExecutor(cores()) as pool:
        work = lambda region: _copies_of(region, root, folder, settings, own)  # noqa: E731
        yield from in_order(pool, work, regions)


def _copies_of(
    region: Region, root: Path, folder: Path, settings: CopySettings, own: set[str]
) -> _Made:
    made = _Made(region.image)
    try:
        data = region.data if region.data is not None else read_photo(root / region.image)
        picture = picture_of(data, region.crop, settings.size)
    except BadImage as error:
        made.reason = str(error)
        return made
    name = f"{region.image} {region.crop}" if region.crop else region.image
    count = len(settings.kinds) if settings.count is None else settings.count
    for number, kind in enumerate(kinds_for(name, settings.kinds, count, settings.seed)):
        numbered = f"{name}/{number}"
        path, parameters, content = _copy(picture, region.image, kind, numbered, settings)
        write_copy(folder / path, content, str(folder / path) in own)
        box = {"box": list(region.crop)} if region.crop else {}
        original = absolute_path(root / region.image)
        about = {"image": str(folder / path), "original": original, "kind": kind}
        made.records.append(about | box | parameters)
    return made


def _copy(
    picture: Image.Image, image: str, kind: str, name: str, settings: CopySettings
) -> tuple[str, Record, bytes]:
    """Return a copy's file name, its parameters, and the file."""
    parameters = CHANGES[kind].draw(rng_of(kind, settings.seed, name))
    copy = CHANGES[kind].apply(picture, **parameters)
    suffix = settings.format
    if suffix == "mixed":
        drawn = int(code_of(f"{settings.seed}/format/{name}")[:8], 16)
        suffix = FORMATS[drawn % len(FORMATS)]  # type: ignore[assignment]
    buffer = io.BytesIO()
    copy.save(buffer, {"jpg": "JPEG"}.get(suffix, suffix), quality=QUALITY)
    return copy_name(image, kind, name, settings.seed, f".{suffix}"), parameters, buffer.getvalue()


def copy_name(image: str, kind: str, name: str, seed: int, suffix: str) -> str:
    """Return a file name that says of what it is a copy, and how it was changed."""
    return f"{Path(image).stem}-{kind}-{code_of(f'{seed}/{kind}/{name}')[:CODE]}{suffix}"


def picture_of(data: bytes, crop: Box | None, size: int) -> Image.Image:
    """Return a photo, or a crop of it, its long side at most `size`; raises BadImage."""
    photo = decode_photo(data, size=size, crops=[crop] if crop else [])
    return thumbnail(photo, size, crop)
