"""Outlines in pixels become antialiased masks, each only as large as its outline needs."""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw

from tvcli.demo.drawing.geometry import Array

OVERSAMPLING = 4


@dataclass(frozen=True)
class Mask:
    """How much of each pixel a shape covers, in one window of the photo.

    alpha is (bottom - top, right - left) in 0..1.
    """

    left: int
    top: int
    alpha: Array

    @property
    def window(self) -> tuple[slice, slice]:
        """The window as (rows, columns) of the photo."""
        height, width = self.alpha.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    def scaled(self, factor: float | Array) -> "Mask":
        """The same shape, more or less opaque."""
        return Mask(self.left, self.top, self.alpha * factor)


def fill(outline: Array, width: int, height: int) -> Mask:
    """The mask of a closed outline, (N, 2) pixels, in a photo of width x height."""
    return _draw(outline, width, height, margin=1.0, pen=0.0)


def line(path: Array, pen: float, width: int, height: int) -> Mask:
    """The mask of an open path, (N, 2) pixels, drawn with a round pen of that many pixels."""
    return _draw(path, width, height, margin=1.0 + pen, pen=pen)


def soften(mask: Mask, radius: float, width: int, height: int) -> Mask:
    """The mask under a Gaussian blur, its window grown to hold it."""
    grow = int(np.ceil(2 * radius))
    left, top = max(0, mask.left - grow), max(0, mask.top - grow)
    rows, columns = mask.window
    right, bottom = min(width, columns.stop + grow), min(height, rows.stop + grow)
    room = np.zeros((max(0, bottom - top), max(0, right - left)), np.float32)
    if room.size and mask.alpha.size:
        room[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = (
            mask.alpha
        )
        room = blurred(room, radius)
    return Mask(left, top, room)


def blurred(plane: Array, radius: float) -> Array:
    """A plane (h, w), or some (h, w, C), under a Gaussian blur, in that shape."""
    side = 2 * int(np.ceil(2.5 * radius)) + 1
    soft = cv2.GaussianBlur(plane, (side, side), radius, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(soft)


def _draw(path: Array, width: int, height: int, margin: float, pen: float) -> Mask:
    limits = np.array([width, height])
    left, top = (int(v) for v in np.clip(np.floor(path.min(axis=0) - margin), 0, limits))
    right, bottom = (int(v) for v in np.clip(np.ceil(path.max(axis=0) + margin), 0, limits))
    if right <= left or bottom <= top:
        return Mask(left, top, np.zeros((0, 0), np.float32))
    image = Image.new("L", ((right - left) * OVERSAMPLING, (bottom - top) * OVERSAMPLING))
    corners = ((path - (left, top)) * OVERSAMPLING - 0.5).ravel().tolist()
    pencil = ImageDraw.Draw(image)
    if pen:
        pencil.line(corners, fill=255, width=max(1, round(pen * OVERSAMPLING)), joint="curve")
    else:
        pencil.polygon(corners, fill=255)
    alpha = np.asarray(image.reduce(OVERSAMPLING), dtype=np.float32) / 255
    return Mask(left, top, alpha)
