"""Key points: where a photo has corners or blobs, and what it looks like around them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tvcli.core.boxes import Box, clip
from tvcli.core.images.photo import BadImage, Photo, resize_region

Method = Literal["orb", "sift"]

SIDE = 512  # pixels of the long side that photos are brought to, smaller ones too
COUNT = 500  # key points a photo
FINE = 2 * SIDE, 3 * COUNT  # side and key points of a photo that is sought as a small part
PREVIEW = 96  # pixels of the long side of the small grey picture kept beside them
COLOUR = 48  # the same of the picture in colour
GAP = 3.0  # times as large as wanted are pictures before the last resizing: as Pillow recommends
# Grey levels of corners. By the lower one dim and blurred pictures have them too, in 2.5 times the
# time; where the higher one finds enough, nearly all that are kept are the same (0.97 of them).
FAST_THRESHOLDS = 8, 2
CELLS = 8  # across and down: key points are taken from all of them, not only from text or frames
LEAST_SIDE = 5  # pixels: what is thinner has no corners, and OpenCV halves it to nothing
CANDIDATES = 4  # times as many corners are found as are kept
ENOUGH = 2  # times as many as are kept, half of CANDIDATES: taken for safe, and then measured

SIFT_CONTRAST = 0.02  # half of Lowe's, for the same reason
LENGTHS = {"orb": 32, "sift": 128}  # bytes of a descriptor

Points = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Keypoints:
    """What a photo, or a region of it, is recognised by; empty for a blank one.

    `points` (N, 2) float32 are x, y in pixels of the photo as displayed. `descriptors` are
    (N, 32) uint8 of ORB, compared by differing bits, or (N, 128) uint8 of SIFT, by distance.
    `preview` (h, w) uint8 is the region in grey, small, `colour` (h, w, 3) uint8 in colour, smaller
    (without pixels where it is not known); both larger where key points were sought in a larger
    one. Where `mirrored`, the descriptors are
    those of the mirror image; the rest is as in the photo all the same.
    """

    points: Points
    descriptors: Pixels
    preview: Pixels
    region: Box
    method: Method = "orb"
    mirrored: bool = False
    colour: Pixels = field(default_factory=lambda: np.zeros((0, 0, 3), np.uint8))

    def __len__(self) -> int:
        return len(self.points)


Both = list[Keypoints]  # of a photo as it is, and mirrored


@contextmanager
def opencv_failing(what: str) -> Iterator[None]:
    """Make of an error of OpenCV's inside the block one of the photo: a BadImage that says what."""
    import cv2

    try:
        yield
    except cv2.error as error:
        raise BadImage(f"{what}: {error.err}") from error


def describe(
    photo: Photo,
    *,
    method: Method = "orb",
    crop: Box | None = None,
    mirrored: bool = False,
    count: int = COUNT,
    side: int = SIDE,
) -> Keypoints:
    """Return the key points of a photo, or of a crop of it, at the long side `side`.

    ORB: Rublee et al. 2011; SIFT: Lowe 2004. With `mirrored` they are described as in the mirror
    image: two photos match if one's key points match the other's, mirrored or not.

    Raises:
        BadImage: the crop lies outside the photo.
    """
    return _described(photo, method, crop, (mirrored,), count, side)[0]


def describe_both(
    photo: Photo,
    *,
    method: Method = "orb",
    crop: Box | None = None,
    count: int = COUNT,
    side: int = SIDE,
) -> Both:
    """Return the key points of a photo as it is and mirrored: a query that finds both."""
    return _described(photo, method, crop, (False, True), count, side)


def _described(
    photo: Photo, method: Method, crop: Box | None, sides: Sequence[bool], count: int, side: int
) -> list[Keypoints]:
    """Return the key points of a region, mirrored or not; they are sought once for all `sides`."""
    region = photo.whole if crop is None else clip(crop, photo.width, photo.height)
    if region is None:
        raise BadImage(f"box {[round(value) for value in crop or ()]} lies outside the photo")
    colour = _small(photo, region, COLOUR * side // SIDE)
    in_grey = replace(photo, image=photo.image.convert("L"))
    preview = _small(in_grey, region, PREVIEW * side // SIDE)
    grey = _small(in_grey, region, side)
    with opencv_failing("no key points can be found"):
        points = _spread(_corners(method, grey, count), grey.shape, count)
        found = [_computed(grey, points, mirrored, method) for mirrored in sides]
    return [
        Keypoints(_in_photo(places, region, grey), bits, preview, region, method, mirrored, colour)
        for mirrored, (places, bits) in zip(sides, found, strict=True)
    ]


def _small(photo: Photo, region: Box, side: int) -> Pixels:
    """Return a region with its long side `side` pixels, whatever it was: (h, w) or (h, w, 3)."""
    width, height = region[2] - region[0], region[3] - region[1]
    scale = side / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(resize_region(photo, region, size, GAP))


def _in_photo(points: Points, region: Box, grey: Pixels) -> Points:
    """Return centres of pixels of the grey region, counted from 0, in pixels of the photo."""
    height, width = grey.shape
    sides = region[2] - region[0], region[3] - region[1]
    scale = np.array([sides[0] / width, sides[1] / height], np.float32)
    result: Points = (points + 0.5) * scale + np.array(region[:2], np.float32)
    return result


def _corners(method: Method, grey: Pixels, count: int) -> Sequence[Any]:
    """Return corners of a grey picture, CANDIDATES times `count` where it has as many."""
    import cv2  # by the first photo described: a search without --verify does without it

    wanted = CANDIDATES * count
    if min(grey.shape) < LEAST_SIDE:
        return ()
    if method == "sift":
        found: Sequence[Any] = cv2.SIFT_create(wanted, contrastThreshold=SIFT_CONTRAST).detect(grey)
        return found
    for threshold in FAST_THRESHOLDS:
        found = cv2.ORB_create(wanted, fastThreshold=threshold).detect(grey)
        if len(found) >= ENOUGH * count:
            break
    return found


def _computed(
    grey: Pixels, points: Sequence[Any], mirrored: bool, method: Method
) -> tuple[Points, Pixels]:
    """Return x, y (n, 2) in pixels of a grey picture, and descriptors (n, 32 or 128) uint8.

    Where `mirrored`, they are those of the mirror image, in which corners lie as in the picture:
    to seek them there would take three times as long.
    """
    import cv2

    if not points:
        return np.empty((0, 2), np.float32), np.empty((0, LENGTHS[method]), np.uint8)
    last = grey.shape[1] - 1
    if mirrored:
        grey = np.ascontiguousarray(grey[:, ::-1])
        points = [
            cv2.KeyPoint(
                last - p.pt[0], p.pt[1], p.size, (180 - p.angle) % 360, p.response, p.octave
            )
            for p in points
        ]
    detector: Any = cv2.SIFT_create() if method == "sift" else cv2.ORB_create()
    kept, descriptors = detector.compute(grey, points)
    places = np.asarray(cv2.KeyPoint_convert(kept), np.float32).reshape(-1, 2)
    if mirrored:
        places[:, 0] = last - places[:, 0]
    empty = np.empty((0, LENGTHS[method]), np.uint8)
    return places, empty if descriptors is None else descriptors.astype(np.uint8)


def _spread(found: Sequence[Any], shape: tuple[int, ...], count: int) -> list[Any]:
    """Return `count` of some key points, the strongest, in turn from all places and scales.

    A cell is a square of the picture and half an octave of scale: fine corners alone would be
    gone in a copy that is blurred.
    """
    import cv2

    if len(found) <= count:
        return list(found)
    places = np.asarray(cv2.KeyPoint_convert(found), np.float64)  # (n, 2)
    strengths = np.array([point.response for point in found])
    cells = (places * CELLS / (shape[1], shape[0])).astype(int)
    scales = (2 * np.log2([point.size for point in found])).astype(int)
    cells = np.clip(cells, 0, CELLS - 1) @ (1, CELLS) + CELLS**2 * scales
    order = np.lexsort((-strengths, cells))
    firsts = np.searchsorted(cells[order], cells[order])  # where the cell of each begins
    turns = np.arange(len(order)) - firsts
    chosen = order[np.lexsort((-strengths[order], turns))[:count]]
    return [found[place] for place in chosen]
