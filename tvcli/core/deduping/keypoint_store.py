"""A key-point store: the key points of many photos in a temporary file, never all in memory."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path

import numpy as np

from tvcli.core.images.photo import BadImage, decode_photo, read_photo
from tvcli.core.matching.features import (
    COLOUR,
    COUNT,
    PREVIEW,
    SIDE,
    Keypoints,
    describe,
    describe_both,
)
from tvcli.core.parallel import cores, in_order
from tvcli.core.reports import Report

BYTES = 32  # of an ORB descriptor

# Of a photo as it is and mirrored: the first `count` are known; of small pictures the first sides.
ROW = np.dtype(
    [
        ("descriptors", "u1", (2, COUNT, BYTES)),
        ("points", "f4", (2, COUNT, 2)),
        ("count", "i4", (2,)),
        ("preview", "u1", (PREVIEW, PREVIEW)),
        ("sides", "i4", (2,)),
        ("colour", "u1", (COLOUR, COLOUR, 3)),
        ("colour_sides", "i4", (2,)),
        ("region", "f8", (4,)),
    ]
)

Both = list[Keypoints]  # of a photo as it is, and mirrored


class KeypointStore:
    """Key points by number, in a file of rows of equal length; several threads may read."""

    def __init__(self, path: Path, count: int) -> None:
        self._file = path.open("rb")
        self._count = count

    def __len__(self) -> int:
        return self._count

    def read(self, number: int) -> Both:
        """Return the key points of a photo as it is and mirrored; none of a bad photo."""
        data = os.pread(self._file.fileno(), ROW.itemsize, number * ROW.itemsize)
        return _unpacked(np.frombuffer(data, ROW, 1)[0])

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@contextmanager
def store_keypoints(
    photos: list[Path], report: Report, known: Iterable[Keypoints | None] = repeat(None)
) -> Iterator[KeypointStore]:
    """Describe photos, each opened once, into a temporary file that is gone afterwards.

    What is `known` of a photo as it is, by ORB, is not described again; its mirror image is.
    A photo that cannot be read is skipped: it has no key points.
    """
    report.start("key points", "photos", len(photos))
    with tempfile.TemporaryDirectory(prefix="tv-dedupe-") as folder:
        path = Path(folder) / "keypoints"
        with path.open("wb") as file, ThreadPoolExecutor(cores()) as pool:
            work = zip(photos, known, strict=False)  # without an end where nothing is known
            for photo, found in zip(photos, in_order(pool, _described, work), strict=True):
                if isinstance(found, str):
                    report.skip(str(photo), "key points", found)
                    file.write(np.zeros(1, ROW).tobytes())
                else:
                    file.write(found)
                report.advance()
        store = KeypointStore(path, len(photos))
        try:
            yield store
        finally:
            store.close()


def _described(work: tuple[Path, Keypoints | None]) -> bytes | str:
    """Return the row of a photo, or why there is none."""
    path, known = work
    try:
        photo = decode_photo(read_photo(path), size=SIDE)
        if known is None or known.region != photo.whole:  # a box of it
            return _packed(describe_both(photo))
        return _packed([known, describe(photo, mirrored=True)])
    except BadImage as error:
        return str(error)


def _packed(both: Both) -> bytes:
    row = np.zeros(1, ROW)[0]
    for side, keypoints in enumerate(both):
        count = min(len(keypoints), COUNT)
        row["count"][side] = count
        row["descriptors"][side, :count] = keypoints.descriptors[:count]
        row["points"][side, :count] = keypoints.points[:count]
    height, width = both[0].preview.shape
    row["preview"][:height, :width] = both[0].preview
    row["sides"], row["region"] = (height, width), both[0].region
    height, width = both[0].colour.shape[:2]
    row["colour"][:height, :width] = both[0].colour
    row["colour_sides"] = height, width
    packed: bytes = row.tobytes()
    return packed


def _unpacked(row: np.void) -> Both:
    height, width = row["sides"]
    down, across = row["colour_sides"]
    x0, y0, x1, y1 = (float(side) for side in row["region"])
    return [
        Keypoints(
            points=row["points"][side, : row["count"][side]],
            descriptors=row["descriptors"][side, : row["count"][side]],
            preview=np.ascontiguousarray(row["preview"][:height, :width]),
            region=(x0, y0, x1, y1),
            mirrored=bool(side),
            colour=np.ascontiguousarray(row["colour"][:down, :across]),
        )
        for side in range(2)
    ]
