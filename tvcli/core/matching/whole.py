"""Whole photos laid over each other: turned by quarters, mirrored or not, without key points."""

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tvcli.core.matching.blank import is_blank, zncc_in_colour
from tvcli.core.matching.evidence import Evidence, laid_over_evidence
from tvcli.core.matching.features import Keypoints, Pixels, opencv_failing
from tvcli.core.matching.homography import Transform
from tvcli.core.matching.match import Match
from tvcli.core.matching.zncc import details

ASPECT = 0.03  # by how much the logarithms of the aspects of two whole photos may differ
SKETCH = 32  # pixels across and down of what is compared first
SOFTEN, BACKGROUND = 0.7, 3.0  # pixels of a sketch: deviations whose difference are its details
LIKELY = 0.7  # correlation of sketches from which the photos are worth a closer look
WAYS = [(quarters, mirrored) for quarters in range(4) for mirrored in (False, True)]

Sketches = npt.NDArray[np.float32]


class WholeMatcher:
    """Lays one whole query over many whole photos: for what is too blurred or plain for key points.

    `query` is the one. A quick look at sketches of both tells which ways, of eight, are worth a
    closer one. Blank pictures agree as far as their colours do.
    """

    def __init__(self, query: Keypoints) -> None:
        self.query, self._blank = query, is_blank(query)
        self._aspect = _aspect(query)
        plain = _sketch(query.preview)
        ways = [np.rot90(plain[:, ::-1] if mirrored else plain, -n) for n, mirrored in WAYS]
        self._ways: Sketches = np.stack([way.ravel() for way in ways])  # (8, SKETCH**2)

    def match(self, gallery: Keypoints) -> Match:
        """Return how the two agree, laid over each other in the best way; no map if in none.

        Raises:
            BadImage: OpenCV fails on the two.
        """
        with opencv_failing("cannot be compared"):
            return self._matched(gallery)

    def _matched(self, gallery: Keypoints) -> Match:
        if self._blank:
            return self._by_colour(gallery)
        ways = [
            (transform, mirrored, found)
            for transform, mirrored in self._likely(gallery)
            if (found := details(self.query, gallery, transform)) is not None
        ]
        if not ways:
            return Match()
        transform, mirrored, found = max(ways, key=lambda way: way[2].zncc)
        evidence = laid_over_evidence(self.query, gallery, transform, found)
        return Match(0, transform, mirrored, evidence=evidence, whole=True)

    def _by_colour(self, gallery: Keypoints) -> Match:
        alike = zncc_in_colour(self.query, gallery) if is_blank(gallery) else 0.0
        over = _laid_over(self.query, gallery, 0, False)
        if not alike:
            return Match()
        seen = Evidence(  # one colour is all there is to see, and it is the same all over
            zncc=alike,
            local_agreement=alike,
            disagreement=1 - alike,
            hue=alike,
            photometric=alike,
        )
        return Match(0, over, evidence=seen, whole=True)

    def _likely(self, gallery: Keypoints) -> Iterator[tuple[Transform, bool]]:
        aspect = _aspect(gallery)
        fitting = [abs(self._aspect - aspect) <= ASPECT, abs(self._aspect + aspect) <= ASPECT]
        if not any(fitting):
            return
        alike = self._ways @ _sketch(gallery.preview).ravel()  # (8,)
        for (quarters, mirrored), likeness in zip(WAYS, alike, strict=True):
            if fitting[quarters % 2] and likeness >= LIKELY:
                yield _laid_over(self.query, gallery, quarters, mirrored), mirrored


def _laid_over(first: Keypoints, second: Keypoints, quarters: int, mirrored: bool) -> Transform:
    """Return the map (3, 3) of a whole photo, turned clockwise by quarters, onto another."""
    turn = np.linalg.matrix_power(np.array([[0.0, -1, 1], [1, 0, 0], [0, 0, 1]]), quarters)
    if mirrored:
        turn = turn @ np.array([[-1.0, 0, 1], [0, 1, 0], [0, 0, 1]])
    result: Transform = _from_unit(second) @ turn @ np.linalg.inv(_from_unit(first))
    return result


def _aspect(keypoints: Keypoints) -> float:
    """Return the logarithm of the width by the height, of a photo on its side the negative.

    NaN, which is like nothing, where there is no photo.
    """
    x0, y0, x1, y1 = keypoints.region
    return math.log((x1 - x0) / (y1 - y0)) if x1 > x0 and y1 > y0 else math.nan


def _from_unit(keypoints: Keypoints) -> Transform:
    """Return the map (3, 3) of the unit square onto a photo."""
    x0, y0, x1, y1 = keypoints.region
    return np.array([[x1 - x0, 0, x0], [0, y1 - y0, y0], [0, 0, 1]], np.float64)


def _sketch(preview: Pixels) -> Sketches:
    """Return what stands out in a small square of a preview: (SKETCH, SKETCH), of length 1 or 0."""
    import cv2

    if not preview.size:
        return np.zeros((SKETCH, SKETCH), np.float32)
    small = cv2.resize(preview, (SKETCH, SKETCH), interpolation=cv2.INTER_AREA).astype(np.float32)
    soft, wide = (cv2.GaussianBlur(small, (0, 0), sigma) for sigma in (SOFTEN, BACKGROUND))
    found = np.asarray(soft - wide, np.float32)
    found /= max(float(np.linalg.norm(found)), 1e-6)
    return found
