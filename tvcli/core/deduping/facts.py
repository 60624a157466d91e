"""Facts of a photo's file, by which it is told which of some equal photos to keep."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tvcli.core.images.photo import decode_photo, digest, photo_format, read_photo, thumbnail

SIDE = 128  # pixels of the long side that a border is looked for at
EVEN = 4  # grey levels within which a border is of one colour
WHITE = 250  # from here on it is background, as in pictures of goods, and not a border
LEAST = 0.02  # of the area: less is no border


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a file: its path as shown, size in pixels and bytes, format, content.

    `border` is the share of it that is a border or corners of one colour, not white.
    """

    image: str
    path: Path
    width: int
    height: int
    bytes: int
    format: str
    digest: str
    border: float = 0.0

    @property
    def shown(self) -> float:
        """How many pixels show the picture."""
        return self.width * self.height * (1 - self.border)


def facts_of(path: Path, image: str) -> Facts:
    """Return what is known of a photo's file; raises BadImage if it cannot be read."""
    data = read_photo(path)
    photo = decode_photo(data, size=SIDE)
    border = border_of(np.asarray(thumbnail(photo, SIDE).convert("L")))
    about = photo_format(data), digest(data), border
    return Facts(image, path, photo.width, photo.height, len(data), *about)


def border_of(grey: npt.NDArray[np.uint8]) -> float:
    """Return the share of a grey picture (H, W) that its corners reach over one colour."""
    import cv2

    grey = np.array(grey)  # floodFill asks for one that may be written to
    height, width = grey.shape
    mask = np.zeros((height + 2, width + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (255 << 8)
    for x, y in ((0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)):
        if grey[y, x] < WHITE:
            cv2.floodFill(grey, mask, (x, y), 0, EVEN, EVEN, flags)
    share = float((mask[1:-1, 1:-1] > 0).mean())
    return round(share, 2) if LEAST <= share < 1 else 0.0
