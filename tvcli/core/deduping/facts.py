"""Facts of a photo's file, by which it is told which of some equal photos to keep."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box
from tvcli.core.images.photo import decode_photo, digest, photo_format, read_photo, thumbnail

SIDE = 128  # pixels of the long side that a border is looked for at
EVEN = 4  # grey levels within which a border is of one colour
WHITE = 250  # from here on it is background, as in pictures of goods, and not a border
LEAST = 0.02  # of the area: less is no border


class Inode(NamedTuple):
    """Which file it is to the system, and how many entries of folders (hard links) lead to it."""

    device: int
    number: int  # 0 where the file system has none
    entries: int


UNKNOWN = Inode(0, 0, 1)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a file: its path as shown, size in pixels and bytes, format, content.

    `border` is the share of it that is a border or corners of one colour, not white. `paths` are
    all that are known to lead to the file; `links` those, as shown, that are entries of their own.
    """

    image: str
    path: Path
    width: int
    height: int
    bytes: int
    format: str
    digest: str
    border: float = 0.0
    inode: Inode = UNKNOWN
    is_link: bool = False  # a symbolic link, to a file that has no other name here
    paths: tuple[Path, ...] = ()
    links: tuple[str, ...] = ()

    def is_hard_link_to(self, other: "Facts") -> bool:
        """Tell whether two entries are one file."""
        return self.inode.number != 0 and self.inode[:2] == other.inode[:2]

    @property
    def whole(self) -> Box:
        """The box of the whole photo."""
        return 0.0, 0.0, float(self.width), float(self.height)

    @property
    def size(self) -> str:
        """Its size as a person reads it, and how much of that shows nothing."""
        size = f"{self.width}x{self.height}"
        return f"{size} ({self.border:.0%} of it border)" if self.border else size

    @property
    def shown(self) -> float:
        """How many pixels show the picture."""
        return self.width * self.height * (1 - self.border)


def facts_of(path: Path, image: str) -> Facts:
    """Return what is known of a photo's file; raises BadImage if it cannot be read."""
    data = read_photo(path)
    status = path.stat()
    inode = Inode(status.st_dev, status.st_ino, status.st_nlink)
    photo = decode_photo(data, size=SIDE)
    border = border_of(np.asarray(thumbnail(photo, SIDE).convert("L")))
    about = photo_format(data), digest(data), border
    return Facts(
        image, path, photo.width, photo.height, len(data), *about, inode, path.is_symlink()
    )


def border_of(grey: npt.NDArray[np.uint8]) -> float:
    """Return the share of a grey picture (H, W) that is a border or corners of one colour.

    That is what the corners of the picture reach over one colour, outside the convex hull of the
    rest: a plain wall reaches in between the things before it, a border does not.
    """
    import cv2

    grey = np.array(grey)  # floodFill asks for one that may be written to
    height, width = grey.shape
    mask = np.zeros((height + 2, width + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (255 << 8)
    for x, y in ((0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)):
        if grey[y, x] < WHITE:
            cv2.floodFill(grey, mask, (x, y), 0, EVEN, EVEN, flags)
    rest = np.argwhere(mask[1:-1, 1:-1] == 0)[:, ::-1].astype(np.int32)  # (n, 2) x, y
    if not len(rest):
        return 0.0
    hull = cv2.fillConvexPoly(np.zeros_like(grey), cv2.convexHull(rest), 1)
    share = 1 - float(hull.mean())
    return round(share, 2) if share >= LEAST else 0.0
