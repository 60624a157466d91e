"""JPEGs whose end is missing: whole but for the end marker, cut in their last rows, or worse."""

import re
import zlib
from functools import cache

import numpy as np

from tvcli.core.images.known_pictures import open_picture

END = b"\xff\xd9"
LAST_ROWS = 1 / 20  # of a photo's height, or a row of blocks: a photo that lacks no more is used
BLOCKS = 17  # pixels: a row of blocks, which also shows in the last row above them
NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def completed(data: bytes) -> tuple[bytes, int] | None:
    """Return a cut JPEG with an end marker, and how many of its last rows are missing.

    None if it lacks more than its last rows: then it is not to be used. What is missing is told by
    decoding it twice, followed by nothing and by noise: rows that differ are made up.
    """
    body = data.rstrip(b"\xff")
    if not _has_all_scans(body):
        return None
    ended, noisy = _row_sums(body + END), _row_sums(body + _filler() + END)
    height = len(ended)
    first = next((row for row in range(height) if ended[row] != noisy[row]), height)
    most = min(max(height * LAST_ROWS, BLOCKS), height / 2)
    return (body + END, height - first) if height - first <= most else None


@cache
def _filler() -> bytes:
    """Return what a decoder goes on with where data is missing: not the zeros it makes up itself.

    Made when a cut photo is met, since numpy's random numbers take 5 ms to load.
    """
    return np.random.default_rng(0).integers(0, 255, 4096, np.uint8).tobytes()


def _row_sums(data: bytes) -> list[int]:
    """Return a checksum of each row of a JPEG's pixels."""
    with open_picture(data) as image:
        return [zlib.crc32(row) for row in np.asarray(image)]


def _has_all_scans(data: bytes) -> bool:
    """Tell whether the scans that have begun give all of each coefficient (ITU T.81, B.2)."""
    wanted: dict[int, set[int]] = {}
    place = 2
    while found := NEXT_MARKER.search(data, place):
        marker, start = found[0][1], found.end()
        length = int.from_bytes(data[start : start + 2], "big")
        body = data[start + 2 : start + length]
        place = start + max(length, 2)
        if marker in (0xC0, 0xC1, 0xC2) and len(body) > 5:
            wanted = {component: set(range(64)) for component in body[6::3]}
        elif marker == 0xDA and body:
            count = body[0]
            first, last, precision = (*body[1 + 2 * count :], 0, 0, 0)[:3]
            if precision & 15 == 0:  # down to the last bit
                for component in body[1 : 1 + 2 * count : 2]:
                    wanted.get(component, set()).difference_update(range(first, last + 1))
    return bool(wanted) and not any(wanted.values())
