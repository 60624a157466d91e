"""A collection of garments, drawn to a folder, with a record of what each photo shows.

Python draws on one core, whatever the threads: on more, this module is run by helpers of its own,
which draw every so many photos and write them to standard output.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from tvcli.core.parallel import cores
from tvcli.demo.drawing.garment import KINDS, Garment, design
from tvcli.demo.drawing.photo import Photo, take_photo

QUALITY = 92
MOST_HELPERS = 3
WORTH = 16  # photos for which a helper, who has to load numpy, is worth its start

Record = dict[str, str | int | list[int]]
Drawn = tuple[Record, bytes]


def draw_collection(
    folder: Path, *, garments: int = 60, photos_each: int = 4, size: int = 256, seed: int = 0
) -> Iterator[Record]:
    """Draw a collection of garments in studio scenes on all cores, a record at a time.

    Writes folder/photos/<garment>-<photo>.jpg and yields, per photo: image (relative to folder),
    width, height, box ([x0, y0, x1, y1] pixels, half open: the garment's visible extent), label
    (its kind), split, and its attributes. The last photo of each garment is split "test", the
    others, and a garment's only one, are "train". Each photo depends on its seed, garment and
    number alone: neither more garments nor other numbers of cores change it.

    Raises OSError where the folder cannot be written.
    """
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    order = Order(garments, photos_each, size, seed)
    share = max(1, min(cores(), MOST_HELPERS + 1, len(order.places) // WORTH))
    with ExitStack() as ended:
        drawn = [ended.enter_context(_helper(order, first, share)) for first in range(1, share)]
        for number, place in enumerate(order.places):
            others = number % share
            found = _read(drawn[others - 1]) if others else None
            record, jpeg = found or order.draw(place)
            (folder / str(record["image"])).write_bytes(jpeg)
            yield record


class Order(NamedTuple):
    """What is to be drawn."""

    garments: int
    photos_each: int
    size: int
    seed: int

    @property
    def places(self) -> list[tuple[int, int]]:
        """All photos in order: the garment's place, and the photo's number."""
        return list(product(range(self.garments), range(1, self.photos_each + 1)))

    def draw(self, place: tuple[int, int]) -> Drawn:
        """The record of a photo, and the photo as JPEG."""
        index, number = place
        photo = draw_photo(index, number, size=self.size, seed=self.seed)
        garment = design_garment(index, seed=self.seed)
        split = "test" if number == self.photos_each > 1 else "train"
        jpeg = BytesIO()
        photo.image.save(jpeg, "JPEG", quality=QUALITY)
        record = record_of(photo, garment, f"photos/{garment.name}-{number}.jpg", split)
        return record, jpeg.getvalue()


def main() -> None:
    """Draw every so many photos of an order, and write records and photos in turns."""
    *order, first, share = map(int, sys.argv[1:])
    wanted = Order(*order)
    for place in wanted.places[first::share]:
        record, jpeg = wanted.draw(place)
        sys.stdout.buffer.write(json.dumps([record, len(jpeg)]).encode() + b"\n" + jpeg)
        sys.stdout.buffer.flush()


@contextmanager
def _helper(order: Order, first: int, share: int) -> Iterator[IO[bytes]]:
    """Give what a helper writes, who waits as long as nobody reads; it ends with the block."""
    numbers = [str(number) for number in (*order, first, share)]
    started = subprocess.Popen(
        [sys.executable, "-P", "-m", __spec__.name, *numbers],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what it does not draw is drawn here, and fails here
    )
    assert started.stdout is not None
    try:
        with started.stdout as written:
            yield written
    finally:
        started.kill()
        started.wait()


def _read(written: IO[bytes]) -> Drawn | None:
    """Read the next photo of a helper; None where it has ended before its time."""
    if not (line := written.readline()).endswith(b"\n"):
        return None
    record, length = json.loads(line)
    jpeg = written.read(length)
    return (record, jpeg) if len(jpeg) == length else None


def design_garment(index: int, *, seed: int = 0) -> Garment:
    """The garment at that place of the collection; the kinds take turns."""
    kind = KINDS[index % len(KINDS)]
    name = f"{kind}-{index // len(KINDS) + 1:03d}"
    return design(np.random.default_rng([seed, index]), kind, name)


def draw_photo(index: int, number: int, *, size: int = 256, seed: int = 0) -> Photo:
    """Photo number (from 1) of the garment at index."""
    rng = np.random.default_rng([seed, index, number])
    return take_photo(rng, design_garment(index, seed=seed), size)


def record_of(photo: Photo, garment: Garment, image: str, split: str) -> Record:
    """What a photo shows, as draw_collection yields it."""
    width, height = photo.image.size
    record: Record = {"image": image, "width": width, "height": height, "box": photo.box}
    return record | {"label": garment.kind, "split": split} | garment.attributes


if __name__ == "__main__":
    main()
