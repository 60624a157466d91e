"""Changes of how well things are seen: compression, blur, noise, coarse pixels."""

import io

import numpy as np
from PIL import Image, ImageFilter

from tvcli.core.images.copies.change import (
    Change,
    Parameters,
    Rng,
    between,
    in_place,
    seed_from,
)
from tvcli.core.images.known_pictures import open_picture


def draw_compression(rng: Rng) -> Parameters:
    """Return a quality of JPEG from 10 to 40."""
    return {"quality": int(rng.integers(10, 41))}


def compressed(image: Image.Image, quality: int) -> Image.Image:
    """Return the picture as JPEG keeps it."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return open_picture(buffer.getvalue()).convert("RGB")


def draw_blur(rng: Rng) -> Parameters:
    """Return a standard deviation of 0.4 to 1 % of the long side."""
    return {"deviation": between(rng, 0.004, 0.01)}


def blurred(image: Image.Image, deviation: float) -> Image.Image:
    """Return the picture blurred; `deviation` in long sides."""
    return image.filter(ImageFilter.GaussianBlur(deviation * max(image.size)))


def draw_noise(rng: Rng) -> Parameters:
    """Return a standard deviation of 8 to 24 levels, and the seed of the noise."""
    return {"levels": between(rng, 8, 24), "seed": seed_from(rng)}


def noisy(image: Image.Image, levels: float, seed: int) -> Image.Image:
    """Return the picture with noise of a standard deviation on every value."""
    values = np.asarray(image, np.float32)
    noise = np.random.default_rng(seed).standard_normal(values.shape, np.float32)
    return Image.fromarray(np.clip(np.rint(values + levels * noise), 0, 255).astype(np.uint8))


def draw_pixels(rng: Rng) -> Parameters:
    """Return the side of a coarse pixel, 0.8 to 2.5 % of the long side."""
    return {"side": between(rng, 0.008, 0.025)}


def pixelated(image: Image.Image, side: float) -> Image.Image:
    """Return the picture in coarse square pixels; `side` in long sides."""
    pixel = max(2.0, side * max(image.size))
    across, down = (max(1, round(length / pixel)) for length in image.size)
    coarse = image.resize((across, down), Image.Resampling.BOX)
    return coarse.resize(image.size, Image.Resampling.NEAREST)


JPEG = Change(draw_compression, in_place(compressed))
BLUR = Change(draw_blur, in_place(blurred))
NOISE = Change(draw_noise, in_place(noisy))
PIXELATE = Change(draw_pixels, in_place(pixelated))
