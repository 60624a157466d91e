"""Folders of copies: photos in, changed copies and the truth about them out."""

import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from PIL import Image

from tvcli.core.boxes import Box, clip
from tvcli.core.errors import BadInput
from tvcli.core.files.locks import writing
from tvcli.core.files.paths import absolute_path, shown_path
from tvcli.core.files.records import Record, Region
from tvcli.core.files.sources import Source
from tvcli.core.images.copies.change import Copy, Parameters
from tvcli.core.images.copies.changes import (
    CHANGES,
    change_named,
    changed_copy,
    code_of,
    kinds_for,
)
from tvcli.core.images.copies.others import with_others
from tvcli.core.images.copies.transforms import Transform, corners_of, moved, scaling, shift
from tvcli.core.images.copies.truth import TRUTH, keep_truth, known_copies, write_copy
from tvcli.core.images.own_pictures import picture_name
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
        BadInput: no photo could be used, a file that is not such a copy is in the way, or others
            are writing copies into the folder.
    """
    folder = Path(absolute_path(folder))
    with writing(folder / TRUTH):  # what one of two knew would be missing in the other's truth
        yield from _make(source, folder, settings, report)


def _make(source: Source, folder: Path, settings: CopySettings, report: Report) -> Iterator[Record]:
    known = known_copies(folder)
    made: dict[str, Record] = {}
    report.start("copying", "photos", source.total)
    inside = 0

    def outside() -> Iterator[Region]:
        nonlocal inside
        for region in source.regions:
            if Path(absolute_path(source.root / region.image)).is_relative_to(folder):
                inside += 1
            else:
                yield region

    try:
        for photo in _made(outside(), source.root, folder, settings, set(known)):
            if photo.reason:
                report.skip(shown_path(source.root, photo.image), "copy", photo.reason)
                continue
            made |= {record["image"]: record for record in photo.records}
            report.advance()
            yield from photo.records
    finally:
        if made:
            keep_truth(folder, known | made)
    if not made:
        if inside:
            raise BadInput(f"{folder}: the photos lie in it; put the copies elsewhere, with -o")
        raise nothing_found(report, source.arguments)


def _made(
    regions: Iterator[Region], root: Path, folder: Path, settings: CopySettings, own: set[str]
) -> Iterator[_Made]:
    with ThreadPoolExecutor(cores()) as pool:
        work = lambda pair: _copies_of(pair, root, folder, settings, own)  # noqa: E731
        yield from in_order(pool, work, with_others(regions, settings.seed))


def _copies_of(
    pair: tuple[Region, Region | None],
    root: Path,
    folder: Path,
    settings: CopySettings,
    own: set[str],
) -> _Made:
    region, mate = pair
    made = _Made(region.image)
    try:
        original = _read(region, root, settings.size)
    except BadImage as error:
        made.reason = str(error)
        return made
    name = f"{region.image} {region.crop}" if region.crop else region.image
    count = len(settings.kinds) if settings.count is None else settings.count
    kinds = kinds_for(name, settings.kinds, count, settings.seed)
    other = _other(mate, root, settings.size) if any(map(_uses_other, kinds)) else None
    for number, kind in enumerate(kinds):
        numbered = f"{name}/{number}"
        copy, parameters = changed_copy(original.picture, kind, settings.seed, numbered, other)
        content, suffix = _written(copy.image, numbered, settings)
        path = folder / copy_name(region.image, kind, numbered, settings.seed, suffix)
        write_copy(path, content, str(path) in own)
        about: Record = {"image": str(path), "original": absolute_path(root / region.image)}
        if mate and other and _uses_other(kind):
            about["other"] = absolute_path(root / mate.image)
        box = {"box": list(region.crop)} if region.crop else {}
        place = placed(copy, original)
        made.records.append(about | {"kind": kind} | box | parameters | place)
    return made


@dataclass(frozen=True, slots=True)
class Original:
    """What is changed: the picture, and the map (3, 3) from the photo's pixels to its own."""

    picture: Image.Image
    transform: Transform


def original_of(data: bytes, crop: Box | None, size: int) -> Original:
    """Return a photo, or a crop of it, its long side at most `size`; raises BadImage."""
    photo = decode_photo(data, size=size, crops=[crop] if crop else [])
    picture = thumbnail(photo, size, crop)
    x0, y0, x1, y1 = (crop and clip(crop, photo.width, photo.height)) or photo.whole
    across, down = picture.width / (x1 - x0), picture.height / (y1 - y0)
    return Original(picture, scaling(across, down) @ shift(-x0, -y0))


def _read(region: Region, root: Path, size: int) -> Original:
    data = region.data if region.data is not None else read_photo(root / region.image)
    return original_of(data, region.crop, size)


def _other(mate: Region | None, root: Path, size: int) -> Image.Image | None:
    """Return the other photo; None where there is none that can be used."""
    try:
        return _read(mate, root, size).picture if mate else None
    except BadImage:
        return None


def _uses_other(kind: str) -> bool:
    return change_named(kind).uses_other


def placed(copy: Copy, original: Original) -> Parameters:
    """Return where the original lies in its copy: `transform` (3, 3) from the pixels of the photo,
    and `outline`, the corners of what was copied, which may lie outside the copy.
    """
    corners = moved(copy.transform, corners_of(original.picture.size))
    transform = copy.transform @ original.transform
    transform = transform / transform[2, 2]
    return {
        "transform": [[float(f"{value:.9g}") for value in row] for row in transform.tolist()],
        "outline": [[round(x, 1), round(y, 1)] for x, y in corners.tolist()],
    }


def _written(copy: Image.Image, name: str, settings: CopySettings) -> tuple[bytes, str]:
    """Return a copy's file, and what its name ends with."""
    suffix = settings.format
    if suffix == "mixed":
        drawn = int(code_of(f"{settings.seed}/format/{name}")[:8], 16)
        suffix = FORMATS[drawn % len(FORMATS)]  # type: ignore[assignment]
    buffer = io.BytesIO()
    copy.save(buffer, {"jpg": "JPEG"}.get(suffix, suffix), quality=QUALITY)
    return buffer.getvalue(), f".{suffix}"


def copy_name(image: str, kind: str, name: str, seed: int, suffix: str) -> str:
    """Return a file name that says of what it is a copy, and how it was changed."""
    code = code_of(f"{seed}/{kind}/{name}")[:CODE]
    return picture_name(Path(image).stem, f"-{kind}-{code}{suffix}")
