"""How the photo is framed and taken: its shape, where the garment lies, its flaws."""

import numpy as np
from numpy.random import Generator
from PIL import Image

from tvcli.demo.drawing import raster
from tvcli.demo.drawing.geometry import Array
from tvcli.demo.drawing.light import Light
from tvcli.demo.drawing.pose import Pose

# Width to height: portrait mostly, a few square and landscape.
SHAPES = (0.67, 0.72, 0.75, 0.8, 0.75, 0.67, 1.0, 1.33)
MARGIN = 0.03


def choose_frame(rng: Generator, size: int, outlines: list[Array]) -> tuple[int, int]:
    """A photo's width and height for the garment's outlines.

    The shorter one is size to 1.3 times size.
    """
    wide, tall = np.ptp(np.vstack(outlines), axis=0)
    # A wide garment would be too low in a narrow photo.
    ratio = max(SHAPES[int(rng.integers(len(SHAPES)))], 0.48 * wide / tall)
    short = size * rng.uniform(1.0, 1.3)
    width, height = (short, short / ratio) if ratio <= 1 else (short * ratio, short)
    return round(width), round(height)


def aim(rng: Generator, outlines: list[Array], width: int, height: int) -> Pose:
    """A pose that puts the garment's outlines inside the photo, at 40 to 85 % of its height."""
    pose = Pose(
        1.0,
        0.0,
        0.0,
        turn=rng.normal(0, 0.022),
        lean=rng.normal(0, 0.025),
        mirror=rng.random() < 0.5,
    )
    extent = np.vstack([pose.to_pixels(outline) for outline in outlines])
    low, high = extent.min(axis=0), extent.max(axis=0)
    wide, tall = high - low
    scale = min(rng.uniform(0.43, 0.84) * height / tall, 0.94 * width / wide)
    free = np.array([width, height]) - scale * (high - low)
    pad = np.minimum(free / 2, MARGIN * min(width, height))
    share = np.clip(rng.normal(0.5, 0.2, size=2), 0, 1)
    corner = pad + share * (free - 2 * pad)
    foot_x, foot_y = corner - scale * low
    return pose.at(float(scale), float(foot_x), float(foot_y))


def expose(rng: Generator, pixels: Array, light: Light) -> Image.Image:
    """The finished picture of pixels (h, w, 3): the light's tint, a vignette, blur, and noise."""
    height, width, _ = pixels.shape
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)
    vignette = 1 - rng.uniform(0.02, 0.1) * (x**2 + y**2)
    taken = np.clip(pixels * np.stack([vignette * t for t in light.tint], axis=-1), 0, 1) * 255
    taken = raster.blurred(taken, rng.uniform(0.0, 0.55))
    noisy = np.rint(taken + _grain(rng, height, width))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def _grain(rng: Generator, height: int, width: int) -> Array:
    """Sensor noise: the same in all colours, and a little of each colour's own."""
    grey = rng.standard_normal((height, width, 1), dtype=np.float32) * rng.uniform(0.8, 2.6)
    own = rng.random((height, width, 3), dtype=np.float32) * 2.4 - 1.2
    return np.asarray(grey + own)
