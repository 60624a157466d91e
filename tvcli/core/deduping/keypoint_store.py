"""A key-point store: the key points of many photos in a temporary file, never all in memory."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from tvcli.core.files.paths import shown_path
from tvcli.core.images.photo import BadImage, decode_photo, read_photo
from tvcli.core.matching.feature_columns import COLUMNS, as_columns, from_columns
from tvcli.core.matching.features import SIDE, Both, Keypoints, describe, describe_both
from tvcli.core.parallel import cores, in_order
from tvcli.core.reports import Report

# Of one side of a photo, as the columns of files of key points hold it.
ROW = np.dtype([(name, values.dtype, values.shape[1:]) for name, values in as_columns([]).items()])


class KeypointStore:
    """Key points by number, in a file of rows of equal length; several threads may read."""

    def __init__(self, path: Path, count: int) -> None:
        self._file = path.open("rb")
        self._count = count

    def __len__(self) -> int:
        return self._count

    def read(self, number: int) -> Both:
        """Return the key points of a photo as it is and mirrored; none of a bad photo."""
        size = 2 * ROW.itemsize
        rows: Any = np.frombuffer(os.pread(self._file.fileno(), size, number * size), ROW)
        plain, mirrored = from_columns({name: rows[name] for name in COLUMNS}, "orb")
        return [plain, replace(mirrored, mirrored=True)]

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
                    report.skip(shown_path(Path(), str(photo)), "key points", found)
                    file.write(np.zeros(2, ROW).tobytes())
                else:
                    file.write(found)
                report.advance()
        store = KeypointStore(path, len(photos))
        try:
            yield store
        finally:
            store.close()


def _described(work: tuple[Path, Keypoints | None]) -> bytes | str:
    """Return the rows of a photo, or why there are none."""
    path, known = work
    try:
        photo = decode_photo(read_photo(path), size=SIDE)
        if known is None or known.region != photo.whole:  # a box of it
            return _packed(describe_both(photo))
        return _packed([known, describe(photo, mirrored=True)])
    except BadImage as error:
        return str(error)


def _packed(both: Both) -> bytes:
    rows = np.zeros(2, ROW)
    for name, values in as_columns(both).items():
        rows[name] = values
    return rows.tobytes()
