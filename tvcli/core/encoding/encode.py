"""Encoding: regions of photos in, blocks of rows out, in order, each photo opened once."""

import ctypes
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from tvcli.core.blocks import blocks_of
from tvcli.core.boxes import OUTSIDE, Box, clip
from tvcli.core.encoding.encoder import Encoder, EncodeSettings
from tvcli.core.files.artifacts import Columns
from tvcli.core.files.fields import Value, merged
from tvcli.core.files.paths import shown_path
from tvcli.core.files.records import Prepared, Region
from tvcli.core.images.exif import exif_of
from tvcli.core.images.photo import (
    BadImage,
    Photo,
    Pixels,
    decode_photo,
    digest,
    inside,
    read_photo,
)
from tvcli.core.parallel import cores, in_order

UNKNOWN_BOX = (np.nan,) * 4
BATCHES_OF_A_PHOTO = 16  # that a chunk takes of one photo; more regions of it are other chunks'

COLUMNS = (
    *("image", "digest", "label", "split", "flip", "target"),
    *("position", "region", "box", "fields"),
)

Skipped = tuple[str, str, str]  # image, stage, reason


@dataclass(slots=True)
class Chunk:
    """Photos, each with its regions: what is encoded together."""

    photos: list[list[Region]] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(len(regions) for regions in self.photos)


@dataclass(slots=True)
class Encoded:
    """A chunk's rows and columns, the photos of it that were left out, and what was noted."""

    chunk: Chunk
    columns: Columns
    skips: list[Skipped]
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.columns["image"])


def chunked(regions: Iterable[Region], rows: int) -> Iterator[Chunk]:
    """Yield chunks of at least `rows` regions (but for the last), and less than 17 times as many.

    A photo is parted only if it has more than `BATCHES_OF_A_PHOTO` times `rows` regions: a chunk is
    held in memory, and whoever writes records may name one photo as often as they like.
    """
    photos = groupby(regions, key=lambda region: region.image)
    parts = (part for _, photo in photos for part in blocks_of(photo, BATCHES_OF_A_PHOTO * rows))
    return map(Chunk, blocks_of(parts, rows, size_of=len))


def encode_chunks(
    chunks: Iterable[Chunk], root: Path, encoder: Encoder, threads: int | None = None
) -> Iterator[Encoded]:
    """Yield the rows of chunks in order; photos lie under `root`. `threads`: by default all cores.

    On a CPU each core decodes and runs the network by itself, one thread each, so that no core
    waits for another; on a GPU the cores decode while it computes.
    """
    threads = threads or cores()
    if not encoder.network.on_cpu:
        with ThreadPoolExecutor(threads) as pool:
            prepared = in_order(pool, lambda chunk: _prepare(chunk, root, encoder), chunks)
            yield from (_finish(pixels, encoded, encoder) for pixels, encoded in prepared)
        return
    keep_freed_memory()
    alone = one_thread_each() if encoder.network.runtime == "torch" else nullcontext()
    with alone, ThreadPoolExecutor(threads) as pool:
        work = lambda chunk: _finish(*_prepare(chunk, root, encoder), encoder)  # noqa: E731
        yield from in_order(pool, work, chunks)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Have torch use one thread per caller, and as many as before afterwards."""
    import torch  # whoever calls this runs it already

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def keep_freed_memory() -> None:
    """Have glibc keep what is freed for the next batch, where there is glibc.

    By default each large tensor is mapped, cleared and unmapped anew: about a tenth of all the time
    that encoding takes.
    """
    if sys.platform == "linux":
        settings = {-1: 2**31 - 1, -4: 0}  # M_TRIM_THRESHOLD, M_MMAP_MAX
        with suppress(OSError, AttributeError):  # another C library
            for name, value in settings.items():
                ctypes.CDLL(None).mallopt(name, value)


def open_photo(regions: list[Region], root: Path, settings: EncodeSettings) -> tuple[Photo, str]:
    """Open the photo of some regions, as an encoder takes it, with its content hash.

    Raises:
        BadImage: the photo cannot be used.
    """
    first = regions[0]
    data = first.data if first.data is not None else read_photo(root / first.image)
    whole = any(region.crop is None for region in regions)
    crops = [] if whole else [region.crop for region in regions if region.crop]
    return decode_photo(data, size=settings.size, crops=crops, colour=settings.colour), digest(data)


def prepare(photo: Photo, region: Region, content: str, encoder: Encoder) -> Region:
    """Return a region of an open photo, of this content, with what the encoder will see of it.

    Raises:
        BadImage: it lies outside the photo.
    """
    if region.crop is not None:
        region = replace(region, crop=inside(photo, region.crop))
    seen = encoder.look(photo, region)
    prepared = Prepared(seen, photo.width, photo.height, content, photo.note)
    return replace(region, prepared=prepared)


def _prepare(chunk: Chunk, root: Path, encoder: Encoder) -> tuple[list[Pixels], Encoded]:
    pixels: list[Pixels] = []
    bare = Chunk([[replace(r, prepared=None) for r in regions] for regions in chunk.photos])
    encoded = Encoded(bare, {name: [] for name in COLUMNS}, [])
    for regions in chunk.photos:
        made = [region.prepared for region in regions if region.prepared]
        photo, content, note = None, "", made[0].note if made else ""
        if len(made) < len(regions):
            try:
                photo, content = open_photo(regions, root, encoder.settings)
            except BadImage as error:
                encoded.skips.append((regions[0].image, "decode", str(error)))
                continue
            note = photo.note
        noted = [f"{note}; it is used"] if note else []
        known = exif_of(regions[0], root) if regions[0].exif else {}
        beyond = ""  # told of one region of a photo
        for region in regions:
            try:
                if photo is not None:
                    given = region.crop
                    region = prepare(photo, region, content, encoder)
                    beyond = beyond or _reaching_beyond(photo, given, region.crop)
            except BadImage as error:
                encoded.skips.append((region.image, "crop", str(error)))
                continue
            assert region.prepared is not None
            pixels.append(region.prepared.pixels)
            _add_columns(encoded.columns, region, region.prepared, known)
        if beyond:
            noted.append(f"{beyond}; the part inside is used")
        encoded.notes += [f"{shown_path(root, regions[0].image)}: {text}" for text in noted]
    return pixels, encoded


def _reaching_beyond(photo: Photo, given: Box | None, inside: Box | None) -> str:
    """Return that a box reaches beyond its photo, by more than is rounding; else nothing."""
    if given is None or inside is None:
        return ""
    if max(abs(a - b) for a, b in zip(given, inside, strict=True)) <= OUTSIDE:
        return ""
    shown = ",".join(f"{side:g}" for side in given)
    return f"the box {shown} reaches beyond the photo ({photo.width} x {photo.height})"


def _add_columns(
    columns: Columns, region: Region, prepared: Prepared, known: dict[str, Value]
) -> None:
    for name in ("image", "label", "split", "flip", "target", "position"):
        columns[name].append(getattr(region, name))
    columns["digest"].append(prepared.digest)
    width, height = prepared.width, prepared.height
    columns["region"].append(region.crop or (0.0, 0.0, float(width), float(height)))
    box = region.box and (clip(region.box, width, height) or region.box)
    columns["box"].append(box or UNKNOWN_BOX)
    columns["fields"].append(merged(known, region.fields))


def _finish(pixels: list[Pixels], encoded: Encoded, encoder: Encoder) -> Encoded:
    if pixels:
        encoded.columns["encodings"] = encoder.encode(pixels).astype(np.float16)
    return encoded
