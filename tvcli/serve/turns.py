"""Turns: how much may be decoded at a time, by all routes of a page together."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tvcli.core.images.photo import BadImage, photo_format, photo_size

MAX_PIXELS = 100_000_000  # of a photo that is shown or dropped: a few hundred MB while decoded


class Turns:
    """Pixels that are decoded at a time; who would exceed them waits, first come first served."""

    def __init__(self, pixels: int = MAX_PIXELS) -> None:
        self._most, self._taken = pixels, 0
        self._change = threading.Condition()
        self._queue: list[object] = []

    @contextmanager
    def turn(self, pixels: int) -> Iterator[None]:
        """Wait until so many pixels may be decoded; a photo of more than all waits to be alone."""
        share, ticket = min(max(pixels, 1), self._most), object()
        with self._change:
            self._queue.append(ticket)
            self._change.wait_for(
                lambda: self._queue[0] is ticket and self._taken + share <= self._most
            )
            self._queue.pop(0)
            self._taken += share
            self._change.notify_all()
        try:
            yield
        finally:
            with self._change:
                self._taken -= share
                self._change.notify_all()


TURNS = Turns()


@contextmanager
def decoding(data: bytes) -> Iterator[None]:
    """Wait for the turn of a photo to be decoded; raises BadImage as `check_pixels` does."""
    with TURNS.turn(pixels_of(data)):
        yield


def pixels_of(data: bytes) -> int:
    """Return how many pixels a photo has; raises BadImage as `check_pixels` does."""
    width, height = check_pixels(data)
    return width * height


def check_pixels(data: bytes) -> tuple[int, int]:
    """Return width and height of a photo; raises BadImage if it is none, or too large.

    A JPEG is decoded at a fraction of its size, so cameras' largest may be shown.
    """
    width, height = photo_size(data)
    if width * height > MAX_PIXELS and photo_format(data) not in ("JPEG", "MPO"):
        raise BadImage(f"more than {MAX_PIXELS // 10**6} million pixels")
    return width, height
