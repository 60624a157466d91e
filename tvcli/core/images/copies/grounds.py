"""What lies around a picture where there is no other photo: a table top that is drawn."""

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from tvcli.core.images.copies.change import Colour

Plane = npt.NDArray[np.float32]  # (H, W) or (H, W, 3), 0 to 255
GROUNDS = ("wood", "cloth", "stone", "plain")


def drawn_ground(kind: str, colour: Colour, size: tuple[int, int], seed: int) -> Plane:
    """Return a table top (H, W, 3) of a kind of `GROUNDS`, else plain, around a colour."""
    width, height = size
    rng = np.random.default_rng(seed)
    if kind == "wood":  # growth rings cut lengthwise: lines that waver, and fine fibres
        y = np.linspace(0, 14, height, dtype=np.float32)[:, None]
        relief = 18 * np.sin(6.3 * (y + 3 * soft_noise(rng, size, (7, 3))))
        relief = relief + 14 * soft_noise(rng, size, (max(2, width // 60), max(2, height // 3)))
    elif kind == "cloth":  # threads across and down
        across = np.sin(np.arange(width, dtype=np.float32) * 1.9)[None]
        down = np.sin(np.arange(height, dtype=np.float32) * 1.7)[:, None]
        relief = 8 * across + 8 * down + 20 * soft_noise(rng, size, (5, 4))
    elif kind == "stone":  # veins: where a soft noise passes through its mean
        veins = np.exp(-np.abs(soft_noise(rng, size, (9, 7))) * 14)
        relief = 40 * veins + 16 * soft_noise(rng, size, (width // 6, height // 6))
    else:
        relief = 12 * soft_noise(rng, size, (3, 3))
    tint = np.array([1, 0.95, 0.85], np.float32)
    plane: Plane = np.array(colour, np.float32) + relief[..., None] * tint
    return np.clip(plane, 0, 255)


def drawn_picture(kind: str, colour: Colour, size: tuple[int, int], seed: int) -> Image.Image:
    """Return a table top as a picture: what stands for another photo where there is none."""
    return Image.fromarray(drawn_ground(kind, colour, size, seed).astype(np.uint8))


def soft_noise(rng: np.random.Generator, size: tuple[int, int], grains: tuple[int, int]) -> Plane:
    """Return noise (H, W) with so many grains across and down, about -1 to 1."""
    coarse = rng.uniform(-1, 1, (max(2, grains[1]), max(2, grains[0]))).astype(np.float32)
    plane: Plane = np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC), np.float32)
    return plane
